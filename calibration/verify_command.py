"""``mcusim verify`` and ``python -m calibration.verify_command``: fails where simulations have drifted from measurements."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mcusim.cli import run_options, values
from mcusim.cli.outputs import STDOUT, check_outputs

if TYPE_CHECKING:
    from calibration.verify import Comparison

REGRESSION_CODE = 9
"""Row ``regression`` of ``mcusim.report.exit``, not imported here to keep start-up short; a test compares them."""
UPDATE = "python -m benchmarks.fidelity --update-boards"
ERASE = "\r\x1b[K"
SCALED = frozenset({"time", "energy", "power"})
"""Dimensions whose values are shown with prefixes; others are counts."""
VERDICTS = {(True, False): "FAILED", (True, True): "FAILED", (False, True): "moved", (False, False): "ok"}
"""By whether a row failed, and whether the simulator says something else than recorded."""


def share(text: str) -> float:
    """A relative error, above 0: 0.02 or 2%."""
    number, percent, _ = text.partition("%")
    try:
        value = values.seconds(number) / (100 if percent else 1)
    except typer.BadParameter:
        raise typer.BadParameter(f"{text!r} is no relative error; allowed: a number above 0, as 0.02 or 2%") from None
    return value


def verify_command(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[MEASUREMENTS...]", help="CSV files (docs/measurements.md).")
    ] = None,
    board: Annotated[
        str | None, typer.Option(metavar="NAME|PATH", help="Only measurements of this board; by default each on its own.")
    ] = None,
    programs: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the programs; by default that of each file.")
    ] = None,
    tolerance: Annotated[
        Any, typer.Option(parser=share, metavar="SHARE", help="Allowed error of rows that name none; by default 5%.")
    ] = None,
    send: Annotated[list[Any] | None, run_options.SEND] = None,
    until: Annotated[Any, run_options.UNTIL] = None,
    max_instructions: Annotated[
        Any, typer.Option(parser=values.count, metavar="N", help="Limit of each run; reaching it is an error. 1e9 works.")
    ] = None,
    semihosting_root: Annotated[Path | None, run_options.SEMIHOSTING_ROOT] = None,
    published: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The published measurements of a folder instead (docs/accuracy.md).")
    ] = None,
    max_cycles: Annotated[
        Any, typer.Option(parser=values.count, metavar="N", help="With --published: leave out longer programs.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, metavar="N", help="With --published: programs at a time.")] = 1,
    json: Annotated[
        str | None, typer.Option(metavar="FILE|-", help="Write JSON of schema mcusim.verify/1; - is stdout, without the table.")
    ] = None,
) -> None:
    """Run the programs of measurements and compare: measured, simulated, error. Exit code 9 if one is off by more than allowed.

    \b
    Examples:
      mcusim verify bench.csv
      mcusim verify --board nucleo-l4r5zi --tolerance 2% bench.csv field.csv
      mcusim verify bench.csv --programs build --json verify.json
      mcusim verify --published measurements --programs images --max-cycles 1e8
    """
    from calibration import verify
    from mcusim.report import write_atomically

    check_outputs({"--json": json}, {"the measurements": files or ()})
    runs = {
        "send": tuple(send or ()), "until": until, "max_instructions": max_instructions, "semihosting_root": semihosting_root,
    }  # fmt: skip
    _check_choice(files, published, programs, {**runs, "tolerance": tolerance})
    try:
        if published is not None and programs is not None:
            from calibration.verify_published import verify_published

            found = verify_published(
                published, programs, board=board, max_cycles=max_cycles or float("inf"), jobs=jobs, watch=_watch
            )
        else:
            rows = verify.load(files or (), programs)
            found = verify.verify(rows, board=board, tolerance=tolerance or verify.TOLERANCE, watch=_watch, **runs)
    finally:
        _watch("")
    if json != STDOUT:
        _tell(found)
    if json == STDOUT:
        sys.stdout.write(verify.to_json(found) + "\n")
    elif json is not None:
        write_atomically(json, verify.to_json(found) + "\n")
    if any(each.failed for each in found):
        raise typer.Exit(REGRESSION_CODE)


def _check_choice(files: Any, published: Path | None, programs: Path | None, of_files: Mapping[str, Any]) -> None:
    """Usage errors: either files or published measurements, and the options of the one not with the other."""
    if bool(files) == (published is not None):
        raise typer.BadParameter("allowed: files of measurements, or --published with a folder of tables")
    if published is not None and programs is None:
        raise typer.BadParameter("--published needs --programs, the folder with their programs (docs/accuracy.md)")
    if published is not None and (given := [name.replace("_", "-") for name, value in of_files.items() if value]):
        raise typer.BadParameter(f"--{given[0]} is of files of measurements; --published says itself how its programs run")


def _watch(text: str) -> None:
    """What runs now, on stderr where that is a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"{ERASE}{text}")
        sys.stderr.flush()


def _tell(found: Sequence[Comparison]) -> None:
    from calibration.verify import NAMED
    from mcusim.report.table import print_table

    compared = [each for each in found if each.simulated is not None]
    columns = ("name", "quantity", "board", "", "measured", "simulated", "error", "allowed")
    print_table(sys.stdout, "", columns, [_row(each) for each in compared], right=4)
    failed = sum(each.failed for each in compared)
    sys.stdout.write(f"\n{len(compared)} compared, {failed} further off than allowed\n")
    if moved := sum(each.moved for each in compared):
        sys.stdout.write(f"{moved} moved since the accuracy was recorded; {UPDATE} records it anew\n")
    for reason in dict.fromkeys(each.reason for each in found if each.reason):
        names = [each.measurement.name for each in found if each.reason == reason]
        sys.stdout.write(f"{len(names)} not compared: {reason}\n")
        if reason in NAMED:
            sys.stdout.writelines(f"    {name}\n" for name in names)


def _row(each: Comparison) -> tuple[str, ...]:
    from calibration.measurements import QUANTITIES, SI_UNITS
    from mcusim.report.quantity import grouped, si

    def quantity(value: float) -> str:
        dimension = QUANTITIES[each.measurement.quantity]
        unit = SI_UNITS[dimension]
        return si(value, unit) if dimension in SCALED else f"{grouped(round(value))} {unit}"

    assert each.simulated is not None and each.error is not None
    where = "" if each.measurement.mark in ("", each.measurement.name) else f" ({each.measurement.mark})"
    return (
        each.measurement.name + where, each.measurement.quantity, each.measurement.board, VERDICTS[each.failed, each.moved],
        quantity(each.measurement.si_value), quantity(each.simulated), f"{each.error:+.2%}", f"{each.tolerance:.2%}",
    )  # fmt: skip


if __name__ == "__main__":
    from mcusim.cli import app

    sys.exit(app.run(sys.argv[1:], app.single(verify_command)))

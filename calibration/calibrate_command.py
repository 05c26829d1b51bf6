"""``mcusim calibrate`` and ``python -m calibration.calibrate_command``: a board measures its own core."""

from __future__ import annotations

import sys
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mcusim.cli import values
from mcusim.cli.outputs import STDOUT, check_outputs

if TYPE_CHECKING:
    from calibration.calibrated import Calibrated
    from calibration.session import Subject

OUTPUT = Path("my-board.toml")
NOISE = 0.01
MISFIT_CODE = 1
ENERGY_SCHEMA = "mcusim.calibrate.energy/1"


def noise(text: str) -> float:
    """A relative error, above 0."""
    try:
        return values.seconds(text)
    except typer.BadParameter:
        raise typer.BadParameter(f"{text!r} is no relative error; allowed: a number above 0, as 0.01") from None


def volts(text: str) -> float:
    """A supply in volts, above 0."""
    try:
        return values.seconds(text)
    except typer.BadParameter:
        raise typer.BadParameter(f"{text!r} is no supply; allowed: volts above 0, as 3.0") from None


def calibrate_command(
    board: Annotated[str, typer.Option(metavar="NAME|PATH", help="Board, or the TOML file of one, that comes nearest.")],
    via: Annotated[str, typer.Option(metavar="LINK", help="Way to the board: pyocd, pyocd:TARGET, serial:PORT, sim.")] = "",
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Board file to write.")] = OUTPUT,
    work: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of firmware and log, by default calibrate-BOARD. With a log in "
                                  "it, the session there goes on.")
    ] = None,
    port: Annotated[str, typer.Option(metavar="PORT", help="With pyocd: serial port; by default that of the probe.")] = "",
    rounds: Annotated[int, typer.Option(min=1, max=64, metavar="N", help="Measurements of a body each time it is asked.")] = 1,
    budget: Annotated[
        Any, typer.Option(parser=values.count, metavar="N", help="Measurements at most; by default until all is settled.")
    ] = None,
    relative_noise: Annotated[
        Any, typer.Option("--noise", parser=noise, metavar="SHARE", help="Relative error of a measurement; by default 0.01.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Of the bootstrap, and of the board that sim makes up.")] = 0,
    energy: Annotated[bool, typer.Option("--energy", help="With sim: energy too, from the power of energy loops.")] = False,
    power: Annotated[
        list[Path] | None,
        typer.Option(metavar="TRACE", help="In place of --via: energy, from an instrument's file. One for each clock."),
    ] = None,
    log: Annotated[
        list[Path] | None,
        typer.Option(metavar="LOG", help="With --power: what the firmware printed, each line behind the host's time."),
    ] = None,
    supply: Annotated[
        Any, typer.Option(parser=volts, metavar="VOLTS", help="With --power: supply, where trace or board file do not say.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write the board file in spite of a misfit.")] = False,
    compiler: Annotated[str, typer.Option(metavar="gcc|zig", help="Compiler; the first one found otherwise.")] = "",
    json: Annotated[
        str | None, typer.Option(metavar="FILE|-", help="Write JSON of schema mcusim.calibrate/1; - is stdout, without table.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the fit as one page with plots (needs the extra 'plot').")
    ] = None,
) -> None:  # fmt: skip
    """Measure a board's core, and write a board file that prices with what was measured. Exit code 1 for a misfit.

    Firmware that times instructions one kind at a time is built for the board, flashed (pyocd) or to be flashed by you
    (serial), and asked for what settles most, until every parameter is settled. Interrupted, the same command goes on.

    \b
    Examples:
      mcusim calibrate --board nucleo-g0b1re --via pyocd
      mcusim calibrate --board nucleo-h743zi --via serial:/dev/ttyACM0 -o my-board.toml --html fit.html
      mcusim calibrate --board m0 --via sim --seed 3 --energy
      mcusim calibrate --board my-board.toml --power ppk2.csv --log stamped.log --supply 3.0 -o my-energy.toml
    """
    from calibration.calibrate import Order, calibrate
    from calibration.fit_report import check_plotly
    from calibration.links.via import parse_via
    from calibration.screen import screen_of_stderr
    from mcusim import boards

    _check_source(via, energy, power or [], log or [], supply)
    asked = {"the board file that is asked for": [board], "a trace": power or (), "a log": log or ()}
    check_outputs({"--output": output, "--json": json, "--html": html}, asked)
    if html is not None:
        check_plotly(str(html))
    if power:
        _energy_alone(board, list(zip(power, log or [], strict=True)), supply, work, compiler, output, force, json)
        return
    kind, place = parse_via(via)
    folder = work or Path(f"calibrate-{boards.load(board).name}")
    order = Order(board, kind, place, folder, port, rounds, seed, relative_noise or NOISE, budget or 0, compiler, energy)
    screen = screen_of_stderr()
    try:
        found, subject = calibrate(order, screen.tell, screen.show)
    except KeyboardInterrupt:
        screen.tell(f"what was measured is in {folder}; the same command goes on")
        raise
    finally:
        screen.finish()
    _deliver(found, subject, board, output, force, json, html)


def _check_source(via: str, energy: bool, power: list[Path], log: list[Path], supply: float | None) -> None:
    """Either a link, or traces with their logs."""
    if bool(via) == bool(power):
        raise typer.BadParameter("allowed: either --via LINK, or --power TRACE with --log LOG")
    if len(power) != len(log):
        raise typer.BadParameter(f"{len(power)} --power and {len(log)} --log; allowed: one --log for each --power")
    if power and energy:
        raise typer.BadParameter("--energy is for --via sim; --power means energy alone")
    if via and supply is not None:
        raise typer.BadParameter("--supply is for --power")
    if energy and via != "sim":
        allowed = "--via sim, or --power TRACE --log LOG in place of --via"
        raise typer.BadParameter(f"--energy with {via}: a board has no instrument; allowed: {allowed}")


def _energy_alone(
    board: str, files: list[tuple[Path, Path]], supply: float | None, work: Path | None, compiler: str, output: Path,
    force: bool, json: str | None,
) -> None:  # fmt: skip
    """Energy from traces: a board file of its own, over the one that is given."""
    from calibration import energy_told
    from calibration.calibrated import base_in
    from calibration.energy_campaign import recorded_energy
    from kernels_c.toolchain import find_compiler
    from mcusim import boards
    from mcusim.report import write_atomically
    from mcusim.report.table import print_table

    loaded = boards.load(board)
    folder = (work or Path(f"calibrate-{loaded.name}")) / "energy"
    found = recorded_energy(loaded, files, supply, folder, find_compiler(compiler))
    explained = found.fitted.fit.explained
    if json != STDOUT:
        print_table(sys.stdout, "", energy_told.COLUMNS, energy_told.rows(found), right=3)
        sys.stdout.write("".join(f"{note}\n" for note in ("", *energy_told.notes(found))))
    if explained or force:
        write_atomically(output, f'base = "{base_in(board, output)}"\n\n{energy_told.lines(found)}')
    _say_written(output, explained or force)
    _write_json(json, dumps({"schema": ENERGY_SCHEMA, "board": loaded.name, **energy_told.fields(found)}, indent=1) + "\n")
    if not explained:
        raise typer.Exit(MISFIT_CODE)


def _say_written(output: Path, written: bool) -> None:
    told = (f"{output}: written; mcusim run PROGRAM --board {output} prices with it" if written else
            f"{output}: not written, since the model does not explain the measurements; --force writes it")  # fmt: skip
    sys.stderr.write(f"{told}\n")


def _write_json(json: str | None, text: str) -> None:
    from mcusim.report import write_atomically

    if json == STDOUT:
        sys.stdout.write(text)
    elif json is not None:
        write_atomically(json, text)


def _deliver(
    found: Calibrated, subject: Subject, base: str, output: Path, force: bool, json: str | None, html: Path | None
) -> None:  # fmt: skip
    """The table first: a file that cannot be written then takes nothing away."""
    from mcusim import boards
    from mcusim.report import write_atomically

    if json != STDOUT:
        _tell(found)
    board = boards.load(base)
    writes = found.explained or force
    if writes:
        write_atomically(output, found.board_file(base, output, subject, board.rated_hertz or board.clock_hertz))
    _say_written(output, writes)
    _write_json(json, found.json(subject, str(output) if writes else None) + "\n")
    if html is not None:
        write_atomically(html, found.fit.html())
    if not found.explained:
        raise typer.Exit(MISFIT_CODE)


def _tell(found: Calibrated) -> None:
    from calibration import energy_told
    from mcusim.report.table import print_table

    columns = ("parameter", "table", "fitted", "95 % interval", "n", "", "")
    print_table(sys.stdout, "", columns, found.rows(), right=6)
    if found.energy is not None:
        sys.stdout.write("\n")
        print_table(sys.stdout, "", energy_told.COLUMNS, energy_told.rows(found.energy), right=3)
    sys.stdout.write("".join(f"{note}\n" for note in ("", *found.notes())))
    sys.stdout.flush()


if __name__ == "__main__":
    from mcusim.cli import app

    sys.exit(app.run(sys.argv[1:], app.single(calibrate_command)))

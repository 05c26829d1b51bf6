"""``mcusim run``: run a program and report."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mcusim.cli import run_options, supply_options
from mcusim.cli.outputs import STDOUT, check_outputs
from mcusim.cli.run_options import CORES

if TYPE_CHECKING:
    from mcusim.report import Report


HELP = """Run the firmware IMAGE (ELF, Intel HEX, or raw .bin) and report cycles, time and memory.

What the firmware prints appears as it comes; the report follows. The exit code is the firmware's own when it ends by
itself, and one of docs/exit_codes.md otherwise.

\b
Examples:
  mcusim run build/demo.elf --core m7
  mcusim run app.hex --board nucleo-l4r5zi --until 'm-results' \\
      --send 'm-ready=>infer 1 0%'
  mcusim run app.bin --board nucleo-u575zi-q --load-address 0x08000000
  mcusim run app.elf --core m4 --max-instructions 1e6 --json report.json
  mcusim run app.elf --core m4 --quiet --json - | jq .cycles
  mcusim run app.elf --core m4 --flamegraph app.speedscope.json --trace app.trace.json
  mcusim run app.elf --board nucleo-l4r5zi --save-profile app.profile.gz
  mcusim run app.elf --board nucleo-l4r5zi --clock 80e6 --wait-states 3
  mcusim run app.elf --board nrf5340-dk --duty-cycle 1/min --battery 220mAh@3V --sleep-current 1.5uA
"""


@dataclass(frozen=True)
class Outputs:
    """Files that a run writes; ``json`` may be ``-`` for stdout."""

    json: str | None
    flamegraph: str | None
    trace: str | None
    profile: str | None = None

    @property
    def json_to_stdout(self) -> bool:
        return self.json == STDOUT

    @property
    def files(self) -> dict[str, str]:
        """Paths of the files, by option; stdout is none."""
        given = {
            "--json": None if self.json_to_stdout else self.json, "--flamegraph": self.flamegraph, "--trace": self.trace,
            "--save-profile": self.profile,
        }  # fmt: skip
        return {option: path for option, path in given.items() if path is not None}

    def check(self, image: str) -> None:
        """Refuse, before the run, what could not be written after it, and what would overwrite the image or each other."""
        check_outputs(self.files, {"the image": [image]})

    def write(self, report: Report) -> None:
        """Write all files of ``report``; the timeline goes into the trace and not into the JSON."""
        from mcusim.report import write_atomically, write_flamegraph, write_trace

        if self.flamegraph:
            write_flamegraph(report, self.flamegraph)
        if self.trace:
            write_trace(report, self.trace)
        if self.json:
            text = replace(report, timeline=None).to_json() + "\n"
            if self.json_to_stdout:
                sys.stdout.write(text)
                sys.stdout.flush()
            else:
                write_atomically(self.json, text)


def run_command(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="Program file; its format is told from its content.")],
    board: Annotated[str | None, run_options.BOARD] = None,
    core: Annotated[str | None, run_options.CORE] = None,
    load_address: Annotated[Any, run_options.LOAD_ADDRESS] = None,
    vector_table: Annotated[Any, run_options.VECTOR_TABLE] = None,
    send: Annotated[list[Any] | None, run_options.SEND] = None,
    until: Annotated[Any, run_options.UNTIL] = None,
    max_instructions: Annotated[Any, run_options.MAX_INSTRUCTIONS] = None,
    max_seconds: Annotated[Any, run_options.MAX_SECONDS] = None,
    timeout: Annotated[Any, run_options.TIMEOUT] = None,
    semihosting_root: Annotated[Path | None, run_options.SEMIHOSTING_ROOT] = None,
    strict: Annotated[bool, run_options.STRICT] = False,
    json: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|-",
            help="Write the report as JSON (docs/schema_run_1.md). With - it goes to stdout in place of the table, and "
            "the firmware's output to stderr.",
        ),
    ] = None,
    flamegraph: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write a flame graph for https://www.speedscope.app.")
    ] = None,
    trace: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write a trace of functions and exceptions for Perfetto.")
    ] = None,
    causes: Annotated[
        bool, typer.Option("--causes", help="Show every cause of every function and mark, not only the largest.")
    ] = False,
    save_profile: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Save what 'mcusim retime' prices again (docs/retime.md); compressed where FILE ends in .gz."
        ),
    ] = None,
    clock: Annotated[Any, run_options.CLOCK] = None,
    wait_states: Annotated[Any, run_options.WAIT_STATES] = None,
    caches: Annotated[Any, run_options.CACHES] = None,
    prefetch: Annotated[Any, run_options.PREFETCH] = None,
    place: Annotated[list[Any] | None, run_options.PLACE] = None,
    supply: Annotated[Any, supply_options.SUPPLY] = None,
    duty_cycle: Annotated[Any, supply_options.DUTY_CYCLE] = None,
    battery: Annotated[Any, supply_options.BATTERY] = None,
    sleep_current: Annotated[Any, supply_options.SLEEP_CURRENT] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print only what the firmware prints: no table, no progress.")
    ] = False,
) -> None:
    _check_choice(board, core)
    outputs = Outputs(json, flamegraph, trace, save_profile)
    outputs.check(image)
    _check_folder(semihosting_root)
    report = _run(
        image, outputs, quiet, board=board, core=core, load_address=load_address, vector_table=vector_table,
        send=tuple(send or ()), until=until, max_instructions=max_instructions, max_seconds=max_seconds,
        timeout_seconds=timeout, semihosting_root=semihosting_root, strict=strict, clock_hertz=clock,
        wait_states=wait_states, caches=caches, prefetch=prefetch, placement=tuple(place or ()),
        supply=supply_options.supply_of(supply, duty_cycle, battery, sleep_current),
    )  # fmt: skip
    _deliver(report, outputs, quiet, causes)
    raise typer.Exit(_process_code(report))


def _check_choice(board: str | None, core: str | None) -> None:
    if (board is None) == (core is None):
        met = "both --board and --core" if board is not None else "neither --board nor --core"
        raise typer.BadParameter(f"{met} given; allowed: one of them ('mcusim boards' lists the boards)")
    if core is not None and core not in CORES:
        raise typer.BadParameter(f"--core {core!r}; allowed: {', '.join(CORES)}")


def _check_folder(semihosting_root: Path | None) -> None:
    if semihosting_root is not None and not semihosting_root.is_dir():
        raise typer.BadParameter(f"--semihosting-root {semihosting_root}: there is no such folder")


def _run(image: str, outputs: Outputs, quiet: bool, **arguments: Any) -> Report:
    """The report of a run with these ``arguments`` of ``mcusim.run``, and with what ``outputs`` need."""
    import mcusim
    from mcusim.cli.screen import screen_for

    screen = screen_for(outputs.json_to_stdout, quiet)
    try:
        report: Report = mcusim.run(
            image, trace=outputs.trace is not None, save_profile=outputs.profile, progress=screen.show_progress,
            serial_output=screen.show_serial, **arguments,
        )  # fmt: skip
        return report
    finally:
        screen.finish()


def _deliver(report: Report, outputs: Outputs, quiet: bool, causes: bool) -> None:
    """The table first: a file that cannot be written then takes nothing away."""
    from mcusim.report import fault_text, write_report

    if not quiet and not outputs.json_to_stdout:
        write_report(report, sys.stdout, causes=causes)
        sys.stdout.flush()
    elif report.fault is not None:
        sys.stderr.write(fault_text(report.fault))
    outputs.write(report)


def _process_code(report: Report) -> int:
    from mcusim.report.exit import code_of

    return code_of(report.exit.reason, report.exit.code)

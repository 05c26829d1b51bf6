"""``mcusim measure`` and ``python -m calibration.measure``: a power trace and a log of marks become measurements."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mcusim.cli import values

if TYPE_CHECKING:
    from calibration.alignment import MarkEnergy, Windows
    from calibration.instruments.marks_log import MarksLog
    from calibration.instruments.trace import Trace
    from calibration.measurements import Measurement


def volts(text: str) -> float:
    """A supply in volts, above 0."""
    return _positive(text, "supply; allowed: volts above 0, as 3.0")


def glitch(text: str) -> float:
    """A time in seconds, above 0."""
    return _positive(text, "time; allowed: seconds above 0, as 20e-6")


def _positive(text: str, what: str) -> float:
    try:
        return values.seconds(text)
    except typer.BadParameter:
        raise typer.BadParameter(f"{text!r} is no {what}") from None


def line(text: str) -> tuple[str, str]:
    """``LINE`` or ``LINE=MARK``: a digital line, and the mark that it shows ("" for all in turns)."""
    name, _, mark = text.partition("=")
    if not name:
        raise typer.BadParameter(f"{text!r} names no line; allowed: LINE or LINE=MARK, as in D0 or D0=conv1")
    return name, mark


def measure_command(
    trace: Annotated[str, typer.Argument(metavar="TRACE", help="File of the instrument.")],
    marks: Annotated[str, typer.Option(metavar="LOG", help="Serial log: '#mark NAME COUNT CYCLES', or stamps (see above).")],
    board: Annotated[str, typer.Option(metavar="NAME", help="Board, by its name in 'mcusim boards'.")],
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="CSV of measurements to write.")],
    supply: Annotated[
        Any, typer.Option(parser=volts, metavar="VOLTS", help="Supply, where the trace has no voltage.")
    ] = None,
    on_line: Annotated[
        list[Any] | None,
        typer.Option("--line", parser=line, metavar="LINE[=MARK]",
                     help="Digital line that is high in the mark; without MARK, in all marks in turns. Repeatable."),
    ] = None,
    shortest: Annotated[
        Any,
        typer.Option("--glitch", parser=glitch, metavar="SECONDS", help="Shorter pulses are glitches; by default 2.5 samples."),
    ] = None,
    clock: Annotated[
        Any, typer.Option(parser=values.hertz, metavar="HZ", help="Core clock: recorded, and cycles are checked against it.")
    ] = None,
    bridge_gaps: Annotated[
        bool, typer.Option("--bridge-gaps", help="Take the mean of both sides where samples are missing within a mark.")
    ] = False,
    program: Annotated[str, typer.Option(metavar="PATH", help="Image that ran, relative to FILE: recorded.")] = "",
    compiler: Annotated[str, typer.Option(metavar="TEXT", help="Recorded.")] = "",
    revision: Annotated[str, typer.Option(metavar="TEXT", help="Of the board: recorded.")] = "",
    conditions: Annotated[str, typer.Option(metavar="TEXT", help="'key=value; key=value': recorded.")] = "",
    plot: Annotated[
        str | None, typer.Option(metavar="FILE", help="Draw the alignment as HTML (needs the extra 'plot').")
    ] = None,
) -> None:  # fmt: skip
    """Write what each mark took in a power trace: energy, power and time, with their uncertainties.

    The trace is of a Nordic PPK2, a Joulescope, a Qoitech Otii or an STM32 PowerShield (docs/measurements.md). Marks are found
    by a digital line (--line), or by the host's time in front of '#begin NAME' and '#end NAME' in LOG.

    \b
    Examples:
      mcusim measure ppk2.csv --marks serial.log --line D0 --supply 3.0 --board nucleo-l4r5zi -o energy.csv
      mcusim measure js220.csv --marks stamped.log --board nrf5340-dk -o energy.csv --plot energy.html
    """
    from calibration import measurements
    from calibration.alignment import energies
    from calibration.alignment_plot import check_alignment_plot, write_alignment_plot
    from calibration.instruments import marks_log, read_trace
    from mcusim.report import check_writable

    for path in filter(None, (output, plot)):
        if any(os.path.realpath(path) == os.path.realpath(other) for other in (trace, marks)):
            raise typer.BadParameter(f"{path} would overwrite what is read")
        check_writable(path)
    if plot is not None:
        check_alignment_plot(plot)
    log, recorded = marks_log.read(marks), read_trace(trace)
    windows = _windows(recorded, log, dict(on_line or ()), shortest)
    found = energies(recorded, windows, supply, bridge_gaps)
    notes = [*windows.notes, *_clock_note(recorded, found, log, clock)]
    subject = {
        "source": f"{trace}, {marks}", "clock_hertz": clock, "supply_volts": supply, "program": program, "compiler": compiler,
        "revision": revision,
    }  # fmt: skip
    rows = _measurements(recorded, windows, found, log, board, conditions, subject)
    measurements.write(output, rows)
    if plot is not None:
        write_alignment_plot(plot, recorded, windows, supply)
    _tell(found, notes)


def _windows(trace: Trace, log: MarksLog, lines: dict[str, str], shortest: float | None) -> Windows:
    from calibration.alignment import by_lines, by_stamps

    if lines:
        return by_lines(trace, lines, log.totals, shortest)
    if not log.stamps:
        raise typer.BadParameter(f"no --line given, and no stamps '#begin NAME' in {log.path}; allowed: one of them")
    return by_stamps(trace, log.stamps)


def _clock_note(trace: Trace, found: list[MarkEnergy], log: MarksLog, clock_hertz: int | None) -> list[str]:
    from calibration.alignment import check_clock
    from calibration.text import Place

    if clock_hertz is None or not log.totals:
        return []
    ratio = check_clock(Place(trace.path), found, log, clock_hertz)
    return [f"time in the trace over time of the cycles: {ratio:.5f}"]


def _measurements(
    trace: Trace, windows: Windows, found: list[MarkEnergy], log: MarksLog, board: str, conditions: str, subject: dict[str, Any]
) -> list[Measurement]:
    from calibration.instruments import marks_log
    from calibration.measurements import Measurement

    rows: list[Measurement] = []
    for mark in found:
        stated = [f"instrument={trace.instrument}", f"aligned by={windows.how}", f"runs={mark.runs}"]
        stated += [f"bridged gaps in={mark.bridged} runs"] if mark.bridged else []
        text = "; ".join((*stated, *filter(None, [conditions.strip()])))
        fields = {"conditions": text, "mark": mark.name, **subject}
        rows += [
            Measurement(mark.name, quantity, value, unit, board, uncertainty=deviation, **fields)
            for quantity, value, unit, deviation in (
                ("energy", mark.joules, "J", mark.joules_deviation),
                ("power", mark.watts, "W", mark.joules_deviation / mark.seconds),
                ("latency", mark.seconds, "s", mark.seconds_deviation),
            )
        ]
    return [*rows, *marks_log.measurements(log, board, conditions=conditions.strip(), **subject)]


def _tell(found: list[MarkEnergy], notes: list[str]) -> None:
    from mcusim.report.quantity import grouped, si
    from mcusim.report.table import print_table

    columns = ("mark", "runs", "energy", "+-", "power", "time", "+-")
    rows = [
        (mark.name, grouped(mark.runs), si(mark.joules, "J"), si(mark.joules_deviation, "J", 2), si(mark.watts, "W"),
         si(mark.seconds, "s"), si(mark.seconds_deviation, "s", 2))
        for mark in found
    ]  # fmt: skip
    print_table(sys.stdout, "", columns, rows, right=6)
    for note in notes:
        sys.stdout.write(f"{note}\n")


if __name__ == "__main__":
    from mcusim.cli import app

    sys.exit(app.run(sys.argv[1:], app.single(measure_command)))

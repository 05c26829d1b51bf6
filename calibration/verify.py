"""Measurements held against simulations of the programs that they were taken with: a guard against drift.

Each program runs once per board; what a measurement is of (the whole run, or one mark) is taken from the report. A simulation
that is further off than the measurement's tolerance fails.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mcusim
from calibration import measurements
from calibration.measurements import Measurement, MeasurementError
from calibration.text import Place
from mcusim import boards
from mcusim.boards import Board
from mcusim.energy import USUAL_SUPPLY, EnergyError, Supply
from mcusim.report import MarkUse, Report

SCHEMA = "mcusim.verify/1"
TOLERANCE = 0.05
"""Relative error that is allowed where neither the measurement nor the caller says."""
STILL = 0.001
"""Relative change of a simulation that counts as none."""
COMPLETE = frozenset({"exit", "until", "endless_loop", "asleep"})
"""Reasons of runs that did all that the program does."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A measurement and its simulation, in SI units; ``simulated`` is None where ``reason`` says why there is none.

    ``recorded`` is what the simulator said when its accuracy was last written down, None where it was not.
    """

    measurement: Measurement
    simulated: float | None
    tolerance: float
    reason: str = ""
    recorded: float | None = None

    @property
    def error(self) -> float | None:
        """Relative, positive where the simulation says more."""
        return None if self.simulated is None else self.simulated / self.measurement.si_value - 1

    @property
    def failed(self) -> bool:
        """Whether the simulation is further off than allowed."""
        return self.error is not None and abs(self.error) > self.tolerance

    @property
    def moved(self) -> bool:
        """Whether the simulator says something else than recorded, be it better or worse."""
        if self.simulated is None or self.recorded is None:
            return False
        return abs(self.simulated / self.recorded - 1) > STILL


def _used(report: Report, mark: str) -> MarkUse:
    used = {use.name: use for use in report.marks}
    if mark not in used:
        met = f"no mark {mark!r} in what it printed"
        raise Place(report.program.path).error(met, ", ".join(used) or "a program that prints marks")
    return used[mark]


def _cycles(report: Report, mark: str) -> float:
    return (use := _used(report, mark)).cycles / use.count if mark else report.cycles


def _latency(report: Report, mark: str) -> float:
    return _cycles(report, mark) / report.clock_hertz if mark else report.latency_seconds


def _energy(report: Report, mark: str) -> float:
    whole, count = ((use := _used(report, mark)).energy_joules, use.count) if mark else (report.energy_joules, 1)
    if whole is None:
        raise Place(report.program.path).error("a report without energies", "boards with an energy table")
    return whole / count


ANSWERS: Mapping[str, Callable[[Report, str], float]] = {
    "cycles": _cycles,
    "latency": _latency,
    "energy": _energy,
    "power": lambda report, mark: _energy(report, mark) / _latency(report, mark),
    "stack": lambda report, mark: report.memory.stack_peak_bytes,
    "ram": lambda report, mark: report.memory.ram_static_bytes,
    "flash": lambda report, mark: report.memory.flash_bytes,
}
"""What a report says to each quantity; quantities that are not here are not simulated."""
OF_THE_WHOLE = frozenset({"stack", "ram", "flash"})
OF_THE_SUPPLY = frozenset({"energy", "power"})
"""What needs an energy table, and depends on the supply that a measurement states."""
NO_TABLE = "board has no energy table"
MISSING, ANOTHER = "program is not at hand", "another program than the measured one"
NAMED = frozenset({MISSING, ANOTHER})
"""Reasons to be told with the names of their rows: what a guard did not look at."""


def load(files: Iterable[str | Path], programs: str | Path | None = None) -> tuple[Measurement, ...]:
    """Measurements of several files, with their programs where they lie: beside the file, or in ``programs``."""
    paths = [Path(file) for file in files]
    if len(paths) > 1:
        measurements.read_all(paths)  # refuses what stands in two of them
    return tuple(
        replace(each, program=str((Path(programs) if programs else path.parent) / each.program)) if each.program else each
        for path in paths
        for each in measurements.read(path)
    )


def verify(
    rows: Sequence[Measurement],
    *,
    board: str | Path | None = None,
    tolerance: float = TOLERANCE,
    watch: Callable[[str], None] = lambda text: None,
    **options: Any,
) -> tuple[Comparison, ...]:
    """Each measurement of ``board`` (or of any board, each on its own) held against its simulation.

    ``options`` are those of ``mcusim.run``. MeasurementError where nothing can be compared, for programs that do not come to
    their end, and for marks that they do not print.
    """
    chosen = boards.load(board) if board is not None else None
    own = [row for row in rows if chosen is None or row.board == chosen.name]
    reports: dict[tuple[str, str, Supply], Report] = {}
    found = []
    for row in own:
        allowed = tolerance if row.tolerance is None else row.tolerance
        if reason := _why_not(row, chosen):
            found.append(Comparison(row, None, allowed, reason))
            continue
        key = row.program, row.board, _supply(row)
        if key not in reports:
            watch(f"{row.program} on {row.board}")
            reports[key] = _run(row, chosen or row.board, {**options, "supply": key[2]})
        found.append(Comparison(row, float(ANSWERS[row.quantity](reports[key], row.mark)), allowed))
    if not reports:
        where = f"of {chosen.name} " if chosen else ""
        met = f"{len(own)} measurements {where}among {len(rows)}, none of which can be simulated"
        raise MeasurementError(f"met {met}; allowed: at least one with a program and one of {', '.join(ANSWERS)}")
    return tuple(found)


def _supply(row: Measurement) -> Supply:
    """The supply that an energy was measured at, where its row says so; other quantities do not depend on it."""
    return Supply(volts=row.supply_volts) if row.quantity in OF_THE_SUPPLY else USUAL_SUPPLY


def _why_not(row: Measurement, chosen: Board | None) -> str:
    if row.quantity not in ANSWERS:
        return f"{row.quantity} is not simulated"
    if not row.program:
        return "no program given"
    if row.mark and row.quantity in OF_THE_WHOLE:
        return f"{row.quantity} is of a whole run"
    return _why_no_energy(row, chosen or boards.load(row.board)) if row.quantity in OF_THE_SUPPLY else ""


def _why_no_energy(row: Measurement, board: Board) -> str:
    if board.energy is None:
        return NO_TABLE
    try:
        _supply(row).check(board.name, board.energy)
    except EnergyError as error:
        return str(error)
    return ""


def _run(row: Measurement, board: Any, options: Mapping[str, Any]) -> Report:
    report = mcusim.run(row.program, board=board, **options)
    if report.exit.reason == "interrupted":
        raise KeyboardInterrupt
    if report.exit.reason not in COMPLETE:
        raise Place(row.program).error(f"a run that ended with {report.exit.reason}", f"one of {', '.join(sorted(COMPLETE))}")
    return report


def to_json(comparisons: Sequence[Comparison]) -> str:
    """JSON of schema ``mcusim.verify/1`` (docs/measurements.md)."""
    rows = [
        {
            "name": each.measurement.name, "quantity": each.measurement.quantity, "mark": each.measurement.mark,
            "board": each.measurement.board, "program": each.measurement.program, "source": each.measurement.source,
            "unit": measurements.SI_UNITS[measurements.QUANTITIES[each.measurement.quantity]],
            "measured": each.measurement.si_value, "simulated": each.simulated, "error": each.error,
            "tolerance": each.tolerance, "failed": each.failed, "reason": each.reason,
            "recorded": each.recorded, "moved": each.moved,
        }
        for each in comparisons
    ]  # fmt: skip
    failed = sum(each.failed for each in comparisons)
    whole = {"schema": SCHEMA, "version": mcusim.__version__, "failed": failed, "comparisons": rows}
    return json.dumps(whole, indent=2, allow_nan=False)

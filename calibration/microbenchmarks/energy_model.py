"""Joules per event from the power of energy loops: what each loop does in a cycle, and the fit of a board's energy table.

The firmware's energy loops repeat one body long enough for an instrument to see its power. What they do is counted by the
simulator, event by event, from the same ELF; the mean power of a loop is then a sum over events of how often they occur in
a second times what each costs, and static power on top. ``mcusim.energy`` says how supply and clock scale either, so that
loops at several clocks stand in one fit. Static power and ``cycles.active`` are one at a single clock, and named so.

Units of the fit, in which all numbers are of one size: picojoules per event, milliwatts, rows in picojoules per cycle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from calibration.fit import Estimate, Fit, fit
from calibration.regression import FitError, Prior, Problem
from mcusim.boards import Board
from mcusim.boards.energy_table import ACTIVE, CYCLE_STATES, CYCLES, RUN, SLEEP, STATIC_STATES, WAYS, EnergyTable, Figure
from mcusim.energy import STATIC, prices_at
from mcusim.run import run

PREFIX = "energy."
PICO, MILLI = 1e-12, 1e-3
UNITS = {STATIC: MILLI}
"""Joules, or watts, of one in a fit, by kind; ``PICO`` for all others."""
CERTAIN = 0.02 / 3
"""Standard error over value up to which a figure counts as known: three of them are 2 %."""
SAID_BY_OTHERS = frozenset({WAYS})
"""Kinds that take no part: as long as a cache keeps its ways, it searches so many for each halfword fetched and word moved."""
DOUBT = 0.5
"""Standard deviation of a prior over the value of the table that it comes from."""

Figures = Mapping[str, Mapping[str, float]]
"""Joules per event by kind and what, and watts under ``STATIC``."""


@dataclass(frozen=True, slots=True)
class Loop:
    """An energy loop at a clock: how often each event occurs in ``turns``, by kind and what; ``cycles`` of them in all."""

    name: str
    hertz: int
    turns: int
    cycles: int
    events: Mapping[str, Mapping[str, int]]

    @property
    def group(self) -> str:
        """Name among loops at other clocks."""
        return f"{self.name}@{self.hertz}"


@dataclass(frozen=True, slots=True)
class Power:
    """What an instrument saw of a loop for a while: mean watts and their standard deviation."""

    loop: str
    watts: float
    sd: float


@dataclass(frozen=True, slots=True)
class FittedEnergy:
    """The fit, and figures that it does not know to ``CERTAIN``: those that the loops cannot separate, and vague ones."""

    fit: Fit
    table: EnergyTable
    unknown: frozenset[str]


def loops_of(board: Board, elf: Path, clock_hertz: int | None = None) -> tuple[Loop, ...]:
    """Energy loops of an ELF, counted by the simulator. ``clock_hertz``: the clock of the board as measured, if not its own.

    FitError for firmware whose loops do not add up, or that has none.
    """
    report = run(elf, board=board, clock_hertz=clock_hertz)
    marks = [mark for mark in report.marks if mark.name.startswith(PREFIX)]
    if not marks or not all(mark.events for mark in marks):
        raise FitError(f"{elf}: no energy loops that can be counted; allowed: microbenchmarks built with energy loops")
    hertz = clock_hertz or report.clock_epochs[-1].hertz
    return tuple(Loop(mark.name.removeprefix(PREFIX), hertz, mark.count, mark.cycles, mark.events) for mark in marks)


def named(kind: str, what: str) -> str:
    """A figure's name in a fit: ``fetch.flash``, ``static.run``."""
    return f"{kind}.{what}"


def figures_of(loops: Iterable[Loop]) -> tuple[tuple[str, str], ...]:
    """Kind and what of everything that occurs in the loops, and of the static powers of the states that they are in."""
    found = dict.fromkeys(
        (kind, what) for loop in loops for kind, row in loop.events.items() if kind not in SAID_BY_OTHERS for what in row
    )
    states = [RUN, *([SLEEP] if (CYCLES, SLEEP) in found else [])]
    return (*sorted(found), *((STATIC, state) for state in states))


def counts_of(loops: Sequence[Loop], figures: Sequence[tuple[str, str]], base: EnergyTable) -> np.ndarray:
    """Picojoules a cycle of each loop for one picojoule, or milliwatt, of each figure, (loops, figures).

    Asked of ``mcusim.energy`` with tables that hold the one figure only.
    """
    tables = [with_figures(base, {kind: {what: UNITS.get(kind, PICO)}}, "unit") for kind, what in figures]
    return np.array([[watts_of(table, loop) / loop.hertz / PICO for table in tables] for loop in loops])


def watts_of(table: EnergyTable, loop: Loop) -> float:
    """Mean power of a loop on a board with that table."""
    prices = prices_at(table, table.supply_volts, [(loop.hertz, loop.cycles)])
    return prices.total(loop.events) / loop.cycles * loop.hertz


def with_figures(base: EnergyTable, figures: Figures, source: str) -> EnergyTable:
    """``base`` with these figures in place of its own; states that others would stand in for are 0 if not among them."""
    joules = {kind: {what: Figure(value, source) for what, value in row.items()} for kind, row in figures.items()}
    joules.pop(STATIC, None)
    joules[CYCLES] = {state: Figure(figures.get(CYCLES, {}).get(state, 0.0), source) for state in CYCLE_STATES}
    watts = {state: Figure(figures.get(STATIC, {}).get(state, 0.0), source) for state in STATIC_STATES}
    return replace(base, joules=joules, static_watts=watts)


def table_at(supply_volts: float) -> EnergyTable:
    """An energy table that knows nothing yet, of a board whose core voltage does not change with its clock."""
    return EnergyTable(supply_volts, "direct", "not fitted")


def problem_of(loops: Sequence[Loop], powers: Sequence[Power], base: EnergyTable) -> Problem:
    """A fit's problem: rows are ``powers`` in the order of measuring. FitError for the power of a loop that is not there.

    Priors are those of ``base``, where it has a figure; else 0, give or take what a loop takes in a cycle.
    """
    number = {loop.group: place for place, loop in enumerate(loops)}
    unknown = sorted({power.loop for power in powers} - set(number))
    if unknown:
        raise FitError(f"power of loops that this firmware does not have: {', '.join(unknown)}")
    figures = figures_of(loops)
    places = [number[power.loop] for power in powers]
    cycle = np.array([1 / loops[place].hertz for place in places]) / PICO
    values = np.array([power.watts for power in powers]) * cycle
    scale = float(np.median(values))
    highest = max(loop.hertz for loop in loops)
    return Problem(
        tuple(f"{power.loop}/{place}" for place, power in enumerate(powers, 1)), tuple(power.loop for power in powers),
        tuple(_prior(kind, what, base, scale * PICO * (highest if kind == STATIC else 1)) for kind, what in figures),
        counts_of(loops, figures, base)[places], values, np.array([power.sd for power in powers]) * cycle,
    )  # fmt: skip


def _prior(kind: str, what: str, base: EnergyTable, scale: float) -> Prior:
    """``scale``: joules, or watts, of a figure of which nothing is known."""
    row = base.static_watts if kind == STATIC else base.joules.get(kind, {})
    value, unit = row[what].value if what in row else 0.0, UNITS.get(kind, PICO)
    return Prior(named(kind, what), value / unit, (DOUBT * value or scale) / unit, low=0.0)


def fit_energy(
    loops: Sequence[Loop], powers: Sequence[Power], base: EnergyTable, *, seed: int = 0, resamples: int = 0,
    conditions: str = "",
) -> FittedEnergy:  # fmt: skip
    """The energy table that explains ``powers`` best, from ``base`` (``table_at`` for a board without one).

    ``conditions`` of measuring go into the source of each figure.
    """
    found = fit(problem_of(loops, powers, base), seed=seed, resamples=resamples)
    vague = {each.name for each in found.estimates if not each.standard_error <= CERTAIN * each.value}
    together = {name for each in found.inseparable for name in each.names}
    unknown = frozenset(vague | together)
    notes = dict.fromkeys(vague, ", vague") | dict.fromkeys(together, ", not separable")
    told = f": {conditions}" if conditions else ""
    sources = {each.name: f"{_source(each, len(powers))}{notes.get(each.name, '')}{told}" for each in found.estimates}
    return FittedEnergy(found, _table(found, figures_of(loops), base, sources), unknown)


def _table(found: Fit, figures: Sequence[tuple[str, str]], base: EnergyTable, sources: Mapping[str, str]) -> EnergyTable:
    """``base`` with what was fitted; figures of 0 are left out, where no other state would stand in for them."""
    by_name, rows = {each.name: each for each in found.estimates}, len(found.problem.rows)
    joules = {kind: dict(row) for kind, row in base.joules.items() if kind not in SAID_BY_OTHERS}
    watts = dict(base.static_watts)
    for kind, what in figures:
        each = by_name[named(kind, what)]
        row = watts if kind == STATIC else joules.setdefault(kind, {})
        row.pop(what, None)
        if each.value or kind in (STATIC, CYCLES):
            row[what] = Figure(each.value * UNITS.get(kind, PICO), sources[each.name])
    joules.setdefault(CYCLES, {}).setdefault(ACTIVE, Figure(0.0, "no loop"))
    grade = f"fitted, n={rows}" + ("" if found.explained else ", misfit")
    return replace(base, joules={kind: row for kind, row in joules.items() if row}, static_watts=watts, grade=grade)


def _source(each: Estimate, rows: int) -> str:
    error = f", ± {each.standard_error / each.value:.1%}" if each.value else ""
    return f"fitted n={rows}{error}"


def toml_of(table: EnergyTable, over: bool = False) -> str:
    """The table ``[energy]`` of a board file; ``over``: of one whose base has the rest, only what a fit finds."""
    volts = [f'    {{ hertz = {row.hertz}, volts = {row.volts!r}, source = "{row.source}" }},' for row in table.core_volts]
    rest = [
        f"supply_volts = {table.supply_volts!r}", f'regulator = "{table.regulator}"',
        *([f"clock_hertz = {table.clock_hertz}"] if table.clock_hertz else []),
        *([f"supply_range = {list(table.supply_range)}"] if table.supply_range else []),
        *(["core_volts = [", *volts, "]"] if volts else []),
    ]  # fmt: skip
    lines = ["[energy]", f'grade = "{table.grade}"', *([] if over else rest)]
    tables = {f"joules.{kind}": row for kind, row in table.joules.items()}
    asleep = {} if over else {"sleep_amperes": table.sleep_amperes}
    for name, row in ({"static_watts": table.static_watts} | tables | asleep).items():
        figures = [f'"{what}" = {{ value = {figure.value:.4g}, source = "{figure.source}" }}' for what, figure in row.items()]
        lines += ["", f"[energy.{name}]", *figures] if figures else []
    return "\n".join(lines) + "\n"

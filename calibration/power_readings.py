"""Power of energy loops, slice by slice: from an instrument's trace and the log of the firmware, or of a simulated board.

The firmware says ``#begin energy.NAME`` and ``#end energy.NAME`` around each loop, then ``#mark energy.NAME TURNS CYCLES``; the
host puts its time in front of each line (``ts '%.s'``). Steps of the current tell how the host's clock lies over the trace's
(``alignment``). Cycles over seconds are the clock that the loops ran at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calibration.alignment import MAD, Windows, by_stamps
from calibration.instruments import marks_log
from calibration.instruments.trace import Trace
from calibration.microbenchmarks.energy_model import PREFIX, UNITS, Loop, Power, figures_of, watts_of, with_figures
from calibration.text import Place, read_text
from mcusim.boards.energy_table import EnergyTable
from mcusim.energy import STATIC

SLICES = 1000
"""Of a loop's second."""
GUARD = 0.05
"""Share of a loop at either end that is left out: edges are smeared, and the line before is still on its way."""
LEAST_SD = 1e-3
"""Relative standard deviation below which no slice is trusted."""
AGREEMENT = 0.01
"""How far the clock of a loop may be off that of all, and that of all off the board's to be called the board's."""
MARK = re.compile(r"#mark energy\.(\S+) (\d+) (\d+)\s*$", re.MULTILINE)
NOISE, OUTLIERS, GROSS = 0.01, 0.01, 1.4
"""Of a simulated instrument: relative standard deviation of a slice, share of gross errors, and their factor."""
DRAWN = (0.7, 1.4)
"""A hidden figure over the table's."""
UNKNOWN_PICOJOULES = (3.0, 40.0)
"""A hidden figure of a board without a table; static power is that of so much in a cycle."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A loop at a clock: mean watts of slices in the order of measuring, and the standard deviation of each over its value."""

    loop: str
    hertz: int
    watts: tuple[float, ...]
    sd: float = NOISE

    @property
    def powers(self) -> Iterable[Power]:
        """Rows of a fit."""
        return (Power(f"{self.loop}@{self.hertz}", watts, self.sd * abs(watts)) for watts in self.watts)


# --- from an instrument -------------------------------------------------------------------------------------------------
def supply_of(trace: Trace, supply_volts: float | None) -> float:
    """Mean supply, in volts: the trace's own, else the one that is given. MeasurementError where nobody knows it."""
    return float(np.mean(trace.watts(supply_volts)) / np.mean(trace.amperes))


def readings_of(trace: Trace, log_path: Path, rated_hertz: int, supply_volts: float | None) -> tuple[Reading, ...]:
    """Readings of the loops in a trace. MeasurementError for a log without stamps, and for clocks that do not agree."""
    place = Place(str(log_path))
    stamps = [stamp for stamp in marks_log.read_stamps(log_path) if stamp.name.startswith(PREFIX)]
    cycles = {f"{PREFIX}{name}": int(count) for name, _, count in MARK.findall(read_text(log_path))}
    if not stamps or not cycles:
        allowed = "lines as ts '%.s' stamps them: 12.5 #begin energy.NAME, #end energy.NAME, #mark energy.NAME TURNS CYCLES"
        raise place.error("no energy loops with the host's time", allowed)
    windows = by_stamps(trace, stamps)
    hertz = _clock_of(place, windows, cycles, rated_hertz)
    runs = zip(windows.names, windows.begins.tolist(), windows.ends.tolist(), strict=True)
    means = {name: _slices(trace, begin, end, supply_volts) for name, begin, end in runs}
    sd = max(LEAST_SD, float(np.median([_scatter(watts) for watts in means.values()])))
    return tuple(Reading(name.removeprefix(PREFIX), hertz, tuple(watts.tolist()), sd) for name, watts in means.items())


def _clock_of(place: Place, windows: Windows, cycles: Mapping[str, int], rated_hertz: int) -> int:
    """That of the loops, in hertz; the board's own where it is about that."""
    missing = sorted(set(windows.names) - set(cycles))
    if missing:
        raise place.error(f"no line #mark {missing[0]}", "a #mark for each loop that begins")
    rates = {name: cycles[name] / seconds for name, seconds in zip(windows.names, windows.ends - windows.begins, strict=True)}
    clock = float(np.median(list(rates.values())))
    for name, rate in rates.items():
        if abs(rate / clock - 1) > AGREEMENT:
            raise place.error(f"{name} at {rate:.4g} Hz beside others at {clock:.4g} Hz", "loops of one run, at one clock")
    return rated_hertz if abs(clock / rated_hertz - 1) < AGREEMENT else 1000 * round(clock / 1000)


def _slices(trace: Trace, begin: float, end: float, supply_volts: float | None) -> np.ndarray:
    """Mean watts of slices of a loop, without its ends."""
    guard = GUARD * (end - begin)
    first, last = np.searchsorted(trace.seconds, [begin + guard, end - guard]).tolist()
    if last - first < 1:
        raise Place(trace.path).error(f"no sample in a loop from {begin:.6f} s", "loops that are longer than some samples")
    watts = trace.watts(supply_volts)[first:last]
    return np.array([part.mean() for part in np.array_split(watts, min(SLICES, len(watts)))])


def _scatter(watts: np.ndarray) -> float:
    middle = float(np.median(watts))
    return MAD * float(np.median(np.abs(watts - middle))) / max(abs(middle), 1e-12)


# --- of a simulated board -----------------------------------------------------------------------------------------------
def hidden_table(base: EnergyTable, loops: Sequence[Loop], seed: int) -> EnergyTable:
    """An energy table that is not as ``base`` says: figures around its own, anything where it has none."""
    generator, figures = np.random.default_rng([seed, 4]), dict[str, dict[str, float]]()
    for kind, what in figures_of(loops):
        row = base.static_watts if kind == STATIC else base.joules.get(kind, {})
        low, high = [row[what].value * factor for factor in DRAWN] if what in row else _unknown(kind, loops[0].hertz)
        figures.setdefault(kind, {})[what] = float(np.exp(generator.uniform(np.log(low), np.log(high))))
    return with_figures(base, figures, "hidden")


def _unknown(kind: str, hertz: int) -> tuple[float, float]:
    low, high = UNKNOWN_PICOJOULES
    unit = 1e-12 * (hertz if kind in UNITS else 1)
    return low * unit, high * unit


def simulated_reading(loop: Loop, number: int, table: EnergyTable, seed: int) -> Reading:
    """What an instrument shows of a loop, the ``number``-th that is measured, on a board with that table."""
    generator = np.random.default_rng([seed, 5, number])
    factors = (1 + NOISE * generator.normal(size=SLICES)) * np.where(generator.random(SLICES) < OUTLIERS, GROSS, 1.0)
    return Reading(loop.name, loop.hertz, tuple(float(f"{watts:.6g}") for watts in watts_of(table, loop) * factors))

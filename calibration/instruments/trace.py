"""Trace: current and voltage over time, and digital lines beside them, as an instrument recorded them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from calibration.text import Place

Floats = NDArray[np.float64]
Levels = NDArray[np.int8]

LARGEST_AMPERES, LARGEST_VOLTS = 10.0, 60.0
"""No board of a microcontroller takes more: a value beyond has the wrong unit."""
UNKNOWN = -1
"""Level of a line in a sample where it was not recorded, or was both."""
FEWEST_SAMPLES = 2
GAP = 1.5
"""A step of time longer than this many usual ones is a gap: samples are missing."""


@dataclass(frozen=True, eq=False)
class Trace:
    """One recording of ``n`` samples; sample ``k`` is the mean from ``seconds[k]`` for one ``period``.

    ``seconds``: (n,), strictly increasing; ``amperes``: (n,); ``volts``: (n,), or one number for a supply that is constant, or
    None where the instrument did not say. ``lines``: digital lines by name, each (n,) of 0, 1 or ``UNKNOWN``.
    """

    instrument: str
    path: str
    seconds: Floats
    amperes: Floats
    volts: Floats | float | None = None
    lines: Mapping[str, Levels] = field(default_factory=dict)

    @cached_property
    def period(self) -> float:
        """Seconds from a sample to the next, as a rule."""
        return float(np.median(np.diff(self.seconds)))

    @cached_property
    def gaps(self) -> Floats:
        """(m, 2): begin and end of each stretch without samples, in seconds."""
        last = np.flatnonzero(np.diff(self.seconds) > GAP * self.period)
        return np.stack((self.seconds[last] + self.period, self.seconds[last + 1]), axis=1)

    def watts(self, supply_volts: float | None = None) -> Floats:
        """(n,) power; ``supply_volts`` stands in where the voltage was not recorded. MeasurementError where nobody knows it."""
        volts = self.volts if self.volts is not None else supply_volts
        if volts is None:
            raise Place(self.path).error("a trace without voltage", "a supply given in volts (--supply)")
        return self.amperes * volts


def checked(trace: Trace, first_line: int | None) -> Trace:
    """The trace, if it can be one. ``first_line`` is the line of its first sample, for the error that is raised else."""
    place = Place(trace.path)
    if len(trace.seconds) < FEWEST_SAMPLES:
        raise place.error(f"{len(trace.seconds)} samples", f"at least {FEWEST_SAMPLES}")
    volts = np.zeros(1) if trace.volts is None else np.atleast_1d(trace.volts)
    later = np.diff(trace.seconds, prepend=-np.inf) > 0
    for what, values, good, allowed in (
        ("a current", trace.amperes, np.abs(trace.amperes) <= LARGEST_AMPERES, f"up to {LARGEST_AMPERES:g} A"),
        ("a voltage", volts, np.abs(volts) <= LARGEST_VOLTS, f"up to {LARGEST_VOLTS:g} V"),
        ("a time", trace.seconds, later, "a later time than in the line before"),
    ):
        if not np.all(good):
            row = int(np.argmin(good))
            where = place if first_line is None else place.at(first_line + row)
            raise where.error(f"{what} of {values[row]:g} in SI units", allowed)
    return trace

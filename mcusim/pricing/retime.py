"""A saved profile priced again: cycles and seconds with another number of wait states or another clock, without running.

Exact as long as time did not steer the run: caches, line buffers and prefetch see the same accesses in the same order
whatever the wait states are, and the run followed all numbers of wait states side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from mcusim.report.saved_profile import SavedProfile


@dataclass(frozen=True, slots=True)
class Priced:
    """Cycles, seconds since reset, and cycles by cause and by function."""

    cycles: int
    seconds: float
    causes: Mapping[str, int]
    functions: Mapping[str, int]


def price(profile: SavedProfile, wait_states: int | None = None, clock_hertz: int | None = None) -> Priced:
    """Price of the run with ``wait_states`` from reset to end, at ``clock_hertz`` all along; None: as in the run."""
    causes = dict(profile.causes)
    for row in profile.stalls:
        cycles = row.cycles if wait_states is None else row.lanes[wait_states]
        if cycles:
            causes[row.cause] = causes.get(row.cause, 0) + cycles
    total = sum(causes.values())
    functions: dict[str, int] = {}
    for function in profile.functions:
        stall = function.stall_cycles if wait_states is None else function.lanes[wait_states]
        functions[function.name] = functions.get(function.name, 0) + function.cycles + stall
    seconds = Fraction(total, clock_hertz) if clock_hertz else _seconds(profile, wait_states, total)
    return Priced(total, float(seconds), dict(sorted(causes.items(), key=lambda item: -item[1])), functions)


def _seconds(profile: SavedProfile, wait_states: int | None, total: int) -> Fraction:
    """Time of ``total`` cycles over the clock epochs of the run."""
    starts = [
        epoch.cycle + (0 if wait_states is None else epoch.lanes[wait_states]) for epoch in profile.clock_epochs
    ]
    spans = pairwise((*starts, total))
    return sum(
        (Fraction(end - start, epoch.hertz) for (start, end), epoch in zip(spans, profile.clock_epochs, strict=True)),
        Fraction(0),
    )

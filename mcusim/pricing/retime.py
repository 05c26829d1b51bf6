"""A saved profile priced again: cycles and seconds with another number of wait states or another clock, without running.

Exact as long as time did not steer the run: caches, line buffers and prefetch see the same accesses in the same order
whatever the wait states are, and the run followed all numbers of wait states side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from mcusim.boards.energy_table import CYCLES, STALL
from mcusim.report.saved_profile import SavedProfile


@dataclass(frozen=True, slots=True)
class Priced:
    """Cycles, seconds since reset, cycles by cause and by function, events, and the cycles spent at each clock in hertz."""

    cycles: int
    seconds: float
    causes: Mapping[str, int]
    functions: Mapping[str, int]
    events: Mapping[str, Mapping[str, int]]
    spans: tuple[tuple[int, int], ...]


def price(profile: SavedProfile, wait_states: int | None = None, clock_hertz: int | None = None) -> Priced:
    """Price of the run with ``wait_states`` from reset to end, at ``clock_hertz`` all along; None: as in the run.

    Of its events, stall cycles alone depend on either. Where the file holds no events, there are none.
    """
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
    spans = ((clock_hertz, total),) if clock_hertz else _spans(profile, wait_states, total)
    seconds = sum((Fraction(cycles, hertz) for hertz, cycles in spans), Fraction(0))
    ranked = dict(sorted(causes.items(), key=lambda item: -item[1]))
    return Priced(total, float(seconds), ranked, functions, _events(profile, total - sum(profile.causes.values())), spans)


def _spans(profile: SavedProfile, wait_states: int | None, total: int) -> tuple[tuple[int, int], ...]:
    """The clock epochs of the run, where it takes ``total`` cycles."""
    starts = [
        epoch.cycle + (0 if wait_states is None else epoch.lanes[wait_states]) for epoch in profile.clock_epochs
    ]
    bounds = pairwise((*starts, total))
    return tuple((epoch.hertz, end - start) for (start, end), epoch in zip(bounds, profile.clock_epochs, strict=True))


def _events(profile: SavedProfile, stalls: int) -> Mapping[str, Mapping[str, int]]:
    if not profile.events:
        return {}
    return {**profile.events, CYCLES: {**profile.events.get(CYCLES, {}), STALL: stalls}}

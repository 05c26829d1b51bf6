"""Cycles by cause at any cycle of a run, from the counts of the node graph: what marks are broken down with.

Its slow twin is ``mcusim.machine.profile``, which adds up the same counts node by node when the run is over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from mcusim.machine.graph import Node
from mcusim.machine.pass_counts import PassCounts
from mcusim.pricing import causes
from mcusim.pricing.memory import FETCH, READ, WRITE

if TYPE_CHECKING:
    from mcusim.machine.machine import Machine
    from mcusim.machine.stops import Stops

COLUMNS = (*causes.CAUSES, *causes.OVERHEAD)
"""Causes in the order of the vectors here."""
PLACES = {cause: number for number, cause in enumerate(COLUMNS)}
SLEEP, EXCEPTION = PLACES[causes.SLEEP], PLACES[causes.EXCEPTION]


def early_causes(stops: Stops, node: Node, instructions: int, times: int, total: int) -> dict[str, int]:
    """Where the ``total`` cycles of ``times`` early exits behind ``instructions`` went.

    The boundary at which an interrupt is taken can lie off the sum of the causes by what the next instruction would
    have hidden or paid; that rest goes to (or comes off) the cause with the most cycles.
    """
    if not instructions or total <= 0:
        return {causes.ISSUE: total} if total else {}
    passage = stops.prefix(node, instructions)
    ways = passage.taken, passage.fall
    way = next((way for way in ways if way.cycles * times == total), passage.fall)
    booked = {cause: cycles * times for cause, cycles in way.causes.items()}
    rest = total - sum(booked.values())
    while rest:
        most = max(booked, key=lambda cause: booked[cause], default=causes.ISSUE)
        change = max(rest, -booked.get(most, 0))
        booked[most] = booked.get(most, 0) + change
        rest -= change
    return booked


def named(totals: np.ndarray) -> dict[str, int]:
    """Cycles by cause of a vector, without zeros.

    The difference of two points can be negative by the few cycles that an instruction cut in the middle books
    elsewhere than a whole block; these come off the cause with the most.
    """
    rows = {cause: int(cycles) for cause, cycles in zip(COLUMNS, totals, strict=True)}
    short = sum(cycles for cycles in rows.values() if cycles < 0)
    rows = {cause: cycles for cause, cycles in rows.items() if cycles > 0}
    while short:
        most = max(rows, key=lambda cause: rows[cause])
        change = min(-short, rows[most])
        rows[most] -= change
        short += change
    return {cause: cycles for cause, cycles in rows.items() if cycles}


class CauseTotals:
    """Vectors of cycles by cause (``COLUMNS``) since reset; prices of nodes are laid out as matrices once."""

    def __init__(self, machine: Machine, passes: PassCounts) -> None:
        self.machine, self.recorder, self.passes = machine, machine.recorder, passes
        self.fall = np.zeros((0, len(COLUMNS)), dtype=np.int64)
        self.taken, self.stalls = self.fall, np.zeros((0, 3), dtype=np.int64)
        self.penalties = np.zeros(0, dtype=np.int64)

    def now(self) -> np.ndarray:
        """Cycles by cause up to the instruction whose access is being served; they sum to ``machine.now()``."""
        now = self.machine.now()  # first: it settles the stalls of the running block
        self._learn()
        counts = self.passes.now()
        totals: np.ndarray = counts.falls @ self.fall + counts.takens @ self.taken
        totals[PLACES[causes.BRANCH]] += int(counts.misses @ self.penalties)
        for place in np.unique(self.stalls):
            totals[place] += int(counts.stalls[self.stalls == place].sum())
        totals += self._partials()
        running = now - self.recorder.cycles
        node, number = self.machine.accesses.accessing()
        if node is not None and running:
            totals += _vector(early_causes(self.machine.stops, node, number + 1, 1, running))
        totals[SLEEP] += self.machine.sleeping_cycles
        totals[EXCEPTION] += now - int(totals.sum())
        return totals

    def _learn(self) -> None:
        """Lay out the prices of the nodes that were discovered since."""
        fresh = self.recorder.graph.nodes[len(self.penalties) :]
        if not fresh:
            return
        self.fall = np.vstack([self.fall, *(_vector(node.passage.fall.causes) for node in fresh)])
        self.taken = np.vstack([self.taken, *(_vector(node.passage.taken.causes) for node in fresh)])
        columns = [[_stall_place(node, kind) for kind in (FETCH, READ, WRITE)] for node in fresh]
        self.stalls = np.vstack([self.stalls, np.array(columns, dtype=np.int64)])
        self.penalties = np.append(self.penalties, [node.mispredict_cycles for node in fresh])

    def _partials(self) -> np.ndarray:
        totals: dict[str, int] = defaultdict(int)
        for partial in self.recorder.partials.values():
            rows = early_causes(self.machine.stops, partial.node, partial.instructions, partial.times, partial.cycles)
            for cause, cycles in rows.items():
                totals[cause] += cycles
        return _vector(totals)


def _stall_place(node: Node, kind: int) -> int:
    return PLACES[causes.STALLS[kind, bool(node.cached >> kind & 1)]]


def _vector(rows: Mapping[str, int]) -> np.ndarray:
    vector = np.zeros(len(COLUMNS), dtype=np.int64)
    for cause, cycles in rows.items():
        vector[PLACES[cause]] = cycles
    return vector

"""Cycles by cause at any cycle of a run, from the counts of the node graph: what marks are broken down with.

Its slow twin is ``mcusim.machine.profile``, which adds up the same counts node by node when the run is over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from mcusim.machine import layout as L
from mcusim.machine.graph import Node
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

    def __init__(self, machine: Machine) -> None:
        self.machine, self.recorder = machine, machine.recorder
        self.fall = np.zeros((0, len(COLUMNS)), dtype=np.int64)
        self.taken, self.stalls = self.fall, np.zeros((0, 3), dtype=np.int64)
        self.penalties = self.pointers = np.zeros(0, dtype=np.int64)
        self.retired_at, self.retired = -1, np.zeros(len(COLUMNS), dtype=np.int64)

    def now(self) -> np.ndarray:
        """Cycles by cause up to the instruction whose access is being served; they sum to ``machine.now()``."""
        now = self.machine.now()  # first: it settles the stalls of the running block
        self._learn()
        totals = self._slots() + self._edges() + self._retired() + self._partials()
        running = now - self.recorder.cycles
        node, number = self.machine.accesses.accessing()
        if node is not None and running:
            totals += _vector(early_causes(self.machine.stops, node, number + 1, 1, running))
        totals[SLEEP] += self.machine.sleeping_cycles
        totals[EXCEPTION] += now - int(totals.sum())
        return totals

    def _learn(self) -> None:
        """Lay out the prices of the nodes that were discovered since."""
        known, nodes = len(self.pointers), self.recorder.graph.nodes
        if known == len(nodes):
            return
        fresh = nodes[known:]
        self.fall = np.vstack([self.fall, *(_vector(node.passage.fall.causes) for node in fresh)])
        self.taken = np.vstack([self.taken, *(_vector(node.passage.taken.causes) for node in fresh)])
        columns = [[_stall_place(node, kind) for kind in (FETCH, READ, WRITE)] for node in fresh]
        self.stalls = np.vstack([self.stalls, np.array(columns, dtype=np.int64)])
        self.penalties = np.append(self.penalties, [node.mispredict_cycles for node in fresh])
        self.pointers = np.append(self.pointers, [node.pointer for node in fresh])

    def _slots(self) -> np.ndarray:
        """What the two successor slots of the nodes counted, their mispredictions and stalls."""
        totals = np.zeros(len(COLUMNS), dtype=np.int64)
        for chunk in self.recorder.graph.node_chunks.arrays:
            offsets = self.pointers - chunk.ctypes.data
            inside = np.flatnonzero((offsets >= 0) & (offsets < chunk.nbytes))
            rows = chunk[offsets[inside] // chunk.strides[0]]
            for slot in (L.SLOT_A, L.SLOT_B):
                falls = rows[:, slot + L.SLOT_ADDRESS] == rows[:, L.NODE_END]
                counts = rows[:, slot + L.SLOT_COUNT]
                totals += self._priced(inside, falls, counts)
            totals[PLACES[causes.BRANCH]] += int(rows[:, L.NODE_MISSES] @ self.penalties[inside])
            stalls = rows[:, L.NODE_STALLS : L.NODE_STALLS + 3]
            for place in np.unique(self.stalls[inside]):
                totals[place] += int(stalls[self.stalls[inside] == place].sum())
        return totals

    def _priced(self, nodes: np.ndarray, falls: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Cycles by cause of ``nodes`` left ``counts`` times each, at their end where ``falls``."""
        total: np.ndarray = np.where(falls, counts, 0) @ self.fall[nodes] + np.where(falls, 0, counts) @ self.taken[nodes]
        return total

    def _edges(self) -> np.ndarray:
        """What the edges beyond the slots counted."""
        totals = np.zeros(len(COLUMNS), dtype=np.int64)
        order = np.argsort(self.pointers)
        for chunk in self.recorder.graph.edge_chunks.arrays:
            edges = chunk[chunk[:, L.EDGE_COUNT] > 0]
            found = np.searchsorted(self.pointers, edges[:, L.EDGE_FROM], sorter=order)
            nodes = order[np.minimum(found, len(order) - 1)]
            known = self.pointers[nodes] == edges[:, L.EDGE_FROM]
            edges, nodes = edges[known], nodes[known]
            ends = np.array([self.recorder.graph.nodes[number].record.block.end for number in nodes], dtype=np.int64)
            falls, counts = edges[:, L.EDGE_ADDRESS] == ends, edges[:, L.EDGE_COUNT]
            totals += self._priced(nodes, falls, counts)
        return totals

    def _retired(self) -> np.ndarray:
        """What links counted that were forgotten since (wait states changed)."""
        if self.retired_at != self.recorder.invalidations:
            self.retired_at = self.recorder.invalidations
            self.retired = np.zeros(len(COLUMNS), dtype=np.int64)
            for node in self.recorder.graph.nodes:
                for count, address in node.exits:
                    prices = self.fall if address == node.record.block.end else self.taken
                    self.retired += count * prices[node.index]
        return self.retired

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

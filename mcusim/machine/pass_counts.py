"""How often each node of the graph was left, at any moment of a run, from the records that native code counts in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcusim.machine import layout as L
from mcusim.machine.recorder import Recorder


@dataclass(frozen=True, slots=True)
class Passes:
    """By node, in the order of the graph: times left at its end and elsewhere, mispredictions, and stall cycles by kind."""

    falls: np.ndarray
    takens: np.ndarray
    misses: np.ndarray
    stalls: np.ndarray


class PassCounts:
    """Reads the counts of whole blocks; those left early are ``Recorder.partials``."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.pointers = self.ends = np.zeros(0, dtype=np.int64)
        self.retired_at, self.retired = -1, np.zeros((2, 0), dtype=np.int64)

    def now(self) -> Passes:
        """The counts as they stand."""
        self._learn()
        size = len(self.pointers)
        counts = np.zeros((2, size), dtype=np.int64)
        misses, stalls = np.zeros(size, dtype=np.int64), np.zeros((size, 3), dtype=np.int64)
        for chunk in self.recorder.graph.node_chunks.arrays:
            offsets = self.pointers - chunk.ctypes.data
            inside = np.flatnonzero((offsets >= 0) & (offsets < chunk.nbytes))
            rows = chunk[offsets[inside] // chunk.strides[0]]
            for slot in (L.SLOT_A, L.SLOT_B):
                self._book(counts, inside, rows[:, slot + L.SLOT_ADDRESS], rows[:, slot + L.SLOT_COUNT])
            misses[inside] = rows[:, L.NODE_MISSES]
            stalls[inside] = rows[:, L.NODE_STALLS : L.NODE_STALLS + 3]
        self._add_edges(counts)
        retired = self._retired()
        counts[:, : retired.shape[1]] += retired
        return Passes(counts[0], counts[1], misses, stalls)

    def _learn(self) -> None:
        """Note where the nodes lie that were discovered since."""
        fresh = self.recorder.graph.nodes[len(self.pointers) :]
        if fresh:
            self.pointers = np.append(self.pointers, [node.pointer for node in fresh])
            self.ends = np.append(self.ends, [node.record.block.end for node in fresh])

    def _book(self, counts: np.ndarray, nodes: np.ndarray, addresses: np.ndarray, times: np.ndarray) -> None:
        """``nodes`` were followed by ``addresses`` so many ``times``."""
        falls = addresses == self.ends[nodes]
        np.add.at(counts[0], nodes[falls], times[falls])
        np.add.at(counts[1], nodes[~falls], times[~falls])

    def _add_edges(self, counts: np.ndarray) -> None:
        """What the edges beyond the slots counted."""
        order = np.argsort(self.pointers)
        for chunk in self.recorder.graph.edge_chunks.arrays:
            edges = chunk[chunk[:, L.EDGE_COUNT] > 0]
            if not len(edges) or not len(order):
                continue
            found = np.searchsorted(self.pointers, edges[:, L.EDGE_FROM], sorter=order)
            nodes = order[np.minimum(found, len(order) - 1)]
            known = self.pointers[nodes] == edges[:, L.EDGE_FROM]
            edges, nodes = edges[known], nodes[known]
            self._book(counts, nodes, edges[:, L.EDGE_ADDRESS], edges[:, L.EDGE_COUNT])

    def _retired(self) -> np.ndarray:
        """What links counted that were forgotten since (wait states changed); nodes met later than that have none."""
        if self.retired_at != self.recorder.invalidations:
            self.retired_at = self.recorder.invalidations
            self.retired = np.zeros((2, len(self.pointers)), dtype=np.int64)
            for node in self.recorder.graph.nodes:
                for count, address in node.exits:
                    self.retired[0 if address == node.record.block.end else 1, node.index] += count
        return self.retired

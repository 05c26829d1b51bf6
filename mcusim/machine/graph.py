"""The node graph: nodes, the gates from which it is entered, and edges, in records that native code follows."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from mcusim.machine import layout as L
from mcusim.machine.blocks import BlockRecord
from mcusim.pricing.passage import Exit, Passage, State

NODE_CHUNK = 1 << 13
EDGE_CHUNK = 1 << 14
EDGE_BUCKETS = 1 << 15


@dataclass(slots=True, eq=False)
class Node:
    """A block entered in one state under one set of facts: the unit of counting and pricing."""

    record: BlockRecord
    state: State
    classes: tuple[int, ...]
    timing: int
    passage: Passage
    pointer: int
    index: int
    uses_float: bool
    mispredict_cycles: int = 0
    trap: tuple[int, str] | None = None
    touches: np.ndarray | None = None
    longest_stall: int = 0
    cached: int = 0
    """Bit per kind of access: some of them go through a cache."""
    lanes: np.ndarray | None = None
    """Stall cycles by kind of access and lane, where lanes are followed."""
    exits: list[tuple[int, int]] = field(default_factory=list)  # (edge word address of count, successor address)

    @property
    def address(self) -> int:
        return self.record.block.address

    def exit_to(self, address: int) -> Exit:
        """The exit that is taken when ``address`` follows."""
        return self.passage.fall if address == self.record.block.end else self.passage.taken


@dataclass(slots=True)
class Partial:
    """A block left early ``times`` times after ``instructions`` instructions (interrupt, fault, sleep)."""

    node: Node
    instructions: int
    times: int = 0
    cycles: int = 0


class Chunks:
    """int64 records at stable addresses, handed out one by one and zeroed."""

    def __init__(self, words: int, chunk: int) -> None:
        self.words, self.chunk = words, chunk
        self.arrays: list[np.ndarray] = []
        self.used = chunk

    def take(self) -> tuple[int, np.ndarray]:
        """Address and view of a fresh record."""
        if self.used == self.chunk:
            self.arrays.append(np.zeros((self.chunk, self.words), dtype=np.int64))
            self.used = 0
        row = self.arrays[-1][self.used]
        self.used += 1
        return row.ctypes.data, row


class Graph:
    """Nodes in the order of their discovery, with the row of each; an edge lies in one of two slots of the row that it
    leaves, further ones in a table."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.rows: list[np.ndarray] = []
        self.node_at: dict[int, Node] = {}
        self.gates: dict[State, int] = {}
        self.cut_gates: dict[State, int] = {}
        self.gate_states: dict[int, State] = {}
        self.node_chunks = Chunks(L.NODE_WORDS, NODE_CHUNK)
        self.edge_chunks = Chunks(L.EDGE_WORDS, EDGE_CHUNK)
        self.buckets = np.zeros(EDGE_BUCKETS, dtype=np.int64)

    def add(self, node: Node, row: np.ndarray) -> None:
        """A node whose ``row``, taken from ``node_chunks``, is complete."""
        self.nodes.append(node)
        self.rows.append(row)
        self.node_at[node.pointer] = node

    # --- gates ----------------------------------------------------------------------------------------------------------
    def gate(self, state: State) -> int:
        """Pointer of a node without cost from which the next block is entered in ``state``."""
        return self._gate(self.gates, state)

    def cut_gate(self, state: State) -> int:
        """As ``gate``, for a block that ends earlier than it would of itself.

        An edge is recognised by its address, so blocks of two lengths at one address have gates of their own.
        """
        return self._gate(self.cut_gates, state)

    def _gate(self, gates: dict[State, int], state: State) -> int:
        if state not in gates:
            pointer, row = self.node_chunks.take()
            row[L.SLOT_A] = row[L.SLOT_B] = row[L.NODE_ADDRESS] = -1
            row[L.NODE_END] = -1
            gates[state] = pointer
            self.gate_states[pointer] = state
        return gates[state]

    def state_behind(self, source: int, address: int) -> State:
        """State in which the block at ``address`` is entered from ``source`` (node or gate pointer)."""
        if source in self.gate_states:
            return self.gate_states[source]
        return self.node_at[source].exit_to(address).state

    # --- edges ----------------------------------------------------------------------------------------------------------
    def add_edge(self, source: int, target: Node) -> None:
        """Link ``source`` (node or gate pointer) to ``target``: in a free slot, else in the edge table."""
        row, node, cost = _view(source, L.NODE_WORDS), self.node_at.get(source), 0
        if node is not None:
            cost = node.exit_to(target.address).cycles | int(row[L.NODE_FLAGS]) << 32
        if target.touches is not None:
            cost |= L.TOUCH << 32
        for slot in (L.SLOT_A, L.SLOT_B):
            if row[slot] == -1:
                row[slot : slot + 4] = (target.address, target.pointer, cost, 0)
                return
        pointer, edge = self.edge_chunks.take()
        bucket = edge_bucket_index(source, target.address)
        edge[:] = (source, target.address, target.pointer, cost, 0, self.buckets[bucket])
        self.buckets[bucket] = pointer

    def edges(self) -> Iterable[tuple[Node, int, int]]:
        """All transitions as (from, address of the next block, count)."""
        for node, row in zip(self.nodes, self.rows, strict=True):
            for slot in (L.SLOT_A, L.SLOT_B):
                if row[slot] >= 0 and row[slot + L.SLOT_COUNT]:
                    yield node, int(row[slot]), int(row[slot + L.SLOT_COUNT])
            for count, address in node.exits:
                yield node, address, count
        for chunk_number, chunk in enumerate(self.edge_chunks.arrays):
            used = self.edge_chunks.used if chunk_number == len(self.edge_chunks.arrays) - 1 else len(chunk)
            for edge in chunk[:used]:
                source = self.node_at.get(int(edge[L.EDGE_FROM]))
                if source is not None and edge[L.EDGE_COUNT]:
                    yield source, int(edge[L.EDGE_ADDRESS]), int(edge[L.EDGE_COUNT])

    def unlink(self) -> None:
        """Forget all successor links, so that every block is entered anew; counts stay."""
        for row in self.rows:
            if row[L.SLOT_A] >= 0:
                self._retire(row, L.SLOT_A)
            if row[L.SLOT_B] >= 0:
                self._retire(row, L.SLOT_B)
        for pointer in (*self.gates.values(), *self.cut_gates.values()):
            row = _view(pointer, L.NODE_WORDS)
            row[L.SLOT_A] = row[L.SLOT_B] = -1
        self.buckets[:] = 0

    def _retire(self, row: np.ndarray, slot: int) -> None:
        node = self.node_at[row.ctypes.data]
        if row[slot + L.SLOT_COUNT]:
            node.exits.append((int(row[slot + L.SLOT_COUNT]), int(row[slot + L.SLOT_ADDRESS])))
        row[slot : slot + 4] = (-1, 0, 0, 0)


def _view(pointer: int, words: int) -> np.ndarray:
    return np.ctypeslib.as_array(ctypes.cast(pointer, ctypes.POINTER(ctypes.c_int64)), (words,))


def edge_bucket_index(node: int, address: int) -> int:
    """Twin of the native ``edge_bucket``."""
    mixed = (node >> 6) * 0x9E3779B1 + (address >> 1) * 0x85EBCA77
    mixed &= (1 << 64) - 1
    signed = mixed - (1 << 64) if mixed >> 63 else mixed
    return (signed ^ (signed >> 15)) & (EDGE_BUCKETS - 1)

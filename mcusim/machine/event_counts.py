"""Events that cost energy, at any moment of a run: counted from the node graph, so that running costs nothing for them.

Kinds of events are those of ``mcusim.boards.energy_table``. The slow twin is ``mcusim.machine.reference``, which counts
instruction by instruction. Not counted: what exceptions stack, what DMA moves, what peripherals do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from mcusim.boards import energy_table as E
from mcusim.energy.instruction_class import CLASS_OF
from mcusim.isa.instruction import MemoryOperand
from mcusim.machine import layout as L
from mcusim.machine.graph import Node
from mcusim.machine.memory_system import halfwords_of
from mcusim.machine.pass_counts import PassCounts

if TYPE_CHECKING:
    from mcusim.machine.machine import Machine

Event = tuple[str, str]
"""Kind, and what it happened to."""


def words_of(memory: MemoryOperand) -> int:
    """Words that an access moves; parts of a word count as one."""
    return halfwords_of(memory) // 2


def nested(counts: Mapping[Event, int]) -> dict[str, dict[str, int]]:
    """``counts`` by kind and by what they happened to, in the order of kinds, without zeros."""
    rows: dict[str, dict[str, int]] = {kind: {} for kind in E.EVENTS}
    for (kind, what), count in sorted(counts.items()):
        if count:
            rows[kind][what] = count
    return {kind: row for kind, row in rows.items() if row}


class EventCounts:
    """What each node stands for is laid out once, as (node, event, how often) rows; then counts are products."""

    def __init__(self, machine: Machine, passes: PassCounts) -> None:
        self.machine, self.recorder, self.passes = machine, machine.recorder, passes
        self.events: dict[Event, int] = {}
        self.rows = np.zeros((0, 3), dtype=np.int64)
        self.known = 0
        self.prefixes: dict[tuple[int, int], Counter[Event]] = {}

    def now(self) -> Counter[Event]:
        """Events up to the instruction whose access is being served."""
        cycles = self.machine.now()  # first: it settles what the running block did to caches
        self._learn()
        passes, totals = self.passes.now(), np.zeros(len(self.events), dtype=np.int64)
        nodes, events, times = self.rows.T
        np.add.at(totals, events, times * (passes.falls + passes.takens)[nodes])
        counts = Counter(dict(zip(self.events, totals.tolist(), strict=True)))
        for partial in self.recorder.partials.values():
            _add(counts, self._prefix(partial.node, partial.instructions), partial.times)
        node, number = self.machine.accesses.accessing()
        if node is not None:
            _add(counts, self._prefix(node, number + 1), 1)
        counts.update(self._of_memories())
        stall, sleep = int(passes.stalls.sum()), self.machine.sleeping_cycles
        counts.update({(E.CYCLES, E.ACTIVE): cycles - stall - sleep, (E.CYCLES, E.STALL): stall, (E.CYCLES, E.SLEEP): sleep})
        return counts

    def by_node(self) -> list[Counter[Event]]:
        """Events of each node, without cycles, when the run is over."""
        self._learn()
        passes, nodes = self.passes.now(), self.recorder.graph.nodes
        counts: list[Counter[Event]] = [Counter() for _ in nodes]
        indices, events, once = self.rows.T
        named, times = list(self.events), once * (passes.falls + passes.takens)[indices]
        for index, event, count in zip(indices.tolist(), events.tolist(), times.tolist(), strict=True):
            counts[index][named[event]] += count
        for partial in self.recorder.partials.values():
            _add(counts[partial.node.index], self._prefix(partial.node, partial.instructions), partial.times)
        for node in nodes:
            if node.touches is not None:
                counts[node.index].update(self.recorder.memory.touch_counts(node.touches))
        return counts

    # --- whole blocks ---------------------------------------------------------------------------------------------------
    def _learn(self) -> None:
        """Lay out the nodes that were discovered since."""
        fresh = self.recorder.graph.nodes[self.known :]
        self.known += len(fresh)
        rows = [
            (node.index, self.events.setdefault(event, len(self.events)), count)
            for node in fresh
            for event, count in self._once(node, len(node.record.block.instructions)).items()
        ]
        if rows:
            self.rows = np.concatenate([self.rows, np.array(rows, dtype=np.int64)])

    # --- one block ------------------------------------------------------------------------------------------------------
    def _prefix(self, node: Node, instructions: int) -> Counter[Event]:
        key = node.index, instructions
        if key not in self.prefixes:
            self.prefixes[key] = self._once(node, instructions)
        return self.prefixes[key]

    def _once(self, node: Node, instructions: int) -> Counter[Event]:
        """Events of the first ``instructions`` instructions of ``node``, run once, but for its cycles and caches."""
        counts: Counter[Event] = Counter()
        names, run = self.machine.space.names, node.record.block.instructions[:instructions]
        code = names[self.recorder.regions.at(node.address)]
        for instruction in run:
            counts[E.INSTRUCTIONS, CLASS_OF[instruction.kind]] += 1
            counts[E.FETCH, code] += instruction.size // 2
        if node.touches is not None:
            counts.update({(E.WAYS, cache): n for cache, n in self.recorder.memory.ways_searched(node.touches, run).items()})
        for slot, value in zip(node.record.program.slots, node.classes, strict=True):
            if slot.op == L.OP_ACCESS and value and slot.instruction < instructions:
                memory = run[slot.instruction].memory
                assert memory is not None
                region = (value - 1) // 8
                name = names[region if region < len(names) else self.recorder.regions.elsewhere]
                counts[E.WRITE if memory.write else E.READ, name] += words_of(memory)
        return counts

    def _of_memories(self) -> dict[Event, int]:
        """What caches and devices have counted as a whole."""
        memory = self.recorder.memory
        counts: Counter[Event] = Counter()
        for cache in memory.cache_uses():
            counts.update({(E.HIT, cache.name): cache.hits, (E.MISS, cache.name): cache.misses})
            counts[E.WRITEBACK, cache.name] += cache.writebacks
        for use in memory.device_uses():
            counts.update({(E.DEVICE_READ, use.name): use.reads, (E.DEVICE_AHEAD, use.name): use.hits_ahead})
            counts[E.DEVICE_WRITE, use.name] += use.writes
        return counts


def _add(counts: Counter[Event], once: Mapping[Event, int], times: int) -> None:
    for event, count in once.items():
        counts[event] += count * times

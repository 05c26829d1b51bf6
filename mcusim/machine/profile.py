"""The Profile: what a run did, as counts; frozen, free of the emulator, the input of pricing and reports."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from mcusim.boards import energy_table as E
from mcusim.machine import layout as L
from mcusim.machine.cause_totals import early_causes
from mcusim.machine.event_counts import Event, EventCounts
from mcusim.machine.graph import Node
from mcusim.machine.machine import Machine
from mcusim.machine.pass_counts import PassCounts
from mcusim.pricing import causes
from mcusim.pricing.memory import FETCH, READ, WRITE


@dataclass(frozen=True, slots=True)
class BlockUse:
    """One node of the run: a block with its facts, how often it was left either way, and its cycles in total."""

    address: int
    end: int
    instructions: int
    falls: int
    takens: int
    cycles: int
    causes: Mapping[str, int]
    stalls: Mapping[str, int]
    """The part of ``causes`` that is waiting for memories."""
    lanes: Mapping[str, tuple[int, ...]]
    """The same with 0, 1, ... wait states, where lanes were followed."""
    events: Mapping[Event, int] = field(default_factory=dict)
    """What it did that costs energy (``mcusim.machine.event_counts``)."""


@dataclass(frozen=True, slots=True)
class Call:
    """A place in the call tree. ``parent`` is an index into ``Profile.calls`` or -1; ``function`` the called address."""

    function: int
    parent: int
    times: int
    self_cycles: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes that loads and stores moved in one region."""

    read_bytes: int = 0
    written_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Profile:
    """Counts of one run. ``overhead_cycles`` by cause cover what no block accounts for (exceptions, sleep, mispredictions), and
    so do ``overhead_events``: ``events`` are all."""

    cycles: int
    instructions: int
    blocks: tuple[BlockUse, ...]
    calls: tuple[Call, ...]
    traffic: Mapping[str, Traffic]
    overhead_cycles: Mapping[str, int]
    unknown_facts: int
    events: Mapping[Event, int] = field(default_factory=dict)
    overhead_events: Mapping[Event, int] = field(default_factory=dict)


def profile_of(machine: Machine) -> Profile:
    """Freeze what ``machine`` recorded."""
    recorder = machine.recorder
    uses, counts = _uses(machine), EventCounts(machine, PassCounts(recorder))
    events = counts.by_node()
    blocks = tuple(_block_use(machine, node, events[node.index], *use) for node, use in uses.items())
    everything, in_nodes = counts.now(), _event_sum(blocks)
    in_blocks = sum(block.cycles for block in blocks)
    sleep = machine.sleeping_cycles
    overhead = {causes.SLEEP: sleep, causes.EXCEPTION: recorder.cycles - in_blocks - sleep}
    return Profile(
        recorder.cycles, machine.instruction_count(), blocks, _calls(machine), _traffic(machine, uses),
        {cause: cycles for cause, cycles in overhead.items() if cycles}, int(recorder.state[L.UNKNOWN_FACTS]),
        everything, {event: count - in_nodes[event] for event, count in everything.items() if count != in_nodes[event]},
    )  # fmt: skip


def _event_sum(blocks: Iterable[BlockUse]) -> Counter[Event]:
    total: Counter[Event] = Counter()
    for block in blocks:
        total.update(block.events)
    return total


def _uses(machine: Machine) -> dict[Node, tuple[int, int, list[tuple[int, int, int]], int]]:
    """By node: falls, takens, early exits as (instructions, times, cycles), mispredictions."""
    recorder = machine.recorder
    falls: dict[int, int] = defaultdict(int)
    takens: dict[int, int] = defaultdict(int)
    early: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for node, address, count in recorder.graph.edges():
        (falls if address == node.record.block.end else takens)[node.index] += count
    for partial in recorder.partials.values():
        early[partial.node.index].append((partial.instructions, partial.times, partial.cycles))
    return {
        node: (falls[node.index], takens[node.index], early[node.index], int(row[L.NODE_MISSES]))
        for node, row in zip(recorder.graph.nodes, recorder.graph.rows, strict=True)
    }


def _block_use(
    machine: Machine, node: Node, events: Counter[Event], falls: int, takens: int, early: list[tuple[int, int, int]],
    misses: int,
) -> BlockUse:  # fmt: skip
    passage = node.passage
    penalty = misses * node.mispredict_cycles
    early_cycles = sum(cycles for _, _, cycles in early)
    sums: dict[str, int] = defaultdict(int)
    for count, way in ((falls, passage.fall), (takens, passage.taken)):
        for cause, cycles in way.causes.items():
            sums[cause] += count * cycles
    sums[causes.BRANCH] += penalty
    stalls = _stall_causes(machine, node)
    for cause, cycles in stalls.items():
        sums[cause] += cycles
    for partial in early:
        for cause, cycles in early_causes(machine.stops, node, *partial).items():
            sums[cause] += cycles
    size = len(node.record.block.instructions)
    instructions = size * (falls + takens) + sum(count * times for count, times, _ in early)
    total = falls * passage.fall.cycles + takens * passage.taken.cycles + early_cycles + penalty
    total += sum(stalls.values())
    used = {cause: cycles for cause, cycles in sums.items() if cycles}
    stalled = sum(stalls.values())
    events.update({(E.CYCLES, E.ACTIVE): total - stalled, (E.CYCLES, E.STALL): stalled})
    return BlockUse(
        node.address, node.record.block.end, instructions, falls, takens, total, used, stalls, _lane_causes(node), events
    )  # fmt: skip


def _stall_causes(machine: Machine, node: Node) -> dict[str, int]:
    """Stall cycles of a node in caches and buffers, by cause."""
    row = machine.recorder.graph.rows[node.index]
    sums: dict[str, int] = defaultdict(int)
    for kind in (FETCH, READ, WRITE):
        sums[causes.STALLS[kind, bool(node.cached >> kind & 1)]] += int(row[L.NODE_STALLS + kind])
    return {cause: cycles for cause, cycles in sums.items() if cycles}


def _lane_causes(node: Node) -> dict[str, tuple[int, ...]]:
    """Stall cycles of a node by cause and lane."""
    if node.lanes is None:
        return {}
    sums: dict[str, np.ndarray] = {}
    for kind in (FETCH, READ, WRITE):
        cause = causes.STALLS[kind, bool(node.cached >> kind & 1)]
        sums[cause] = sums[cause] + node.lanes[kind] if cause in sums else node.lanes[kind]
    return {cause: tuple(row.tolist()) for cause, row in sums.items() if row.any()}


def _calls(machine: Machine) -> tuple[Call, ...]:
    recorder = machine.recorder
    base = recorder.calls.ctypes.data
    size = L.CALL_WORDS * L.WORD
    rows = recorder.calls[: int(recorder.state[L.CALL_COUNT])].tolist()
    return tuple(
        Call(row[L.CALL_FUNCTION], (row[L.CALL_PARENT] - base) // size if row[L.CALL_PARENT] else -1,
             row[L.CALL_TIMES], row[L.CALL_SELF])
        for row in rows
    )  # fmt: skip


def _traffic(machine: Machine, uses: dict) -> dict[str, Traffic]:
    names = machine.space.names
    read, written = [0] * len(names), [0] * len(names)
    for node, (falls, takens, early, _) in uses.items():
        whole = falls + takens
        for slot, value in zip(node.record.program.slots, node.classes, strict=True):
            if slot.op != L.OP_ACCESS or value == 0:
                continue
            memory = node.record.block.instructions[slot.instruction].memory
            times = whole + sum(count for instructions, count, _ in early if instructions > slot.instruction)
            region = (value - 1) // 8
            region = region if region < len(names) else machine.recorder.regions.elsewhere
            (written if memory.write else read)[region] += times * memory.size * memory.count
    traffic: dict[str, Traffic] = {}
    for name, r, w in zip(names, read, written, strict=True):
        if r or w:
            before = traffic.get(name, Traffic(0, 0))
            traffic[name] = Traffic(before.read_bytes + r, before.written_bytes + w)
    return traffic

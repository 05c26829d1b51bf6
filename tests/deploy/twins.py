"""Slow and obvious twins of the memory planner: what a plan must keep, byte by byte, and the smallest plan by trying all."""

from __future__ import annotations

import random
from itertools import product

from mcusim.deploy.buffers import Buffer, Overlay, Plan, View


def extent(buffer: Buffer) -> int:
    """The size that counts: rounded up to the alignment."""
    return -(-buffer.size_bytes // buffer.alignment) * buffer.alignment


def may_lie(one: Buffer, at: int, other: Buffer, there: int, overlays: list[Overlay]) -> bool:
    """Whether two buffers may lie at these offsets of one memory."""
    if one.last < other.first or other.last < one.first:
        return True
    if not set(range(at, at + extent(one))) & set(range(there, there + extent(other))):
        return True
    return any(_shares(o, one, at, other, there) or _shares(o, other, there, one, at) for o in overlays)


def _shares(overlay: Overlay, output: Buffer, at: int, input_: Buffer, there: int) -> bool:
    if (overlay.output, overlay.input) != (output.name, input_.name):
        return False
    below = overlay.distance_bytes is not None and at <= there - overlay.distance_bytes
    return below or (overlay.exact and at == there)


def faults(plan: Plan, buffers: list[Buffer], overlays: list[Overlay], views: list[View]) -> list[str]:
    """What is wrong with a plan; [] where nothing is."""
    joined = {frozenset((v.part, v.whole)) for v in views}
    found = []
    for i, one in enumerate(buffers):
        place = plan.places[one.name]
        if place.offset_bytes % one.alignment or place.offset_bytes < 0:
            found.append(f"{one.name} at {place}")
        if one.memories and place.memory not in one.memories:
            found.append(f"{one.name} in {place.memory}")
        if place.offset_bytes + extent(one) > plan.peak_bytes[place.memory]:
            found.append(f"{one.name} ends above the peak")
        for other in buffers[:i]:
            there = plan.places[other.name]
            if place.memory != there.memory or frozenset((one.name, other.name)) in joined:
                continue
            if not may_lie(one, place.offset_bytes, other, there.offset_bytes, overlays):
                found.append(f"{one.name} at {place} and {other.name} at {there}")
    for view in views:
        whole, part = plan.places[view.whole], plan.places[view.part]
        if (part.memory, part.offset_bytes) != (whole.memory, whole.offset_bytes + view.offset_bytes):
            found.append(f"{view.part} is not in {view.whole}")
    return found


def smallest(buffers: list[Buffer], overlays: list[Overlay], grain: int = 4) -> int:
    """The smallest peak of one memory, by trying every place for every buffer."""
    total = sum(extent(buffer) for buffer in buffers)
    best = total
    for offsets in product(*(range(0, total - extent(b) + 1, grain) for b in buffers)):
        peak = max(at + extent(b) for at, b in zip(offsets, buffers, strict=True))
        if peak < best and all(at % b.alignment == 0 for at, b in zip(offsets, buffers, strict=True)):
            pairs = ((i, j) for i in range(len(buffers)) for j in range(i))
            if all(may_lie(buffers[i], offsets[i], buffers[j], offsets[j], overlays) for i, j in pairs):
                best = peak
    return best


def random_buffers(seed: int, count: int, steps: int, largest: int, alignments: tuple[int, ...] = (4,)) -> list[Buffer]:
    """``count`` buffers of up to ``largest`` bytes in ``steps`` steps."""
    chance = random.Random(seed)
    buffers = []
    for index in range(count):
        first = chance.randrange(steps)
        last = min(steps - 1, first + chance.choice((0, 1, 1, 2, 3, steps)))
        buffers.append(Buffer(f"b{index}", chance.randint(1, largest), first, last, chance.choice(alignments)))
    return buffers


def random_overlays(seed: int, buffers: list[Buffer], largest: int) -> list[Overlay]:
    """Overlays of some of the pairs that may have one."""
    chance = random.Random(seed)
    pairs = [(o, i) for o in buffers for i in buffers if i.first < i.last == o.first]
    kinds = ((None, True), (0, True), (chance.randint(0, largest), False), (chance.randint(0, largest), True))
    return [Overlay(o.name, i.name, *chance.choice(kinds)) for o, i in pairs if chance.random() < 0.6]

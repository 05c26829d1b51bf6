"""The memory planner: where each buffer of a network lies, so that the arena is as small as it can be.

Not modelled: buffers that move, and buffers that are split over two places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from mcusim.deploy.bodies import Body, Overlays, bodies_of, overlays_by_pair
from mcusim.deploy.buffers import Buffer, Memory, Overlay, Place, Plan, PlanError, View
from mcusim.deploy.packing import Packed, Packing, pack, quick

EFFORT = 50_000
"""Steps of search at most, for each memory: about a second."""

RAM = Memory("ram")


def plan(
    buffers: Sequence[Buffer],
    overlays: Iterable[Overlay] = (),
    memories: Sequence[Memory] = (RAM,),
    views: Iterable[View] = (),
    effort: int = EFFORT,
) -> Plan:
    """The smallest arena found for ``buffers``; the same question always gets the same plan.

    All goes into one of the preferred memories if it holds it; else that one takes the buffers with the most traffic for their
    bytes, and the next ones the rest. Sizes count rounded up to the alignment. A buffer may lie on another as overlays allow,
    and lies on it where a view says so.

    Raises PlanError where buffers, overlays and views contradict each other, or the memories are too small.
    """
    bodies = bodies_of(buffers, views)
    pairs = overlays_by_pair(buffers, overlays)
    _check_names(buffers, memories)
    ordered = sorted(memories, key=lambda memory: memory.preference)
    shares = _shares(bodies, ordered, pairs)
    packed = {memory.name: pack(Packing(shares[memory.name], pairs), effort) for memory in ordered}
    for memory in ordered:
        _check_size(memory, packed[memory.name], shares[memory.name])
    places = {
        box.buffer.name: Place(name, offset + box.offset)
        for name, part in packed.items()
        for body, offset in zip(shares[name], part.offsets, strict=True)
        for box in body.boxes
    }
    return Plan(
        {buffer.name: places[buffer.name] for buffer in buffers},
        {name: part.peak for name, part in packed.items()},
        Packing(bodies, pairs).lower_bound,
        all(part.proven for part in packed.values()),
        _reason({name: part for name, part in packed.items() if shares[name]}),
    )


def _check_names(buffers: Iterable[Buffer], memories: Sequence[Memory]) -> None:
    names = [memory.name for memory in memories]
    if not names or len(set(names)) != len(names):
        raise PlanError(f"memories to plan for: {names}; at least one is needed, and each name once")
    for buffer in buffers:
        if unknown := set(buffer.memories) - set(names):
            raise PlanError(f"buffer {buffer.name} may lie in {sorted(unknown)}, which there is not; there are {names}")


def _shares(bodies: tuple[Body, ...], memories: Sequence[Memory], overlays: Overlays) -> dict[str, tuple[Body, ...]]:
    """Which bodies go into which memory."""
    preferred = [memory for memory in memories if memory.preference == memories[0].preference]
    for memory in preferred:
        if all(body.allows(memory.name) for body in bodies) and _fits(bodies, memory, overlays):
            return {other.name: bodies if other is memory else () for other in memories}
    for order in _FILLINGS:
        shares, left = _filled(sorted(bodies, key=order), memories, overlays)
        if not left:
            return {name: tuple(body for body in bodies if body in share) for name, share in shares.items()}
    raise _too_large(bodies, memories, overlays)


_FILLINGS: tuple[Callable[[Body], tuple], ...] = (
    lambda body: (-body.traffic_bytes / max(body.height, 1), body.height),
    lambda body: (-body.height, body.first),
    lambda body: (body.height, body.first),
)
"""Orders in which memories are filled: by traffic for each byte; where that does not fit, large or small ones first."""


def _filled(
    bodies: Sequence[Body], memories: Sequence[Memory], overlays: Overlays
) -> tuple[dict[str, list[Body]], list[Body]]:
    """Each memory with as many of ``bodies`` as it holds, the first ones first; and what is left over."""
    left, shares = list(bodies), {}
    for memory in memories:
        share: list[Body] = []
        for body in left:
            if body.allows(memory.name) and _fits((*share, body), memory, overlays):
                share.append(body)
        shares[memory.name] = share
        left = [body for body in left if body not in share]
    return shares, left


def _fits(bodies: Sequence[Body], memory: Memory, overlays: Overlays) -> bool:
    if memory.size_bytes is None:
        return True
    packing = Packing(tuple(bodies), overlays)
    if packing.lower_bound > memory.size_bytes:
        return False
    return packing.peak(quick(packing, memory.size_bytes)) <= memory.size_bytes


def _too_large(bodies: tuple[Body, ...], memories: Sequence[Memory], overlays: Overlays) -> PlanError:
    packing = Packing(bodies, overlays)
    step = max(packing.needs, key=lambda s: packing.needs[s])
    alive = sorted((b.buffer for body in bodies for b in body.boxes if b.buffer.first <= step <= b.buffer.last),
                   key=lambda buffer: -buffer.size_bytes)  # fmt: skip
    largest = ", ".join(f"{buffer.name} ({buffer.size_bytes} bytes)" for buffer in alive[:4])
    room = ", ".join(f"{m.name} {m.size_bytes}" for m in memories)
    return PlanError(
        f"the buffers do not fit: step {step} alone needs {packing.needs[step]} bytes, most of them for {largest};"
        f" there are (in bytes): {room}"
    )


def _check_size(memory: Memory, packed: Packed, bodies: tuple[Body, ...]) -> None:
    if memory.size_bytes is not None and packed.peak > memory.size_bytes:
        raise PlanError(f"{len(bodies)} buffers need {packed.peak} bytes of {memory.name}, which has {memory.size_bytes}")


def _reason(packed: Mapping[str, Packed]) -> str:
    if len(packed) == 1:
        return next(iter(packed.values())).reason
    return "; ".join(f"{name}: {part.reason}" for name, part in packed.items()) or "nothing to place"

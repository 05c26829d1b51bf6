"""Bodies: buffers that views hold together, what keeps two bodies apart, and the largest need of a step."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from mcusim.deploy.buffers import Buffer, Overlay, PlanError, View

Span = tuple[int, int]
"""Two numbers of bytes and what lies between them, the two left out."""


def align(value: int, alignment: int) -> int:
    """The first multiple of ``alignment`` (a power of two) at or above ``value``."""
    return (value + alignment - 1) & -alignment


@dataclass(frozen=True, slots=True)
class Box:
    """A buffer inside its body. ``extent``: its size, rounded up to its alignment."""

    buffer: Buffer
    offset: int

    @property
    def extent(self) -> int:
        return align(self.buffer.size_bytes, self.buffer.alignment)

    @property
    def end(self) -> int:
        return self.offset + self.extent


@dataclass(frozen=True, slots=True)
class Body:
    """Boxes that lie in fixed distances from each other; the lowest has offset 0."""

    boxes: tuple[Box, ...]

    @property
    def height(self) -> int:
        """Bytes from the lowest start to the highest end."""
        return max(box.end for box in self.boxes)

    @property
    def alignment(self) -> int:
        """The strictest alignment of its boxes."""
        return max(box.buffer.alignment for box in self.boxes)

    @property
    def first(self) -> int:
        """The step in which its first box begins."""
        return min(box.buffer.first for box in self.boxes)

    @property
    def last(self) -> int:
        """The step in which its last box ends."""
        return max(box.buffer.last for box in self.boxes)

    @property
    def traffic_bytes(self) -> int:
        """Bytes read and written in all its boxes."""
        return sum(box.buffer.traffic_bytes for box in self.boxes)

    def allows(self, memory: str) -> bool:
        """Whether all its boxes may lie in a memory."""
        return all(not box.buffer.memories or memory in box.buffer.memories for box in self.boxes)

    def bytes_at(self, step: int) -> int:
        """Bytes that it covers in a step."""
        covered, reached = 0, 0
        for box in sorted(self.boxes, key=lambda box: box.offset):
            if box.buffer.first <= step <= box.buffer.last and box.end > reached:
                covered += box.end - max(box.offset, reached)
                reached = box.end
        return covered


def bodies_of(buffers: Sequence[Buffer], views: Iterable[View]) -> tuple[Body, ...]:
    """Buffers joined by views, in the order of their first buffers.

    Raises PlanError for views that contradict each other: one buffer at two places, two contents in one, an odd alignment.
    """
    named = {buffer.name: buffer for buffer in buffers}
    if len(named) != len(buffers):
        raise PlanError(f"two buffers have one name: {sorted(b.name for b in buffers)}")
    views = tuple(views)
    for view in views:
        _check_view(view, named)
    near: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for view in views:
        near[view.whole].append((view.part, view.offset_bytes))
        near[view.part].append((view.whole, -view.offset_bytes))
    bodies, seen = [], set()
    for buffer in buffers:
        if buffer.name not in seen:
            offsets = _offsets_from(buffer.name, near)
            seen |= set(offsets)
            bodies.append(_body(offsets, named, near))
    return tuple(bodies)


def _check_view(view: View, named: Mapping[str, Buffer]) -> None:
    for name in (view.part, view.whole):
        if name not in named:
            raise PlanError(f"view of {view.part} in {view.whole}: there is no buffer {name}")
    part, whole = named[view.part], named[view.whole]
    if view.offset_bytes < 0 or view.offset_bytes + part.size_bytes > whole.size_bytes:
        raise PlanError(
            f"view of {part.name} ({part.size_bytes} bytes) in {whole.name} ({whole.size_bytes} bytes)"
            f" at {view.offset_bytes}: it has to lie inside"
        )


def _offsets_from(name: str, near: Mapping[str, list[tuple[str, int]]]) -> dict[str, int]:
    offsets, open_ = {name: 0}, [name]
    while open_:
        here = open_.pop()
        for other, distance in near.get(here, ()):
            if other not in offsets:
                offsets[other] = offsets[here] + distance
                open_.append(other)
            elif offsets[other] != offsets[here] + distance:
                raise PlanError(f"views put {other} at two places of one body, one of them by {here}")
    return offsets


def _body(offsets: Mapping[str, int], named: Mapping[str, Buffer], near: Mapping[str, list[tuple[str, int]]]) -> Body:
    lowest = min(offsets.values())
    body = Body(tuple(Box(named[name], offset - lowest) for name, offset in offsets.items()))
    for box in body.boxes:
        buffer = box.buffer
        if box.offset % buffer.alignment:
            raise PlanError(f"a view puts {buffer.name} at byte {box.offset} of a body; its alignment is {buffer.alignment}")
    for one, other in combinations(body.boxes, 2):
        if meet(one.buffer, other.buffer) and not _same_content(one, other, body, near):
            raise PlanError(f"views put {one.buffer.name} and {other.buffer.name} at one place while both are alive")
    return body


def _same_content(one: Box, other: Box, body: Body, near: Mapping[str, list[tuple[str, int]]]) -> bool:
    """Whether two boxes hold the same bytes where they overlap: views lead from one to the other, all across that place."""
    low = max(one.offset, other.offset)
    high = min(one.offset + one.buffer.size_bytes, other.offset + other.buffer.size_bytes)
    if low >= high:
        return True
    across = {b.buffer.name for b in body.boxes if b.offset <= low and b.offset + b.buffer.size_bytes >= high}
    reached, open_ = {one.buffer.name}, [one.buffer.name]
    while open_:
        for name, _ in near.get(open_.pop(), ()):
            if name in across and name not in reached:
                reached.add(name)
                open_.append(name)
    return other.buffer.name in reached


def meet(one: Buffer, other: Buffer) -> bool:
    """Whether there is a step in which both are alive."""
    return one.first <= other.last and other.first <= one.last


Overlays = Mapping[tuple[str, str], Overlay]
"""Overlays by the names of output and input."""


def overlays_by_pair(buffers: Iterable[Buffer], overlays: Iterable[Overlay]) -> Overlays:
    """Overlays by output and input; PlanError unless output begins in the step that is input's last and not its first."""
    named = {buffer.name: buffer for buffer in buffers}
    pairs = {}
    for overlay in overlays:
        for name in (overlay.output, overlay.input):
            if name not in named:
                raise PlanError(f"overlay of {overlay.output} on {overlay.input}: there is no buffer {name}")
        output, input_ = named[overlay.output], named[overlay.input]
        if not input_.first < input_.last == output.first:
            raise PlanError(
                f"overlay of {output.name} (steps {output.first} to {output.last}) on {input_.name} (steps {input_.first}"
                f" to {input_.last}): the first begins in the step in which the second, begun before, ends"
            )
        pairs[output.name, input_.name] = overlay
    return pairs


def kept_apart(one: Body, other: Body, overlays: Overlays) -> tuple[Span, ...]:
    """Where one's offset less other's must not lie: spans in ascending order, their ends left out (that is, allowed)."""
    spans: list[Span] = []
    for a in one.boxes:
        for b in other.boxes:
            if meet(a.buffer, b.buffer) and a.extent and b.extent:
                shift = b.offset - a.offset
                spans += [(low + shift, high + shift) for low, high in _apart(a, b, overlays)]
    return _merged(spans)


def _apart(a: Box, b: Box, overlays: Overlays) -> Iterable[Span]:
    whole = (-a.extent, b.extent)
    if overlay := overlays.get((a.buffer.name, b.buffer.name)):
        return _less(whole, overlay)
    if overlay := overlays.get((b.buffer.name, a.buffer.name)):
        return [(-high, -low) for low, high in _less((-b.extent, a.extent), overlay)]
    return [whole]


def _less(span: Span, overlay: Overlay) -> list[Span]:
    """What of ``span`` (output's start less input's) an overlay leaves forbidden."""
    low, high = span
    if overlay.distance_bytes is not None:
        low = max(low, -overlay.distance_bytes)
    if overlay.exact and low < 0 < high:
        return [(low, 0), (0, high)]
    return [(low, high)] if low < high else []


def _merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for low, high in sorted(spans):
        if merged and low < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        elif high - low > 1:
            merged.append((low, high))
    return tuple(merged)


def need_of_steps(bodies: Sequence[Body], overlays: Overlays) -> dict[int, int]:
    """Bytes that no plan can do without, for each step in which that may change."""
    boxes = {box.buffer.name: box for body in bodies for box in body.boxes}
    steps = sorted({box.buffer.first for box in boxes.values()})
    needs = dict.fromkeys(steps, 0)
    for body in bodies:
        for step in steps_of(body, steps):
            needs[step] += body.bytes_at(step)
    beginning: dict[int, list[Overlay]] = defaultdict(list)
    for (output, input_), overlay in overlays.items():
        if output in boxes and input_ in boxes:
            beginning[boxes[output].buffer.first].append(overlay)
    for step, found in beginning.items():
        needs[step] -= _savings(found, boxes)
    return needs


def steps_of(body: Body, steps: Sequence[int]) -> Sequence[int]:
    """Those of ascending ``steps`` in which a body is alive."""
    return steps[bisect_left(steps, body.first) : bisect_right(steps, body.last)]


def _savings(beginning: Iterable[Overlay], boxes: Mapping[str, Box]) -> int:
    """At most so many bytes do the overlays of a step save: no output and no input is shared more than once."""
    outputs: dict[str, int] = defaultdict(int)
    inputs: dict[str, int] = defaultdict(int)
    for overlay in beginning:
        shared = _shared(boxes[overlay.output], boxes[overlay.input], overlay)
        outputs[overlay.output] += shared
        inputs[overlay.input] += shared
    return min(
        sum(min(shared, boxes[name].extent) for name, shared in outputs.items()),
        sum(min(shared, boxes[name].extent) for name, shared in inputs.items()),
    )


def _shared(output: Box, input_: Box, overlay: Overlay) -> int:
    exact = min(output.extent, input_.extent) if overlay.exact else 0
    if overlay.distance_bytes is None:
        return exact
    distance = align(overlay.distance_bytes, min(output.buffer.alignment, input_.buffer.alignment))
    return max(exact, min(input_.extent, output.extent - distance), 0)

"""The memory plan for people: a table of tensors, and drawings of addresses over steps, as text and as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from mcusim.deploy.buffers import Buffer, Place, Plan
from mcusim.report.quantity import grouped, printable, size
from mcusim.report.table import make_table

if TYPE_CHECKING:
    from rich.table import Table

MAP_COLUMNS = 64
"""Characters from the first to the last byte of an arena."""

COLUMN, ROW, HEAD, SIDE = 14, 360, 40, 70
"""Of the SVG, in pixels: width of a step, height of an arena, room above, room at the left for addresses."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A plan beside what it is a plan of. ``steps``: names of the layers, in order."""

    plan: Plan
    buffers: Sequence[Buffer]
    steps: Sequence[str]

    def memories(self) -> list[str]:
        """Memories that hold something."""
        return [name for name, peak in self.plan.peak_bytes.items() if peak]

    def placed(self, memory: str) -> list[tuple[Buffer, Place]]:
        """Buffers of a memory that have bytes, by when they begin."""
        places = ((buffer, self.plan.places[buffer.name]) for buffer in self.buffers if buffer.size_bytes)
        here = (pair for pair in places if pair[1].memory == memory)
        return sorted(here, key=lambda pair: (pair[0].first, pair[1].offset_bytes))

    def alive(self, memory: str, step: int) -> list[tuple[Buffer, Place]]:
        """Buffers of a memory that hold something in a step, from the lowest place up."""
        alive = (pair for pair in self.placed(memory) if pair[0].first <= step <= pair[0].last)
        return sorted(alive, key=lambda pair: (pair[1].offset_bytes, -pair[0].size_bytes))

    def taken(self, memory: str, step: int) -> int:
        """Bytes of a memory that hold something in a step, those that buffers share counted once."""
        taken, reached = 0, 0
        for buffer, place in self.alive(memory, step):
            end = place.offset_bytes + buffer.size_bytes
            taken += max(end - max(place.offset_bytes, reached), 0)
            reached = max(reached, end)
        return taken


def summary(explanation: Explanation) -> str:
    """Peak and lower bound in a sentence, and how it is known whether less would do."""
    plan = explanation.plan
    peaks = ", ".join(f"{grouped(plan.peak_bytes[name])} bytes of {name}" for name in explanation.memories()) or "0 bytes"
    verdict = "the smallest there is" if plan.proven else "not proven to be the smallest"
    return f"Arena: {peaks}; lower bound {grouped(plan.lower_bound_bytes)} bytes; {verdict} ({plan.reason})."


def memory_table(explanation: Explanation) -> Table:
    """Every buffer: memory, first and last byte, size, first and last layer."""
    rows = [
        [buffer.name, memory, _step_name(explanation, buffer.first), _step_name(explanation, buffer.last),
         grouped(place.offset_bytes), grouped(place.offset_bytes + buffer.size_bytes), grouped(buffer.size_bytes)]
        for memory in explanation.memories()
        for buffer, place in explanation.placed(memory)
    ]  # fmt: skip
    columns = ("tensor", "memory", "from layer", "to layer", "start", "end", "bytes")
    return make_table("Tensors in memory", columns, rows, right=3)


def memory_map(explanation: Explanation) -> str:
    """A line for each step, with what lies where: the arena from left to right, ``|`` where a buffer begins."""
    return "\n".join(line for memory in explanation.memories() for line in _map(explanation, memory))


def _step_name(explanation: Explanation, step: int) -> str:
    return explanation.steps[step] if 0 <= step < len(explanation.steps) else "(before)"


def _map(explanation: Explanation, memory: str) -> Iterator[str]:
    peak = explanation.plan.peak_bytes[memory]
    worst = max(explanation.taken(memory, step) for step in range(len(explanation.steps)))
    character = grouped(-(-peak // MAP_COLUMNS))
    yield f"{memory}: {grouped(peak)} bytes from left to right, a character is {character} bytes; * the most"
    for step, name in enumerate(explanation.steps):
        taken = explanation.taken(memory, step)
        mark = "*" if taken == worst else " "
        line = _line(explanation.alive(memory, step), peak)
        yield f"{step:3} {_cut(printable(name), 18):18} [{line}] {size(taken):>9}{mark}".rstrip()


def _line(alive: list[tuple[Buffer, Place]], peak: int) -> str:
    cells = ["."] * MAP_COLUMNS
    for buffer, place in alive:
        start = place.offset_bytes * MAP_COLUMNS // peak
        end = max(-(-(place.offset_bytes + buffer.size_bytes) * MAP_COLUMNS // peak), start + 1)
        label = "|" + _cut(printable(buffer.name), end - start - 1)
        cells[start:end] = label.ljust(end - start, "=")
    return "".join(cells)


def _cut(text: str, width: int) -> str:
    """``text`` in ``width`` columns: its end, which tells tensors of one model apart."""
    return text if len(text) <= width else "…" + text[len(text) - width + 1 :] if width > 1 else text[:width]


def memory_svg(explanation: Explanation) -> str:
    """Addresses upwards over steps, one arena above the other; names and places of buffers as tooltips."""
    width = SIDE + COLUMN * len(explanation.steps) + 20
    memories = explanation.memories()
    height = (HEAD + ROW) * max(len(memories), 1) + 20
    body = [part for row, memory in enumerate(memories) for part in _svg_arena(explanation, memory, row * (HEAD + ROW))]
    return "\n".join((
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="11">',
        f"<title>{escape(summary(explanation))}</title>",
        *body,
        "</svg>",
        "",
    ))  # fmt: skip


def _svg_arena(explanation: Explanation, memory: str, top: int) -> Iterator[str]:
    peak = explanation.plan.peak_bytes[memory]
    steps = len(explanation.steps)
    yield f'<text x="{SIDE}" y="{top + 24}">{escape(memory)}: {grouped(peak)} bytes</text>'
    yield (
        f'<rect x="{SIDE}" y="{top + HEAD}" width="{COLUMN * steps}" height="{ROW}" fill="#f4f4f4" stroke="#888"/>'
        f'<text x="{SIDE - 4}" y="{top + HEAD + 10}" text-anchor="end">{grouped(peak)}</text>'
        f'<text x="{SIDE - 4}" y="{top + HEAD + ROW}" text-anchor="end">0</text>'
    )
    for number, (buffer, place) in enumerate(explanation.placed(memory)):
        yield _svg_buffer(explanation, buffer, place, top, number)


def _svg_buffer(explanation: Explanation, buffer: Buffer, place: Place, top: int, number: int) -> str:
    scale = ROW / explanation.plan.peak_bytes[place.memory]
    first, last = max(buffer.first, 0), buffer.last
    x, width = SIDE + COLUMN * first, COLUMN * (last - first + 1)
    tall = max(buffer.size_bytes * scale, 1.0)
    y = top + HEAD + ROW - (place.offset_bytes + buffer.size_bytes) * scale
    end = place.offset_bytes + buffer.size_bytes
    what = (
        f"{printable(buffer.name)}: {grouped(buffer.size_bytes)} bytes at {grouped(place.offset_bytes)} to {grouped(end)},"
        f" {_step_name(explanation, buffer.first)} to {_step_name(explanation, buffer.last)}"
    )
    # a turn of the golden angle keeps neighbours apart
    hue = number * 137 % 360
    return (
        f'<rect x="{x}" y="{y:.1f}" width="{width}" height="{tall:.1f}" fill="hsl({hue},60%,70%)" fill-opacity="0.8"'
        f' stroke="hsl({hue},60%,35%)"><title>{escape(what)}</title></rect>'
    )

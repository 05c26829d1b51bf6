"""RAM of networks: the arena as the memory planner makes it, and what lies beside it.

``arena_of`` is of one network; it runs as it stands, and compiled for many of them. What it gives is the arena of the network
as it is, in one memory; one that a board cannot hold like that is spread over several or rewritten when it is built, and
takes less.
"""

from __future__ import annotations

from typing import Any

from cost_models.kernels import BUFFERED, NO_WALK, PLANES, distance_bytes, scratch_bytes, walk
from cost_models.layers import OPERATORS
from cost_models.packing import NONE, Boxes, Drawn, Overlays, align, numbers, peak_bytes

ELEMENT_WISE = tuple(name.startswith(("Binary", "Unary", "Quantize", "Dequantize")) for name in OPERATORS)
"""By code: kernels that go upwards element by element (mcusim.deploy.lifetimes)."""

ALIGNMENT = 4
"""Of a buffer at least."""


def arena_of(table: Any, steps: Any, tensors: Any, dsp: bool, drawn: Drawn) -> int:
    """Bytes of the arena of a network; of the rows of LAYER, STEP and TENSOR that are its own."""
    scratch, count, there = numbers(len(table)), len(tensors), 0
    for k in range(len(table)):
        scratch[k] = scratch_bytes(table[k], steps[k], dsp)
        there += 1 if scratch[k] > 0 else 0
    boxes = boxes_of(tensors, scratch, count + there)
    return peak_bytes(boxes, overlays_of(table, steps, tensors, dsp), drawn)


def boxes_of(tensors: Any, scratch: Any, count: int) -> Boxes:
    """Tensors, and then scratch memory, as the planner has them."""
    boxes = Boxes(
        numbers(count), numbers(count), numbers(count), numbers(count), numbers(count), numbers(count), numbers(count)
    )
    for i in range(len(tensors)):
        tensor = tensors[i]
        boxes.alignment[i] = max(ALIGNMENT, tensor.element_bytes)
        boxes.extent[i] = align(tensor.bytes, boxes.alignment[i])
        boxes.first[i], boxes.last[i] = tensor.first + 1, tensor.last + 1
        boxes.body[i], boxes.offset[i] = tensor.body, tensor.offset
        if tensor.body != i:
            boxes.joined[i] = boxes.joined[tensor.body] = 1
    i = len(tensors)
    for k in range(len(scratch)):
        if scratch[k] > 0:
            boxes.alignment[i], boxes.extent[i] = ALIGNMENT, align(scratch[k], ALIGNMENT)
            boxes.first[i], boxes.last[i], boxes.body[i] = k + 1, k + 1, i
            i += 1
    return boxes


def overlays_of(table: Any, steps: Any, tensors: Any, dsp: bool) -> Overlays:
    """What may lie over what: of inputs, those that end with the layer."""
    room, k = 2 * len(steps), 0
    output, source, distance, exact = numbers(room), numbers(room), numbers(room), numbers(room)
    for step in range(len(steps)):
        for under in (steps[step].source, steps[step].other):
            if under >= 0 and tensors[under].first < tensors[under].last and tensors[under].last == step:
                over = steps[step].target
                allowed, far = overlay(table[step], steps[step], tensors[over], tensors[under], dsp)
                if allowed:
                    output[k], source[k], distance[k] = over, under, far
                    exact[k] = 1 if far <= 0 else 0
                    k += 1
    return Overlays(output[:k], source[:k], distance[:k], exact[:k])


def overlay(row: Any, step: Any, over: Any, under: Any, dsp: bool) -> tuple[bool, int]:
    """Whether an output may lie over an input, and how far below it; NONE: only at the same start."""
    if ELEMENT_WISE[row.operator]:
        return over.bytes * under.element_bytes == under.bytes * over.element_bytes, max(over.bytes - under.bytes, 0)
    kind, pixels = walk(row, step, dsp)
    if kind in (NO_WALK, PLANES):
        return kind == PLANES, NONE
    distance = distance_bytes(row, step, pixels, kind == BUFFERED)
    return distance < over.bytes, distance

"""New shapes, orders and sizes: reshapes, transposes, padding, joining and blocks."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from mcusim.network.limits import axis_of
from mcusim.network.network import Unsupported
from mcusim.network.onnx.view import Item, Translation, View


def new_shape(view: View) -> tuple[int, ...]:
    old = view.item(0).shape
    shape = view.listed("shape", 1, "new shape")
    if shape is None:
        raise Unsupported("its new shape is left out")
    if not view.get("allowzero", 0):
        shape = [old[i] if size == 0 and i < len(old) else size for i, size in enumerate(shape)]
    rest = prod(size for size in shape if size != -1)
    if shape.count(-1) > 1 or min(shape, default=1) < -1 or (-1 in shape and (rest == 0 or prod(old) % rest)):
        raise Unsupported(f"its new shape is {tuple(shape)} for {prod(old)} elements")
    return tuple(prod(old) // rest if size == -1 else size for size in shape)


def flattened(view: View) -> tuple[int, ...]:
    shape = view.item(0).shape
    axis = view.get("axis", 1)
    axis = axis if axis == len(shape) else axis_of(axis, len(shape))
    return prod(shape[:axis]), prod(shape[axis:])


def squeezed(view: View) -> tuple[int, ...]:
    shape = view.item(0).shape
    axes = view.listed("axes", 1, "axes")
    gone = {axis_of(axis, len(shape)) for axis in axes} if axes else {i for i, n in enumerate(shape) if n == 1}
    if any(shape[axis] != 1 for axis in gone):
        raise Unsupported(f"it squeezes axes {sorted(gone)} of {shape}, which are not all 1")
    return tuple(n for i, n in enumerate(shape) if i not in gone)


def unsqueezed(view: View) -> tuple[int, ...]:
    shape = list(view.item(0).shape)
    axes = view.listed("axes", 1, "axes") or []
    for axis in sorted(axis_of(axis, len(shape) + len(axes)) for axis in axes):
        shape.insert(axis, 1)
    return tuple(shape)


def reshaped(shape: Callable[[View], tuple[int, ...]]) -> Translation:
    return lambda view: [view.builder.reshape(view.operand(0), shape(view))]


def transpose(view: View) -> list[Item]:
    x = view.operand(0)
    return [view.builder.transpose(x, view.get("perm", list(range(len(x.shape)))[::-1]))]


def concatenation(view: View) -> list[Item]:
    parts = [view.operand(i) for i in range(len(view.inputs))]
    if len(parts) == 1:
        return [parts[0]]
    return [view.builder.concatenation(view.output, parts, view.get("axis", 0))]


def pad(view: View) -> list[Item]:
    x = view.value(0)
    if view.get("mode", "constant") != "constant":
        raise Unsupported(f"its mode is {view.get('mode')}; constant is supported")
    pads = view.listed("pads", 1, "pads") or []
    value = view.number(2, "value") if view.optional(2) is not None else float(view.get("value", 0.0))
    axes = [axis_of(a, len(x.shape)) for a in view.whole(3, "axes")] if view.optional(3) else range(len(x.shape))
    if len(pads) != 2 * len(axes):
        raise Unsupported(f"it has {len(pads)} pads for {len(axes)} axes")
    before, after = [0] * len(x.shape), [0] * len(x.shape)
    for i, axis in enumerate(axes):
        before[axis], after[axis] = pads[i], pads[i + len(axes)]
    return [view.builder.pad(view.output, x, before, after, value)]


def depth_to_space(view: View) -> list[Item]:
    builder, x, block = view.builder, view.value(0), view.get("blocksize", 1)
    n, c, h, w = x.shape
    if block < 1 or c % (block * block):
        raise Unsupported(f"{c} channels are no blocks of {block}x{block}")
    depth, first = c // (block * block), view.get("mode", "DCR") == "DCR"
    parts = builder.reshape(x, (n, block, block, depth, h, w) if first else (n, depth, block, block, h, w))
    turned = builder.transpose(parts, (0, 3, 4, 1, 5, 2) if first else (0, 1, 4, 2, 5, 3))
    return [builder.reshape(turned, (n, depth, h * block, w * block))]


def space_to_depth(view: View) -> list[Item]:
    builder, x, block = view.builder, view.value(0), view.get("blocksize", 1)
    n, c, h, w = x.shape
    if block < 1 or h % block or w % block:
        raise Unsupported(f"{h}x{w} is no whole number of blocks of {block}x{block}")
    parts = builder.reshape(x, (n, c, h // block, block, w // block, block))
    return [builder.reshape(builder.transpose(parts, (0, 3, 5, 1, 2, 4)), (n, c * block * block, h // block, w // block))]


def same(view: View) -> list[Item]:
    return [view.operand(0)]


def expand(view: View) -> list[Item]:
    x, shape = view.operand(0), view.whole(1, "shape")
    if np.broadcast_shapes(x.shape, tuple(shape)) != x.shape:
        raise Unsupported(f"it stretches {x.shape} to {tuple(shape)}")
    return [x]

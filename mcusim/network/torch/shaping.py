"""New shapes, orders and sizes, and parts: views, padding, joining, slices, splits and upsampling."""

from __future__ import annotations

from math import prod

import numpy as np

from mcusim.network.limits import axis_of
from mcusim.network.network import Unsupported
from mcusim.network.torch.view import Item, View


def reshape(view: View) -> Item:
    return view.builder.reshape(view.operand(0), view.shape)


def permute(view: View) -> Item:
    x = view.operand(0)
    return view.builder.transpose(x, [axis_of(a, len(x.shape)) for a in view.get(1)])


def swap(view: View) -> Item:
    x = view.operand(0)
    order = list(range(len(x.shape)))
    left, right = (axis_of(view.get(i, "", default), len(order)) for i, default in ((1, 0), (2, 1)))
    order[left], order[right] = right, left
    return view.builder.transpose(x, order)


def same(view: View) -> Item:
    x = view.operand(0)
    if x.shape != view.shape:
        raise Unsupported(f"it stretches {x.shape} to {view.shape}")
    return x


def pad(view: View) -> Item:
    x, pads = view.value(0), list(view.get(1))
    if min(pads, default=0) < 0:
        raise Unsupported(f"its padding {pads} cuts; use slices")
    missing = [0] * (len(x.shape) - len(pads) // 2)
    before, after = (missing + pads[first::2][::-1] for first in (0, 1))
    return view.builder.pad(view.output, x, before, after, float(view.get(2, "value", 0.0)))


def concatenation(view: View) -> Item:
    parts = [part for part in view.get(0) if prod(part.shape)]
    return view.builder.concatenation(view.output, parts, view.get(1, "dim", 0))


def cut(view: View) -> Item:
    x = view.value(0)
    axis = axis_of(view.get(1, "dim", 0), len(x.shape))
    taken = range(*slice(view.get(2), view.get(3), view.get(4, "step", 1)).indices(x.shape[axis]))
    return view.builder.cut(view.output, x, {axis: taken})


def select(view: View) -> Item:
    x = view.value(0)
    axis = axis_of(view.get(1), len(x.shape))
    place = axis_of(view.get(2), x.shape[axis])
    return view.builder.reshape(view.builder.cut(view.output, x, {axis: range(place, place + 1)}), view.shape)


def split(view: View) -> Item:
    x, sizes = view.value(0), view.get(1)
    axis = axis_of(view.get(2, "dim", 0), len(x.shape))
    if isinstance(sizes, int):
        length = x.shape[axis]
        sizes = [min(sizes, length - first) for first in range(0, length, max(sizes, 1))]
    names = [f"{view.output}/{i}" for i in range(len(sizes))]
    return tuple(view.builder.split(names, x, axis, sizes))


def upsample(view: View) -> Item:
    """Row i comes from row floor(i / factor)."""
    x = view.value(0)
    before, after = x.shape[2:], view.shape[2:]
    factors = view.get(2) if isinstance(view.get(2), list | tuple) else None
    steps = [n / m if factors is None else 1 / f for n, m, f in zip(before, after, factors or after, strict=True)]
    places = [
        np.minimum(np.floor(np.arange(m) * np.float32(step)), n - 1).astype(np.int64)
        for n, m, step in zip(before, after, steps, strict=True)
    ]
    return view.builder.resize(view.output, x, places)

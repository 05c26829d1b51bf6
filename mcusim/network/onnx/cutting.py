"""Parts of a tensor: splits, slices and gathers."""

from __future__ import annotations

from math import ceil

from mcusim.network.limits import axis_of
from mcusim.network.network import Unsupported
from mcusim.network.onnx.view import Item, View, ranges


def split(view: View) -> list[Item]:
    x, outputs = view.value(0), view.node.outputs
    axis = axis_of(view.get("axis", 0), len(x.shape))
    sizes = view.listed("split", 1, "sizes")
    if sizes is None:
        part = ceil(x.shape[axis] / len(outputs))
        sizes = [part] * (len(outputs) - 1) + [x.shape[axis] - part * (len(outputs) - 1)]
    return list(view.builder.split(outputs, x, axis, sizes))


def cut(view: View) -> list[Item]:
    return [view.builder.cut(view.output, view.value(0), ranges(view))]


def gather(view: View) -> list[Item]:
    """Of a value: elements at equal distances."""
    x, indices = view.value(0), view.constant(1, "indices")
    axis = axis_of(view.get("axis", 0), len(x.shape))
    places = [int(i) % x.shape[axis] for i in indices.reshape(-1)[: 1 << 16]]
    step = places[1] - places[0] if len(places) > 1 else 1
    taken = range(places[0], places[0] + step * len(places), step) if step else range(0)
    if list(taken) != places or indices.ndim > 1 or indices.size > 1 << 16:
        raise Unsupported("it gathers elements that do not lie at equal distances")
    cut = view.builder.cut(view.output, x, {axis: taken})
    return [view.builder.reshape(cut, (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))]

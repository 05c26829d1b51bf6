"""Parts of a tensor: splits and slices."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import tflite

from mcusim.network import operators as ops
from mcusim.network.limits import axis_of
from mcusim.network.network import Unsupported
from mcusim.network.tensor import Tensor
from mcusim.network.tflite.view import Step, View


def split(view: View) -> list[Step]:
    x = view.input(1)
    axis = _axis(view, 0, x)
    parts = len(view.outputs)
    if x.shape[axis] % parts:
        raise Unsupported(f"it splits {x.shape[axis]} elements into {parts} equal parts")
    return view.step(ops.Split(axis, (x.shape[axis] // parts,) * parts), x)


def split_v(view: View) -> list[Step]:
    x = view.input(0)
    axis = _axis(view, 2, x)
    sizes = view.whole(1, "sizes", 4096)
    if len(sizes) != len(view.outputs):
        raise Unsupported(f"it has {len(sizes)} sizes for {len(view.outputs)} outputs")
    return view.step(ops.Split(axis, _filled_sum(sizes, x.shape[axis])), x)


def _axis(view: View, index: int, x: Tensor) -> int:
    """The axis of ``x`` that an input says."""
    (axis,) = view.whole(index, "axis", 1)
    return axis_of(axis, len(x.shape))


def _filled_sum(sizes: tuple[int, ...], total: int) -> tuple[int, ...]:
    rest = total - sum(size for size in sizes if size != -1)
    if sizes.count(-1) > 1 or rest < 0:
        raise Unsupported(f"its parts are {sizes} of {total} elements")
    return tuple(rest if size == -1 else size for size in sizes)


def cut(view: View) -> list[Step]:
    x = view.input(0)
    begin, size = view.whole(1, "begin"), view.whole(2, "size")
    if not len(begin) == len(size) == len(x.shape):
        raise Unsupported(f"it has {len(begin)} begins and {len(size)} sizes for {len(x.shape)} dimensions")
    sizes = tuple(length - first if n == -1 else n for length, first, n in zip(x.shape, begin, size, strict=True))
    return view.step(ops.Slice(begin, sizes, (1,) * len(begin)), x)


@dataclass(frozen=True, slots=True)
class Cut:
    """What STRIDED_SLICE takes: an operator on the input's axes, then the shape that remains."""

    slice: ops.Slice
    shape: tuple[int, ...]


def strided(view: View, shape: tuple[int, ...]) -> Cut:
    """STRIDED_SLICE with its masks; an ellipsis and axes that are added are not supported."""
    options = view.options(tflite.StridedSliceOptions)
    if options.EllipsisMask() or options.NewAxisMask() or options.Offset():
        raise Unsupported("an ellipsis, new axes or offsets in a strided slice are not supported")
    begin, end, stride = (view.whole(i, name, 8) for i, name in ((1, "begin"), (2, "end"), (3, "strides")))
    if not len(begin) == len(end) == len(stride) <= len(shape) or 0 in stride:
        raise Unsupported(f"its begin {begin}, end {end} and strides {stride} do not go with {len(shape)} dimensions")
    taken = [_taken(options, axis, begin[axis], end[axis], step, shape[axis]) for axis, step in enumerate(stride)]
    taken += [(0, size, 1) for size in shape[len(stride) :]]
    first, sizes, steps = (tuple(numbers[i] for numbers in taken) for i in range(3))
    gone = {axis for axis in range(len(stride)) if _set(options.ShrinkAxisMask(), axis)}
    return Cut(ops.Slice(first, sizes, steps), tuple(size for axis, size in enumerate(sizes) if axis not in gone))


def _taken(options: Any, axis: int, begin: int, end: int, step: int, size: int) -> tuple[int, int, int]:
    """Of an axis of ``size``: the first element, how many, and their distance."""
    from_start, to_end = _set(options.BeginMask(), axis), _set(options.EndMask(), axis)
    if not _set(options.ShrinkAxisMask(), axis):
        taken = range(*slice(None if from_start else begin, None if to_end else end, step).indices(size))
        return (taken.start if taken else 0), len(taken), step
    if step < 0:
        raise Unsupported(f"it takes a single element with the stride {step}")
    return _wrapped(0 if from_start else begin, size), 1, 1


def _set(mask: int, axis: int) -> bool:
    return bool(mask >> axis & 1)


def _wrapped(index: int, size: int) -> int:
    if not -size <= index < size:
        raise Unsupported(f"it takes element {index} of {size}")
    return index % size


def strided_slice(view: View) -> list[Step]:
    x = view.input(0)
    cut = strided(view, x.shape)
    if cut.shape == cut.slice.size:
        return view.step(cut.slice, x)
    between = replace(view.outputs[0], name=view.fresh("slice"), shape=cut.slice.size)
    return [Step(cut.slice, (x,), (between,)), Step(ops.Reshape(cut.shape), (between,), view.outputs)]

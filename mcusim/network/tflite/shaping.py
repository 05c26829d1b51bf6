"""New shapes, orders and sizes: reshapes, transposes, padding, joining and resizing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod

import tflite

from mcusim.network import operators as ops
from mcusim.network.limits import axis_of, pair
from mcusim.network.network import Unsupported
from mcusim.network.tflite.options import activation_of
from mcusim.network.tflite.view import Step, Translation, View


def new_shape(view: View) -> tuple[int, ...]:
    """Of RESHAPE: from the second input, else from the options, as in the interpreter."""
    elements = view.input(0).elements
    if view.optional(1) is not None and len(view.input(1).shape) == 1:
        shape: Sequence[int] = view.whole(1, "new shape", 8)
    else:
        options = view.options(tflite.ReshapeOptions)
        shape = options.NewShapeAsNumpy().tolist() if 0 < options.NewShapeLength() <= 8 else []
        shape = [] if list(shape) == [0] else shape
    return _filled(shape, elements)


def _filled(shape: Sequence[int], elements: int) -> tuple[int, ...]:
    """A shape whose one -1 becomes what makes it hold ``elements``."""
    rest = prod(size for size in shape if size != -1)
    if list(shape).count(-1) > 1 or min(shape, default=0) < -1:
        raise Unsupported(f"its new shape is {tuple(shape)}")
    if -1 in shape and (rest == 0 or elements % rest):
        raise Unsupported(f"its new shape is {tuple(shape)}, its input has {elements} elements")
    return tuple(elements // rest if size == -1 else size for size in shape)


def squeezed(view: View) -> tuple[int, ...]:
    shape = view.input(0).shape
    options = view.node.options(tflite.SqueezeOptions)
    count = options.SqueezeDimsLength() if options else 0
    if count > 8:
        raise Unsupported(f"it squeezes {count} dimensions")
    axes = [axis_of(axis, len(shape)) for axis in (options.SqueezeDimsAsNumpy().tolist() if count else [])]
    if any(shape[axis] != 1 for axis in axes):
        raise Unsupported(f"it squeezes axes {axes} of {shape}, which are not all 1")
    axes = axes or [axis for axis, size in enumerate(shape) if size == 1]
    return tuple(size for axis, size in enumerate(shape) if axis not in axes)


def expanded(view: View) -> tuple[int, ...]:
    shape = view.input(0).shape
    (axis,) = view.whole(1, "axis", 1) or (0,)
    axis = axis_of(axis, len(shape) + 1)
    return (*shape[:axis], 1, *shape[axis:])


def reshaped(shape: Callable[[View], tuple[int, ...]]) -> Translation:
    return lambda view: view.step(ops.Reshape(shape(view)), view.input(0))


def transpose(view: View) -> list[Step]:
    x = view.input(0)
    order = tuple(axis_of(axis, len(x.shape)) for axis in view.whole(1, "permutation"))
    return view.step(ops.Transpose(order), x)


def pad(view: View) -> list[Step]:
    x = view.input(0)
    paddings = view.whole(1, "paddings")
    if len(paddings) != 2 * len(x.shape):
        raise Unsupported(f"it has {len(paddings)} paddings for {len(x.shape)} dimensions")
    value: float = 0 if x.quantization is None else x.quantization.zero_point
    if view.optional(2) is not None:
        data = view.constant(2, "value of the padding")
        if data.size != 1:
            raise Unsupported(f"the value of its padding is {data.size} values")
        value = data.reshape(-1)[0].item()
    return view.step(ops.Pad(paddings[0::2], paddings[1::2], value), x)


def concatenation(view: View) -> list[Step]:
    options = view.options(tflite.ConcatenationOptions)
    inputs = [view.input(i) for i in range(len(view.inputs))]
    if not inputs:
        raise Unsupported("it has no inputs")
    axis = axis_of(options.Axis(), len(inputs[0].shape))
    return view.step(ops.Concatenation(axis, activation_of(options)), *inputs)


def pack(view: View) -> list[Step]:
    """Each input gets an axis of length 1, along which they are joined."""
    options = view.options(tflite.PackOptions)
    inputs = [view.input(i) for i in range(len(view.inputs))]
    axis = axis_of(options.Axis(), len(inputs[0].shape) + 1)
    steps, parts = [], []
    for number, x in enumerate(inputs):
        shape = (*x.shape[:axis], 1, *x.shape[axis:])
        part = replace(x, name=view.fresh(f"part_{number}"), shape=shape, data=None, variable=False)
        steps.append(Step(ops.Reshape(shape), (x,), (part,)))
        parts.append(part)
    return [*steps, Step(ops.Concatenation(axis), tuple(parts), view.outputs)]


def unpack(view: View) -> list[Step]:
    """Parts of length 1 along an axis, which is then left out."""
    x = view.input(0)
    axis = axis_of(view.options(tflite.UnpackOptions).Axis(), len(x.shape))
    if len(view.outputs) != x.shape[axis]:
        raise Unsupported(f"it has {len(view.outputs)} outputs for {x.shape[axis]} elements")
    shape = (*x.shape[:axis], *x.shape[axis + 1 :])
    part = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    parts = [replace(t, name=view.fresh("part", i), shape=part) for i, t in enumerate(view.outputs)]
    reshapes = [Step(ops.Reshape(shape), (p,), (output,)) for p, output in zip(parts, view.outputs, strict=True)]
    return [Step(ops.Split(axis, (1,) * len(parts)), (x,), tuple(parts)), *reshapes]


def resize_nearest(view: View) -> list[Step]:
    options = view.options(tflite.ResizeNearestNeighborOptions)
    size = view.whole(1, "size", 2)
    if len(size) != 2:
        raise Unsupported(f"its size is {size}")
    corners, centers = bool(options.AlignCorners()), bool(options.HalfPixelCenters())
    return view.step(ops.ResizeNearest(pair(*size, "size"), corners, centers), view.image(0))

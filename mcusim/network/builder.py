"""Builder: a float network made operator by operator from a source that puts channels first.

Layers are channels last; where the elements of a value must be reordered for it, a Transpose layer is made, and only there
(layout.py). Scales that the source states for its tensors are noted beside the network, for lowering.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod

import numpy as np

from mcusim.network import operators as ops
from mcusim.network.element_types import check_element_types
from mcusim.network.layout import (
    Axes,
    Shape,
    Value,
    arranged,
    blocks,
    channels_last,
    refined,
    stored_axes,
    transposed,
    value_of,
)
from mcusim.network.network import Layer, Network, NetworkError, Unsupported
from mcusim.network.shapes import output_shapes
from mcusim.network.tensor import ElementType, Quantization, Tensor

MAX_TENSOR_BYTES = 1 << 31
MAX_STEP = 4096
"""Windows, strides and dilations beyond are those of damaged files."""
MAX_RANK = 8


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant of the source. ``quantization``: the scales that it is stored with (``data`` are the real numbers)."""

    name: str
    data: np.ndarray = field(repr=False)
    quantization: Quantization | None = None

    @property
    def shape(self) -> Shape:
        return self.data.shape


Operand = Value | Constant


class Builder:
    """Methods are named after what they make; ``output`` is the source's name of the result. Unsupported says what is wrong.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.tensors: dict[str, Tensor] = {}
        self.layers: list[Layer] = []
        self.inputs: list[str] = []
        self.annotations: dict[str, Quantization] = {}
        self.label = "layer"
        self.labels: dict[str, int] = {}
        self.moved: dict[tuple[str, Shape, Axes, Shape], str] = {}

    # Tensors

    def fresh(self, name: str) -> str:
        name = name or "tensor"
        while name in self.tensors:
            name += "_"
        return name

    def bounded(self, tensor: Tensor) -> Tensor:
        if min(tensor.shape, default=1) < 1:
            raise Unsupported(f"{tensor.name!r} of shape {tensor.shape} is empty")
        if tensor.size_bytes > MAX_TENSOR_BYTES or len(tensor.shape) > MAX_RANK:
            raise Unsupported(f"{tensor.name!r} of shape {tensor.shape} is more than can be handled")
        return tensor

    def input(self, name: str, shape: Shape, axes: Axes, kind: ElementType = ElementType.FLOAT32) -> Value:
        """An input of the network, whose axes are stored in the order ``axes``."""
        self.tensors[name] = self.bounded(Tensor(name, tuple(shape[axis] for axis in axes), kind))
        self.inputs.append(name)
        return value_of(name, shape, axes)

    def constant(self, constant: Constant, data: np.ndarray, axis: int | None = None) -> str:
        """A constant as it is stored, and the axis of its scales there."""
        data = np.ascontiguousarray(data, np.float32).reshape(data.shape)
        if not np.isfinite(data).all():
            raise Unsupported(f"its constant {constant.name!r} has values that are not finite")
        name = constant.name or "constant"
        while name in self.tensors:
            other = self.tensors[name].data
            if other is not None and other.shape == data.shape and np.array_equal(other, data):
                return name
            name += "_"
        data.flags.writeable = False
        self.tensors[name] = self.bounded(Tensor(name, data.shape, ElementType.FLOAT32, data=data))
        scales = constant.quantization
        if scales is not None:
            self.annotations[name] = replace(scales, axis=None if scales.axis is None else axis)
        return name

    def emit(self, operator: ops.Operator, inputs: Sequence[str], *outputs: str) -> list[str]:
        """A layer; the names of its outputs, made unique."""
        count = self.labels.get(self.label, 0)
        self.labels[self.label] = count + 1
        names: list[str] = []
        for name in outputs:
            name = self.fresh(name)
            while name in names:
                name += "_"
            names.append(name)
        layer = Layer(self.label + (f".{count}" if count else ""), operator, tuple(inputs), tuple(names))
        read = [self.tensors[name] if name else None for name in inputs]
        try:
            shapes = output_shapes(layer, [None if t is None else t.shape for t in read])
            if len(shapes) != len(names):
                raise Unsupported(f"it has {len(names)} outputs, not {len(shapes)}")
            made = [
                self.bounded(Tensor(name, shape, ElementType.FLOAT32)) for name, shape in zip(names, shapes, strict=True)
            ]
            check_element_types(layer, read, made)
        except NetworkError as error:
            raise Unsupported(str(error)) from None
        self.tensors |= {tensor.name: tensor for tensor in made}
        self.layers.append(layer)
        return names

    # Order of elements

    def stored(self, operand: Operand, axes: Axes) -> str:
        """The tensor that holds a value with its axes in the order ``axes``; moved there if need be."""
        if isinstance(operand, Constant):
            scales = operand.quantization
            axis = axes.index(scales.axis) if scales is not None and scales.axis is not None else None
            return self.constant(operand, operand.data.transpose(axes), axis)
        shape = tuple(operand.shape[axis] for axis in axes)
        fine = refined(operand) or refined(self.natural(operand))
        assert fine is not None
        return self.moved_to(fine, arranged(fine, axes), shape)

    def natural(self, value: Value) -> Value:
        """A value in the source's order of elements and shape."""
        name = self.moved_to(value, tuple(range(len(value.parts))), value.shape)
        return value_of(name, value.shape)

    def moved_to(self, value: Value, order: Axes, shape: Shape) -> str:
        """The tensor with a value's parts in ``order``, under ``shape``."""
        moves = tuple(value.order.index(part) for part in order)
        key = (value.name, tuple(value.parts[part] for part in value.order), moves, shape)
        if key not in self.moved:
            self.moved[key] = self.reshaped(self.permuted(value, order), shape, value.name)
        return self.moved[key]

    def permuted(self, value: Value, order: Axes) -> str:
        if value.order == order:
            return value.name
        runs = blocks(value.order, order)
        name = self.reshaped(value.name, tuple(prod(value.parts[p] for p in run) for run in runs), value.name)
        permutation = tuple(sorted(range(len(runs)), key=lambda i: order.index(runs[i][0])))
        return self.emit(ops.Transpose(permutation), [name], f"{value.name}/transpose")[0]

    def reshaped(self, name: str, shape: Shape, source: str) -> str:
        if self.tensors[name].shape == shape:
            return name
        return self.emit(ops.Reshape(shape), [name], f"{source}/reshape")[0]

    def axes(self, value: Value) -> Axes:
        """The order in which an operator that does not mind takes a value: as it is stored, if that can be said."""
        return stored_axes(value) or tuple(range(len(value.shape)))

    def reshape(self, x: Operand, shape: Sequence[int]) -> Operand:
        """Seen under another shape."""
        shape = tuple(shape)
        if prod(shape) != prod(x.shape):
            raise Unsupported(f"{prod(x.shape)} elements do not fill {shape}")
        if isinstance(x, Value):
            return replace(x, shape=shape)
        scales = x.quantization
        kept = scales is None or scales.axis is None
        if not kept and scales is not None and scales.axis is not None:
            places = [i for i, size in enumerate(shape) if prod(shape[:i]) == prod(x.shape[: scales.axis])]
            axis = next((i for i in places if shape[i] == x.shape[scales.axis]), None)
            scales = None if axis is None else replace(scales, axis=axis)
        return Constant(x.name, x.data.reshape(shape), scales)

    def transpose(self, x: Operand, permutation: Sequence[int]) -> Operand:
        """Seen with its axes in another order."""
        permutation = tuple(permutation)
        if sorted(permutation) != list(range(len(x.shape))):
            raise Unsupported(f"{permutation} is no order of {len(x.shape)} axes")
        if isinstance(x, Value):
            fine = refined(x) or refined(self.natural(x))
            assert fine is not None
            return transposed(fine, permutation)
        scales = x.quantization
        if scales is not None and scales.axis is not None:
            scales = replace(scales, axis=permutation.index(scales.axis))
        return Constant(x.name, x.data.transpose(permutation), scales)

    # Layers

    def image(self, x: Operand) -> Operand:
        """N,C,H,W; N,C,L gets a height of 1."""
        if len(x.shape) == 3:
            return self.reshape(x, (*x.shape[:2], 1, x.shape[2]))
        if len(x.shape) != 4:
            raise Unsupported(f"its input has {len(x.shape)} dimensions; 3 (one-dimensional) and 4 are supported")
        return x

    def pair(self, numbers: Sequence[int], what: str) -> ops.Pair:
        height, width = numbers if len(numbers) == 2 else (1, *numbers)
        if not (0 < height <= MAX_STEP and 0 < width <= MAX_STEP):
            raise Unsupported(f"its {what} is {height}x{width}; allowed is 1 to {MAX_STEP} each way")
        return height, width

    def padding(self, pads: Sequence[int]) -> ops.Padding:
        """Of begins and then ends."""
        top, left, bottom, right = pads if len(pads) == 4 else (0, pads[0], 0, pads[1])
        if not all(0 <= pad <= MAX_STEP for pad in (top, left, bottom, right)):
            raise Unsupported(f"its padding is {tuple(pads)}; allowed is 0 to {MAX_STEP}")
        return ops.Padding(top, bottom, left, right)

    def known(self, operand: Operand, what: str) -> Constant:
        if isinstance(operand, Value):
            raise Unsupported(f"its {what} ({operand.name!r}) is not constant")
        return operand

    def finished(self, name: str, shape: Shape, rank: int) -> Value:
        """A result N,C,H,W in the rank that the source gives it."""
        value = value_of(name, shape, channels_last(4))
        return value if rank == 4 else replace(value, shape=(*shape[:2], *shape[3:]))

    def bias(self, operand: Operand | None) -> str:
        if operand is None:
            return ""
        constant = self.known(operand, "bias")
        return self.constant(replace(constant, quantization=None), constant.data.reshape(-1))

    def logical(self, name: str) -> Shape:
        n, h, w, c = self.tensors[name].shape
        return n, c, h, w

    def conv(
        self,
        output: str,
        x: Operand,
        weights: Operand,
        bias: Operand | None,
        *,
        stride: Sequence[int],
        dilation: Sequence[int],
        pads: Sequence[int],
        groups: int,
    ) -> Value:
        rank = len(x.shape)
        weights = self.known(weights, "filter")
        if len(weights.shape) != rank:
            raise Unsupported(f"its input has {rank} dimensions, its filter {len(weights.shape)}")
        image, filters = self.image(x), self.image(weights)
        assert isinstance(filters, Constant)
        channels, depth = image.shape[1], filters.shape[1]
        if groups < 1 or depth * groups != channels or filters.shape[0] % groups:
            raise Unsupported(f"{channels} channels, {groups} groups and a filter of {weights.shape} do not go together")
        steps = self.pair(stride, "stride"), self.pair(dilation, "dilation"), self.padding(pads)
        self.pair(filters.shape[2:], "filter")
        operator: ops.Operator
        if groups > 1 and depth == 1:
            operator, axis = ops.DepthwiseConv2D(*steps, multiplier=filters.shape[0] // channels), 3
            turned = filters.data.transpose(1, 2, 3, 0)
        else:
            operator, axis = ops.Conv2D(*steps), 0
            turned = filters.data.transpose(0, 2, 3, 1)
        self.per_output(filters, 0)
        names = [self.stored(image, channels_last(4)), self.constant(filters, turned, axis), self.bias(bias)]
        (name,) = self.emit(operator, names, output)
        return self.finished(name, self.logical(name), rank)

    def per_output(self, weights: Constant, axis: int) -> None:
        scales = weights.quantization
        if scales is not None and scales.axis not in (None, axis):
            raise Unsupported(f"its weights {weights.name!r} have scales along axis {scales.axis}; along {axis} is supported")
        if scales is not None and len(scales.scales) > 1 and any(scales.zero_points):
            raise Unsupported(f"its weights {weights.name!r} have zero points per channel that are not 0")

    def conv_transpose(
        self,
        output: str,
        x: Operand,
        weights: Operand,
        bias: Operand | None,
        *,
        stride: Sequence[int],
        pads: Sequence[int],
        extra: Sequence[int],
    ) -> Value:
        """``extra``: rows and columns more at the end of the output."""
        rank, filters = len(x.shape), self.known(weights, "filter")
        image, turned = self.image(x), self.image(filters)
        assert isinstance(turned, Constant)
        self.per_output(turned, 1)
        steps, edge = self.pair(stride, "stride"), self.padding(pads)
        more = tuple(extra) if len(extra) == 2 else (0, *extra)
        if not all(0 <= a < max(s, 2) for a, s in zip(more, steps, strict=True)):
            raise Unsupported(f"its output padding is {more}; less than the stride {steps} is allowed")
        kernel = self.pair(turned.shape[2:], "filter")
        height = (image.shape[2] - 1) * steps[0] + kernel[0] - edge.top - edge.bottom + more[0]
        width = (image.shape[3] - 1) * steps[1] + kernel[1] - edge.left - edge.right + more[1]
        lacks = replace(edge, bottom=max(edge.bottom - more[0], 0), right=max(edge.right - more[1], 0))
        operator = ops.TransposeConv2D(steps, lacks, (height, width))
        names = [
            self.stored(image, channels_last(4)),
            self.constant(turned, turned.data.transpose(1, 2, 3, 0), 0),
            self.bias(bias),
        ]
        (name,) = self.emit(operator, names, output)
        return self.finished(name, self.logical(name), rank)

    def linear(self, output: str, x: Value, weights: Constant, bias: Operand | None) -> Value:
        """x times the transpose of ``weights`` [C_out,C]: their columns follow the order in which x is stored."""
        if len(weights.shape) != 2 or not x.shape or x.shape[-1] != weights.shape[1]:
            raise Unsupported(f"an input of {x.shape} and weights of {weights.shape} do not go together")
        self.per_output(weights, 0)
        rows, columns = weights.data, None
        fine = refined(x)
        if len(x.shape) == 2 and fine is not None:
            lead = len(arranged(fine, (0,)))
            if set(fine.order[:lead]) == set(range(lead)):
                columns = fine.order[lead:]
                rows = rows.reshape(-1, *fine.parts[lead:]).transpose(0, *(1 + p - lead for p in columns)).reshape(rows.shape)
                data = self.moved_to(fine, (*range(lead), *columns), x.shape)
        if columns is None:
            data = self.stored(x, tuple(range(len(x.shape))))
        operator = ops.FullyConnected(keep_dimensions=len(x.shape) != 2)
        (name,) = self.emit(operator, [data, self.constant(weights, rows, 0), self.bias(bias)], output)
        return value_of(name, (*x.shape[:-1], weights.shape[0]))

    def matmul(self, output: str, left: Operand, right: Operand) -> Value:
        if min(len(left.shape), len(right.shape)) < 2:
            raise Unsupported(f"a product of {left.shape} and {right.shape} is not supported; both need 2 dimensions or more")
        if isinstance(right, Constant) and len(right.shape) == 2 and isinstance(left, Value):
            weights = self.transpose(right, (1, 0))
            assert isinstance(weights, Constant)
            return self.linear(output, left, weights, None)
        names = [self.stored(x, tuple(range(len(x.shape)))) for x in (left, right)]
        (name,) = self.emit(ops.BatchMatMul(), names, output)
        return value_of(name, self.tensors[name].shape)

    def binary(
        self,
        output: str,
        function: ops.Arithmetic,
        left: Operand,
        right: Operand,
        activation: ops.Activation = ops.Activation.NONE,
    ) -> Value:
        if isinstance(left, Constant) and function is not ops.Arithmetic.SUB:
            left, right = right, left
        operator = ops.Binary(function, activation)
        values = [x for x in (left, right) if isinstance(x, Value)]
        if not values:
            raise Unsupported("arithmetic on two constants")
        if len(values) == 2 and self.alike(*values):
            (name,) = self.emit(operator, [x.name for x in values], output)
            return replace(values[0], name=name)
        if len(values) == 1 and all(x is values[0] or prod(x.shape) == 1 for x in (left, right)):
            rank = max(len(left.shape), len(right.shape))
            names = [self.scalar(x) if isinstance(x, Constant) else x.name for x in (left, right)]
            (name,) = self.emit(operator, names, output)
            shape = (1,) * (rank - len(values[0].shape)) + values[0].shape
            return replace(values[0], name=name, shape=shape)
        rank = max(len(left.shape), len(right.shape))
        sides = [self.reshape(x, (1,) * (rank - len(x.shape)) + x.shape) for x in (left, right)]
        axes = self.axes(max((x for x in sides if isinstance(x, Value)), key=lambda x: prod(x.shape)))
        (name,) = self.emit(operator, [self.stored(x, axes) for x in sides], output)
        stored = self.tensors[name].shape
        return value_of(name, [stored[axes.index(axis)] for axis in range(rank)], axes)

    def alike(self, left: Value, right: Value) -> bool:
        same = left.shape == right.shape and left.parts == right.parts and left.order == right.order
        return same and self.tensors[left.name].shape == self.tensors[right.name].shape

    def scalar(self, constant: Constant) -> str:
        return self.constant(constant, constant.data.reshape(()))

    def number(self, value: float, name: str = "") -> Constant:
        return Constant(name or f"{self.label}/constant", np.array(value, np.float32))

    def unary(self, output: str, function: ops.Function, x: Value, alpha: float = 0.0) -> Value:
        (name,) = self.emit(ops.Unary(function, alpha), [x.name], output)
        return replace(x, name=name)

    def clip(self, output: str, x: Value, low: float, high: float) -> Value:
        """Bounded: by an activation where there is one, else by a maximum and a minimum."""
        for function, activation in RECTIFIERS.items():
            if activation.value == (low, high):
                return self.unary(output, function, x)
        if np.isfinite(low):
            x = self.binary(output, ops.Arithmetic.MAXIMUM, x, self.number(low))
        if np.isfinite(high):
            x = self.binary(output, ops.Arithmetic.MINIMUM, x, self.number(high))
        return x

    def hard_sigmoid(self, output: str, x: Value, alpha: float = 1 / 6, beta: float = 0.5) -> Value:
        """relu6(6 alpha x + 6 beta) / 6."""
        if abs(6 * alpha - 1) > 1e-6:
            x = self.binary(f"{output}/slope", ops.Arithmetic.MUL, x, self.number(6 * alpha))
        x = self.binary(f"{output}/sum", ops.Arithmetic.ADD, x, self.number(6 * beta), ops.Activation.RELU6)
        return self.binary(output, ops.Arithmetic.MUL, x, self.number(1 / 6))

    def slopes(self, output: str, x: Value, slope: Constant) -> Value:
        """Leaky with a slope for each channel (axis 1), or one."""
        if slope.data.size == 1:
            return self.unary(output, ops.Function.LEAKY_RELU, x, float(slope.data.reshape(-1)[0]))
        above = self.unary(f"{output}/above", ops.Function.RELU, x)
        below = self.binary(f"{output}/below", ops.Arithmetic.MINIMUM, x, self.number(0.0))
        below = self.binary(f"{output}/slope", ops.Arithmetic.MUL, below, slope)
        return self.binary(output, ops.Arithmetic.ADD, above, below)

    def pool(
        self,
        output: str,
        function: ops.Pooling,
        x: Operand,
        *,
        window: Sequence[int],
        stride: Sequence[int],
        pads: Sequence[int],
        up: bool = False,
        counted: bool = False,
    ) -> Value:
        """``up``: the number of places is rounded up. ``counted``: averages are over the padding, too."""
        rank, image = len(x.shape), self.image(x)
        sizes, steps, edge = self.pair(window, "window"), self.pair(stride, "stride"), self.padding(pads)
        if counted and function is ops.Pooling.AVERAGE and edge != ops.Padding():
            image = self.pad(f"{output}/pad", image, (0, 0, edge.top, edge.left), (0, 0, edge.bottom, edge.right), 0.0)
            edge = ops.Padding()
        if up:
            bottom = _rest(image.shape[2], edge.top, edge.bottom, sizes[0], steps[0])
            right = _rest(image.shape[3], edge.left, edge.right, sizes[1], steps[1])
            edge = replace(edge, bottom=edge.bottom + bottom, right=edge.right + right)
        operator = ops.Pool2D(function, sizes, steps, edge)
        (name,) = self.emit(operator, [self.stored(image, channels_last(4))], output)
        return self.finished(name, self.logical(name), rank)

    def reduce(self, output: str, function: ops.Reduction, x: Value, axes: Sequence[int], keep: bool) -> Value:
        rank, order = len(x.shape), self.axes(x)
        gone = {self.axis(axis, rank) for axis in axes}
        places = tuple(i for i, axis in enumerate(order) if axis in gone)
        (name,) = self.emit(ops.Reduce(function, places, keep), [self.stored(x, order)], output)
        if keep:
            return value_of(name, [1 if i in gone else n for i, n in enumerate(x.shape)], order)
        left = [axis for axis in range(rank) if axis not in gone]
        return value_of(name, [x.shape[axis] for axis in left], [left.index(axis) for axis in order if axis not in gone])

    def axis(self, axis: int, rank: int) -> int:
        if not -rank <= axis < rank:
            raise Unsupported(f"its axis is {axis}, but the tensor has {rank} dimensions")
        return axis % rank

    def pad(self, output: str, x: Operand, before: Sequence[int], after: Sequence[int], value: float) -> Value:
        if isinstance(x, Constant) or len(before) != len(x.shape) or len(after) != len(x.shape):
            raise Unsupported(f"its paddings {tuple(before)}, {tuple(after)} do not go with {len(x.shape)} dimensions")
        axes = self.axes(x)
        operator = ops.Pad(tuple(before[a] for a in axes), tuple(after[a] for a in axes), value)
        (name,) = self.emit(operator, [self.stored(x, axes)], output)
        shape = [b + n + a for b, n, a in zip(before, x.shape, after, strict=True)]
        return value_of(name, shape, axes)

    def concatenation(self, output: str, parts: Sequence[Operand], axis: int) -> Value:
        first = max((x for x in parts if isinstance(x, Value)), key=lambda x: prod(x.shape))
        rank, axes = len(first.shape), self.axes(first)
        axis = self.axis(axis, rank)
        if any(len(x.shape) != rank for x in parts):
            raise Unsupported(f"it joins {', '.join(str(x.shape) for x in parts)}")
        operator = ops.Concatenation(axes.index(axis))
        (name,) = self.emit(operator, [self.stored(x, axes) for x in parts], output)
        shape = [sum(x.shape[axis] for x in parts) if i == axis else n for i, n in enumerate(first.shape)]
        return value_of(name, shape, axes)

    def split(self, outputs: Sequence[str], x: Value, axis: int, sizes: Sequence[int]) -> list[Value]:
        axes, axis = self.axes(x), self.axis(axis, len(x.shape))
        if not sizes or len(sizes) != len(outputs):
            raise Unsupported(f"it has {len(sizes)} sizes for {len(outputs)} outputs")
        names = self.emit(ops.Split(axes.index(axis), tuple(sizes)), [self.stored(x, axes)], *outputs)
        shapes = [[size if i == axis else n for i, n in enumerate(x.shape)] for size in sizes]
        return [value_of(name, shape, axes) for name, shape in zip(names, shapes, strict=True)]

    def cut(self, output: str, x: Value, ranges: Mapping[int, range]) -> Value:
        """The elements at ``ranges`` of some axes, and all of the others."""
        taken = [ranges.get(axis, range(size)) for axis, size in enumerate(x.shape)]
        if any(not r for r in taken):
            raise Unsupported("it takes no elements")
        shape = [len(r) for r in taken]
        if all(r == range(n) for r, n in zip(taken, x.shape, strict=True)):
            return x
        axes = self.axes(x)
        begin, size, step = (tuple(f(taken[a]) for a in axes) for f in (lambda r: r.start, len, lambda r: r.step))
        (name,) = self.emit(ops.Slice(begin, size, step), [self.stored(x, axes)], output)
        return value_of(name, shape, axes)

    def resize(self, output: str, x: Operand, rows: np.ndarray, columns: np.ndarray) -> Value:
        """Rows and columns of the input, as indices; Unsupported where no rule of ResizeNearest gives these."""
        rank, image = len(x.shape), self.image(x)
        size = self.pair((len(rows), len(columns)), "size")
        for corners, centers in ((False, False), (False, True), (True, False)):
            rules = [_nearest(n, m, corners, centers) for n, m in zip(image.shape[2:], size, strict=True)]
            if np.array_equal(rules[0], rows) and np.array_equal(rules[1], columns):
                operator = ops.ResizeNearest(size, corners, centers)
                (name,) = self.emit(operator, [self.stored(image, channels_last(4))], output)
                return self.finished(name, self.logical(name), rank)
        raise Unsupported(f"its rule of taking nearest elements from {image.shape[2:]} to {size} is not supported")

    def softmax(self, output: str, x: Value, axis: int) -> Value:
        axis = self.axis(axis, len(x.shape))
        axes = self.axes(x)
        axes = (*(a for a in axes if a != axis), axis)
        (name,) = self.emit(ops.Softmax(), [self.stored(x, axes)], output)
        return value_of(name, x.shape, axes)

    def normalized(self, output: str, x: Value, factor: np.ndarray, offset: np.ndarray) -> Value:
        """x * factor + offset for each channel (axis 1)."""
        if len(x.shape) < 2 or factor.shape != offset.shape or factor.shape != (x.shape[1],):
            raise Unsupported(f"it has {factor.shape} factors for an input of {x.shape}")
        if len(x.shape) in (3, 4):
            shape = (len(factor), 1, *(1,) * (len(x.shape) - 2))
            weights = Constant(f"{output}/factor", factor.reshape(shape))
            ones, zeros = (1,) * (len(x.shape) - 2), (0,) * 2 * (len(x.shape) - 2)
            bias = Constant(f"{output}/offset", offset)
            return self.conv(output, x, weights, bias, stride=ones, dilation=ones, pads=zeros, groups=len(factor))
        columns = (-1,) + (1,) * (len(x.shape) - 2)
        scaled = self.binary(f"{output}/scaled", ops.Arithmetic.MUL, x, Constant(f"{output}/factor", factor.reshape(columns)))
        return self.binary(output, ops.Arithmetic.ADD, scaled, Constant(f"{output}/offset", offset.reshape(columns)))

    # The whole

    def network(self, outputs: Mapping[str, Operand]) -> Network:
        """The network with these outputs, which are stored channels last where their axes are otherwise in order."""
        names: dict[str, str] = {}
        self.label = "output"
        for name, operand in outputs.items():
            axes = self.axes(operand) if isinstance(operand, Value) else tuple(range(len(operand.shape)))
            axes = axes if axes == channels_last(len(axes)) else tuple(range(len(axes)))
            stored = self.stored(operand, axes)
            if stored in self.inputs or stored in names or self.tensors[stored].data is not None:
                (stored,) = self.emit(ops.Reshape(self.tensors[stored].shape), [stored], name)
            names[stored] = name
        return self.renamed(names)

    def renamed(self, names: Mapping[str, str]) -> Network:
        """Layers and tensors that the outputs need, the outputs under their names."""
        new = dict(names)
        for old, wanted in names.items():
            if wanted in self.tensors and wanted != old:
                if wanted in self.inputs:
                    new[old] = self.fresh(wanted)
                else:
                    new[wanted] = self.fresh(wanted)
        needed, layers = set(names), []
        for layer in reversed(self.layers):
            if needed & set(layer.outputs):
                needed |= set(filter(None, (*layer.inputs, *layer.outputs)))
                layers.append(layer)
        layers = [
            replace(
                layer,
                inputs=tuple(new.get(n, n) for n in layer.inputs),
                outputs=tuple(new.get(n, n) for n in layer.outputs),
            )
            for layer in reversed(layers)
        ]
        kept = needed | set(self.inputs)
        tensors = {new.get(n, n): replace(t, name=new.get(n, n)) for n, t in self.tensors.items() if n in kept}
        self.annotations = {new.get(n, n): q for n, q in self.annotations.items()}
        return Network(self.name, tensors, tuple(layers), tuple(self.inputs), tuple(new[n] for n in names))


RECTIFIERS = {
    ops.Function.RELU: ops.Activation.RELU,
    ops.Function.RELU6: ops.Activation.RELU6,
    ops.Function.RELU_N1_TO_1: ops.Activation.RELU_N1_TO_1,
}


def _rest(size: int, before: int, after: int, window: int, stride: int) -> int:
    """What is to be added after for a last place that is not whole; it must begin inside."""
    total = size + before + after - window
    rest = -total % stride
    return rest if total + rest < size + before else 0


def _nearest(size: int, count: int, corners: bool, centers: bool) -> np.ndarray:
    """The index that ResizeNearest takes at each place (float32, as the kernels have it)."""
    step = np.float32(size - 1) / np.float32(count - 1) if corners and count > 1 else np.float32(size) / np.float32(count)
    at = (np.arange(count, dtype=np.float32) + np.float32(0.5 if centers else 0.0)) * step
    return np.clip(np.floor(at + np.float32(0.5)) if corners else np.floor(at), 0, size - 1).astype(np.int64)

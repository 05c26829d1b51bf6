"""Shape inference: a table from operators to the rule that gives the shapes of their outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from mcusim.network import operators as ops
from mcusim.network.network import Layer, Network, NetworkError

Shape = tuple[int, ...]
Shapes = Sequence[Shape | None]
"""Of a layer's inputs; None for an optional one that is left out."""


class ShapeMismatch(ValueError):
    """Shapes that an operator cannot work on; says which and why."""


def output_shapes(layer: Layer, shapes: Shapes) -> tuple[Shape, ...]:
    """Shapes of what a layer writes, from those of what it reads.

    Raises NetworkError, which names the layer and the shapes, for inputs that do not go together.
    """
    operator = layer.operator
    try:
        return RULES[type(operator)](operator, _Inputs(shapes))
    except ShapeMismatch as error:
        met = ", ".join("none" if shape is None else _text(shape) for shape in shapes)
        raise NetworkError(f"layer {layer.name} ({type(operator).__name__}): {error}; its inputs are {met}") from None


def check_shapes(network: Network) -> None:
    """NetworkError where a tensor of a network has another shape than its layer gives."""
    for layer in network.layers:
        inferred = output_shapes(layer, [None if t is None else t.shape for t in network.inputs_of(layer)])
        stated = tuple(t.shape for t in network.outputs_of(layer))
        if inferred != stated:
            raise NetworkError(
                f"{network.name}, layer {layer.name} ({type(layer.operator).__name__}): its outputs are said to be "
                f"{', '.join(map(_text, stated))}, but it gives {', '.join(map(_text, inferred))}"
            )


def same_padding(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """TensorFlow's SAME as elements before and after: ceil(size / stride) outputs, the odd element after."""
    span = (kernel - 1) * dilation + 1
    total = max(0, (-(-size // stride) - 1) * stride + span - size)
    return total // 2, total - total // 2


def _text(shape: Shape) -> str:
    return "x".join(map(str, shape)) or "scalar"


class _Inputs:
    """Shapes of a layer's inputs, asked for with what they must be."""

    def __init__(self, shapes: Shapes) -> None:
        self.shapes = shapes

    def __len__(self) -> int:
        return len(self.shapes)

    def of(self, index: int, what: str = "input", rank: int | None = None, least: int = 0) -> Shape:
        """Shape of an input that must be there, of ``rank`` or of ``least`` dimensions or more."""
        shape = self.shapes[index] if index < len(self.shapes) else None
        if shape is None:
            raise ShapeMismatch(f"needs its {what} (input {index})")
        if rank is not None and len(shape) != rank:
            raise ShapeMismatch(f"its {what} has {len(shape)} dimensions, not {rank}")
        if len(shape) < least:
            raise ShapeMismatch(f"its {what} has {len(shape)} dimensions, not {least} or more")
        return shape

    def bias(self, index: int, channels: int) -> None:
        shape = self.shapes[index] if index < len(self.shapes) else None
        if shape is not None and prod(shape) != channels:
            raise ShapeMismatch(f"its bias has {prod(shape)} values for {channels} outputs")


def _require(holds: bool, text: str) -> None:
    if not holds:
        raise ShapeMismatch(text)


def _extent(size: int, before: int, after: int, window: int, stride: int, dilation: int = 1) -> int:
    """Places of a window along an axis."""
    _require(stride > 0 and dilation > 0 and window > 0, "a window, stride or dilation is not positive")
    _require(before >= 0 and after >= 0, "a padding is negative")
    span = (window - 1) * dilation + 1
    _require(size + before + after >= span, f"a window of {span} does not fit into {size} and {before + after} of padding")
    return (size + before + after - span) // stride + 1


def _window(shape: Shape, window: ops.Pair, operator: Any, dilation: ops.Pair = (1, 1)) -> tuple[int, int]:
    pad = operator.padding
    return (
        _extent(shape[1], pad.top, pad.bottom, window[0], operator.stride[0], dilation[0]),
        _extent(shape[2], pad.left, pad.right, window[1], operator.stride[1], dilation[1]),
    )


def _conv(operator: ops.Conv2D, inputs: _Inputs) -> tuple[Shape, ...]:
    x, (channels, *window, depth) = inputs.of(0, rank=4), inputs.of(1, "filter", rank=4)
    _require(depth > 0 and x[3] % depth == 0, f"its input has {x[3]} channels, no multiple of the filter's {depth}")
    groups = x[3] // depth
    _require(groups > 0 and channels % groups == 0, f"{channels} output channels do not divide into {groups} groups")
    inputs.bias(2, channels)
    return ((x[0], *_window(x, (window[0], window[1]), operator, operator.dilation), channels),)


def _depthwise(operator: ops.DepthwiseConv2D, inputs: _Inputs) -> tuple[Shape, ...]:
    x, (one, *window, channels) = inputs.of(0, rank=4), inputs.of(1, "filter", rank=4)
    _require(one == 1, f"its filter begins with {one}, not 1")
    _require(
        channels == x[3] * operator.multiplier,
        f"its filter has {channels} channels, not {x[3]} of the input times the multiplier {operator.multiplier}",
    )
    inputs.bias(2, channels)
    return ((x[0], *_window(x, (window[0], window[1]), operator, operator.dilation), channels),)


def _transpose_conv(operator: ops.TransposeConv2D, inputs: _Inputs) -> tuple[Shape, ...]:
    x, (channels, height, width, depth) = inputs.of(0, rank=4), inputs.of(1, "filter", rank=4)
    _require(depth == x[3], f"its input has {x[3]} channels, its filter {depth}")
    out = operator.output_size
    there = _window((x[0], *out, channels), (height, width), operator)
    _require(there == (x[1], x[2]), f"an output of {out[0]}x{out[1]} goes with an input of {there[0]}x{there[1]}")
    inputs.bias(2, channels)
    return ((x[0], *out, channels),)


def _fully_connected(operator: ops.FullyConnected, inputs: _Inputs) -> tuple[Shape, ...]:
    x, (channels, depth) = inputs.of(0), inputs.of(1, "filter", rank=2)
    inputs.bias(2, channels)
    if operator.keep_dimensions:
        _require(bool(x) and x[-1] == depth, f"its filter takes {depth} values, its input's last dimension is no such number")
        return ((*x[:-1], channels),)
    _require(depth > 0 and prod(x) % depth == 0, f"{prod(x)} values are no multiple of the filter's {depth}")
    return ((prod(x) // depth, channels),)


def broadcast(left: Shape, right: Shape) -> Shape:
    """The shape that both are stretched to; ShapeMismatch where a dimension differs and is not 1."""
    rank = max(len(left), len(right))
    pairs = list(zip((1,) * (rank - len(left)) + left, (1,) * (rank - len(right)) + right, strict=True))
    for a, b in pairs:
        _require(a == b or 1 in (a, b), f"{_text(left)} and {_text(right)} do not broadcast")
    return tuple(b if a == 1 else a for a, b in pairs)


def _binary(_: ops.Binary, inputs: _Inputs) -> tuple[Shape, ...]:
    return (broadcast(inputs.of(0, "left side"), inputs.of(1, "right side")),)


def _same(_: Any, inputs: _Inputs) -> tuple[Shape, ...]:
    return (inputs.of(0),)


def _softmax(_: ops.Softmax, inputs: _Inputs) -> tuple[Shape, ...]:
    return (inputs.of(0, least=1),)


def _pool(operator: ops.Pool2D, inputs: _Inputs) -> tuple[Shape, ...]:
    x = inputs.of(0, rank=4)
    pad, (height, width) = operator.padding, operator.window
    _require(max(pad.top, pad.bottom) < height and max(pad.left, pad.right) < width, "a window would lie in the padding alone")
    return ((x[0], *_window(x, operator.window, operator), x[3]),)


def _axes(axes: tuple[int, ...], rank: int) -> None:
    _require(all(0 <= axis < rank for axis in axes), f"axes {axes} are not all of 0 to {rank - 1}")


def _reduce(operator: ops.Reduce, inputs: _Inputs) -> tuple[Shape, ...]:
    x = inputs.of(0)
    _axes(operator.axes, len(x))
    if operator.keep_dimensions:
        return (tuple(1 if axis in operator.axes else size for axis, size in enumerate(x)),)
    return (tuple(size for axis, size in enumerate(x) if axis not in operator.axes),)


def _pad(operator: ops.Pad, inputs: _Inputs) -> tuple[Shape, ...]:
    x = inputs.of(0, rank=len(operator.before))
    _require(len(operator.after) == len(x), "its paddings before and after differ in number")
    _require(min((*operator.before, *operator.after), default=0) >= 0, "a padding is negative")
    return (tuple(a + size + b for a, size, b in zip(operator.before, x, operator.after, strict=True)),)


def _concatenation(operator: ops.Concatenation, inputs: _Inputs) -> tuple[Shape, ...]:
    first = inputs.of(0)
    _axes((operator.axis,), len(first))
    shapes = [inputs.of(i, rank=len(first)) for i in range(len(inputs))]
    for shape in shapes:
        _require(
            all(a == b for i, (a, b) in enumerate(zip(first, shape, strict=True)) if i != operator.axis),
            f"{_text(first)} and {_text(shape)} differ in more than axis {operator.axis}",
        )
    joined = sum(shape[operator.axis] for shape in shapes)
    return ((*first[: operator.axis], joined, *first[operator.axis + 1 :]),)


def _reshape(operator: ops.Reshape, inputs: _Inputs) -> tuple[Shape, ...]:
    x = inputs.of(0)
    _require(prod(x) == prod(operator.shape), f"{prod(x)} elements do not fill {_text(operator.shape)}")
    return (operator.shape,)


def _split(operator: ops.Split, inputs: _Inputs) -> tuple[Shape, ...]:
    x = inputs.of(0)
    _axes((operator.axis,), len(x))
    _require(min(operator.sizes) >= 0, "the length of a part is negative")
    _require(sum(operator.sizes) == x[operator.axis], f"parts of {operator.sizes} do not make up {x[operator.axis]}")
    return tuple((*x[: operator.axis], size, *x[operator.axis + 1 :]) for size in operator.sizes)


def _slice(operator: ops.Slice, inputs: _Inputs) -> tuple[Shape, ...]:
    x = inputs.of(0, rank=len(operator.begin))
    _require(len(operator.size) == len(operator.stride) == len(x), "its begins, sizes and strides differ in number")
    for length, begin, size, stride in zip(x, operator.begin, operator.size, operator.stride, strict=True):
        last = begin + (size - 1) * stride
        _require(
            stride != 0 and (size == 0 or (size > 0 and 0 <= begin < length and 0 <= last < length)),
            f"elements {begin} to {last} by {stride} are not all of 0 to {length - 1}",
        )
    return (operator.size,)


def _transpose(operator: ops.Transpose, inputs: _Inputs) -> tuple[Shape, ...]:
    x = inputs.of(0, rank=len(operator.permutation))
    _require(sorted(operator.permutation) == list(range(len(x))), f"{operator.permutation} is no order of the axes")
    return (tuple(x[axis] for axis in operator.permutation),)


def _resize(operator: ops.ResizeNearest, inputs: _Inputs) -> tuple[Shape, ...]:
    x = inputs.of(0, rank=4)
    _require(min(*operator.size, x[1], x[2]) > 0, f"{x[1]}x{x[2]} cannot be resized to {operator.size[0]}x{operator.size[1]}")
    return ((x[0], *operator.size, x[3]),)


def _matmul(operator: ops.BatchMatMul, inputs: _Inputs) -> tuple[Shape, ...]:
    left, right = inputs.of(0, "left side", least=2), inputs.of(1, "right side", least=2)
    m, k = left[-2:][:: -1 if operator.transpose_left else 1]
    k2, n = right[-2:][:: -1 if operator.transpose_right else 1]
    _require(k == k2, f"rows of {k} meet columns of {k2}")
    return ((*broadcast(left[:-2], right[:-2]), m, n),)


def _svdf(operator: ops.Svdf, inputs: _Inputs) -> tuple[Shape, ...]:
    x, feature = inputs.of(0, rank=2), inputs.of(1, "feature weights", rank=2)
    time, state = inputs.of(2, "time weights", rank=2), inputs.of(4, "state", rank=2)
    filters, rank = feature[0], operator.rank
    _require(rank > 0 and filters % rank == 0, f"{filters} filters do not divide by the rank {rank}")
    _require(feature[1] == x[1], f"its feature weights take {feature[1]} values, its input has {x[1]}")
    _require(time[0] == filters, f"it has {time[0]} rows of time weights for {filters} filters")
    _require(state == (x[0], filters * time[1]), f"its state is {_text(state)}, not {x[0]}x{filters * time[1]}")
    inputs.bias(3, filters // rank)
    return ((x[0], filters // rank),)


def _lstm(operator: ops.UnidirectionalLstm, inputs: _Inputs) -> tuple[Shape, ...]:
    x, weights = inputs.of(0, rank=3), inputs.of(2, "input-to-forget weights", rank=2)
    recurrent = inputs.of(6, "recurrent-to-forget weights", rank=2)
    batch, cells, hidden = x[1 if operator.time_major else 0], weights[0], recurrent[1]
    expected: dict[int, Shape] = dict.fromkeys(range(1, 5), (cells, x[2]))
    expected |= dict.fromkeys(range(5, 9), (cells, hidden))
    expected |= dict.fromkeys((*range(9, 16), *range(20, 24)), (cells,))
    expected |= {16: (hidden, cells), 17: (hidden,), 18: (batch, hidden), 19: (batch, cells)}
    for index, shape in expected.items():
        met = inputs.shapes[index] if index < len(inputs) else None
        _require(met is None or met == shape, f"its input {index} is {_text(met or ())}, not {_text(shape)}")
    for index in (*range(2, 5), *range(6, 9), *range(13, 16), 18, 19):
        inputs.of(index, "weights, biases or state")
    _require((inputs.shapes[1] is None) == (inputs.shapes[5] is None), "its input gate lacks one of its two weights")
    _require(len(inputs) > 16 and (inputs.shapes[16] is not None or hidden == cells), "hidden state and cells differ in number")
    return ((x[0], x[1], hidden),)


RULES: dict[type, Callable[[Any, _Inputs], tuple[Shape, ...]]] = {
    ops.Conv2D: _conv,
    ops.DepthwiseConv2D: _depthwise,
    ops.TransposeConv2D: _transpose_conv,
    ops.FullyConnected: _fully_connected,
    ops.Binary: _binary,
    ops.Unary: _same,
    ops.Pool2D: _pool,
    ops.Reduce: _reduce,
    ops.Pad: _pad,
    ops.Concatenation: _concatenation,
    ops.Reshape: _reshape,
    ops.Split: _split,
    ops.Slice: _slice,
    ops.Transpose: _transpose,
    ops.ResizeNearest: _resize,
    ops.Softmax: _softmax,
    ops.Quantize: _same,
    ops.Dequantize: _same,
    ops.BatchMatMul: _matmul,
    ops.Svdf: _svdf,
    ops.UnidirectionalLstm: _lstm,
}
"""Rule of each operator: (operator, shapes of its inputs) -> shapes of its outputs; raises ShapeMismatch."""

"""What each builtin operator of TensorFlow Lite becomes: a table from names to layers, and one of what can be folded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
import tflite

from mcusim.network import operators as ops
from mcusim.network.shapes import same_padding
from mcusim.network.tensor import ElementType, Tensor
from mcusim.network.tflite_file import Node


class Unsupported(Exception):
    """What a node asks for and is not supported, or what is wrong with it; the importer says which node."""


@dataclass(frozen=True, slots=True)
class Step:
    """A layer to be: a node becomes one, or several in turn."""

    operator: ops.Operator
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]


@dataclass(frozen=True, slots=True)
class View:
    """A node with its tensors, asked for with what they must be."""

    node: Node
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    intermediates: tuple[Tensor | None, ...]
    taken: set[str]

    def fresh(self, suffix: str, output: int = 0) -> str:
        """A name for a tensor that the file does not have."""
        name = f"{self.outputs[output].name}/{suffix}"
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def input(self, index: int) -> Tensor:
        tensor = self.optional(index)
        if tensor is None:
            raise Unsupported(f"its input {index} is left out")
        return tensor

    def optional(self, index: int) -> Tensor | None:
        return self.inputs[index] if index < len(self.inputs) else None

    def image(self, index: int, what: str = "input") -> Tensor:
        """An input of four dimensions."""
        tensor = self.input(index)
        if len(tensor.shape) != 4:
            raise Unsupported(f"its {what} has {len(tensor.shape)} dimensions, not 4")
        return tensor

    def constant(self, index: int, what: str) -> np.ndarray:
        """Values of an input that must be known."""
        tensor = self.input(index)
        if tensor.data is None or tensor.variable:
            raise Unsupported(f"its {what} ({tensor.name!r}) is not constant; dynamic shapes are not supported")
        return tensor.data

    def whole(self, index: int, what: str, most: int = 64) -> tuple[int, ...]:
        """A short constant of whole numbers, flat."""
        data = self.constant(index, what)
        if data.size > most or data.dtype.kind not in "iu":
            raise Unsupported(f"its {what} is {data.size} values of {data.dtype}, not up to {most} whole numbers")
        return tuple(int(value) for value in data.reshape(-1))

    def options(self, kind: Any) -> Any:
        options = self.node.options(kind)
        if options is None:
            raise Unsupported(f"its options ({kind.__name__}) are missing")
        return options

    def step(self, operator: ops.Operator, *inputs: Tensor | None) -> list[Step]:
        """The node as one layer."""
        return [Step(operator, inputs, self.outputs)]

    def axis(self, value: int, rank: int) -> int:
        """An axis, counted from the front."""
        if not -rank <= value < rank:
            raise Unsupported(f"its axis is {value}, but the tensor has {rank} dimensions")
        return value % rank


ACTIVATIONS = {
    tflite.ActivationFunctionType.NONE: ops.Activation.NONE,
    tflite.ActivationFunctionType.RELU: ops.Activation.RELU,
    tflite.ActivationFunctionType.RELU_N1_TO_1: ops.Activation.RELU_N1_TO_1,
    tflite.ActivationFunctionType.RELU6: ops.Activation.RELU6,
}
_ACTIVATION_NAMES = {value: name for name, value in vars(tflite.ActivationFunctionType).items() if isinstance(value, int)}


def _activation(options: Any) -> ops.Activation:
    code = options.FusedActivationFunction()
    if code not in ACTIVATIONS:
        raise Unsupported(f"its fused activation {_ACTIVATION_NAMES.get(code, code)} is not supported")
    return ACTIVATIONS[code]


MAX_STEP = 4096
"""Windows, strides and dilations beyond are those of damaged files."""


def _pair(height: int, width: int, what: str) -> ops.Pair:
    if not (0 < height <= MAX_STEP and 0 < width <= MAX_STEP):
        raise Unsupported(f"its {what} is {height}x{width}; allowed is 1 to {MAX_STEP} each way")
    return height, width


def _padding(code: int, size: Sequence[int], window: ops.Pair, stride: ops.Pair, dilation: ops.Pair = (1, 1)) -> ops.Padding:
    if code == tflite.Padding.VALID:
        return ops.Padding()
    if code != tflite.Padding.SAME:
        raise Unsupported(f"its padding is of kind {code}; SAME and VALID are supported")
    top, bottom = same_padding(size[0], window[0], stride[0], dilation[0])
    left, right = same_padding(size[1], window[1], stride[1], dilation[1])
    return ops.Padding(top, bottom, left, right)


def _unhybrid(view: View, data: Tensor, weights: Tensor) -> None:
    """Float activations with integer weights are computed in a way of their own, which is not supported."""
    if (data.type is ElementType.FLOAT32) != (weights.type is ElementType.FLOAT32):
        raise Unsupported(
            f"its input is {data.type.value} and its weights are {weights.type.value} (dynamic-range quantisation); "
            "quantise activations too, or neither"
        )


def _bias(view: View, index: int, options: Any, outputs: int) -> Tensor | None:
    """The bias; zeros where the options ask for accumulators of 32 bits, which the type of a bias says here."""
    bias = view.optional(index)
    if bias is not None or view.outputs[0].type is not ElementType.INT16:
        return bias
    if options.QuantizedBiasType() != tflite.TensorType.INT32:
        return None
    zeros = np.zeros(outputs, np.int32)
    zeros.flags.writeable = False
    return Tensor(view.fresh("bias"), (outputs,), ElementType.INT32, data=zeros)


def _conv(view: View) -> list[Step]:
    options = view.options(tflite.Conv2DOptions)
    x, weights = view.image(0), view.image(1, "filter")
    _unhybrid(view, x, weights)
    window = _pair(weights.shape[1], weights.shape[2], "filter")
    stride = _pair(options.StrideH(), options.StrideW(), "stride")
    dilation = _pair(options.DilationHFactor(), options.DilationWFactor(), "dilation")
    padding = _padding(options.Padding(), x.shape[1:3], window, stride, dilation)
    bias = _bias(view, 2, options, weights.shape[0])
    return view.step(ops.Conv2D(stride, dilation, padding, _activation(options)), x, weights, bias)


def _depthwise(view: View) -> list[Step]:
    options = view.options(tflite.DepthwiseConv2DOptions)
    x, weights = view.image(0), view.image(1, "filter")
    _unhybrid(view, x, weights)
    window = _pair(weights.shape[1], weights.shape[2], "filter")
    stride = _pair(options.StrideH(), options.StrideW(), "stride")
    dilation = _pair(options.DilationHFactor(), options.DilationWFactor(), "dilation")
    padding = _padding(options.Padding(), x.shape[1:3], window, stride, dilation)
    multiplier = weights.shape[3] // max(x.shape[3], 1)
    operator = ops.DepthwiseConv2D(stride, dilation, padding, multiplier, _activation(options))
    return view.step(operator, x, weights, view.optional(2))


def _transpose_conv(view: View) -> list[Step]:
    options = view.options(tflite.TransposeConvOptions)
    weights, x = view.image(1, "filter"), view.image(2)
    _unhybrid(view, x, weights)
    shape = view.whole(0, "output shape")
    if len(shape) != 4 or shape[0] != x.shape[0] or shape[3] != weights.shape[0]:
        raise Unsupported(f"its output shape {shape} does not go with its input {x.shape} and filter {weights.shape}")
    size = _pair(shape[1], shape[2], "output")
    stride = _pair(options.StrideH(), options.StrideW(), "stride")
    padding = _padding(options.Padding(), size, (weights.shape[1], weights.shape[2]), stride)
    bias = _bias(view, 3, options, weights.shape[0])
    return view.step(ops.TransposeConv2D(stride, padding, size, _activation(options)), x, weights, bias)


def _fully_connected(view: View) -> list[Step]:
    options = view.options(tflite.FullyConnectedOptions)
    if options.WeightsFormat() != tflite.FullyConnectedOptionsWeightsFormat.DEFAULT:
        raise Unsupported("its weights are shuffled; the default format is supported")
    x, weights = view.input(0), view.input(1)
    _unhybrid(view, x, weights)
    operator = ops.FullyConnected(_activation(options), bool(options.KeepNumDims()))
    return view.step(operator, x, weights, _bias(view, 2, options, weights.shape[0] if weights.shape else 0))


def _pool(function: ops.Pooling) -> Callable[[View], list[Step]]:
    def translate(view: View) -> list[Step]:
        options = view.options(tflite.Pool2DOptions)
        x = view.image(0)
        window = _pair(options.FilterHeight(), options.FilterWidth(), "window")
        stride = _pair(options.StrideH(), options.StrideW(), "stride")
        padding = _padding(options.Padding(), x.shape[1:3], window, stride)
        return view.step(ops.Pool2D(function, window, stride, padding, _activation(options)), x)

    return translate


def _power_of_two(tensor: Tensor) -> bool:
    logarithm = float(np.log2(tensor.quantization.scale)) if tensor.quantization else 0.5
    return abs(logarithm - round(logarithm)) < 2e-3


def _binary(function: ops.Arithmetic, kind: Any = None) -> Callable[[View], list[Step]]:
    def translate(view: View) -> list[Step]:
        options = view.node.options(kind) if kind else None
        left, right = view.input(0), view.input(1)
        if left.type is not right.type or left.type is not view.outputs[0].type:
            raise Unsupported(f"it joins {left.type.value} and {right.type.value} to {view.outputs[0].type.value}")
        pot = options is not None and hasattr(options, "PotScaleInt16") and options.PotScaleInt16()
        if pot and left.type is ElementType.INT16 and all(map(_power_of_two, (left, right, *view.outputs))):
            raise Unsupported("its flag pot_scale_int16 asks for the old arithmetic of 16 bit sums, which is not supported")
        return view.step(ops.Binary(function, _activation(options) if options else ops.Activation.NONE), left, right)

    return translate


def _unary(function: ops.Function) -> Callable[[View], list[Step]]:
    return lambda view: view.step(ops.Unary(function), view.input(0))


def _leaky_relu(view: View) -> list[Step]:
    alpha = view.options(tflite.LeakyReluOptions).Alpha()
    return view.step(ops.Unary(ops.Function.LEAKY_RELU, alpha), view.input(0))


def _softmax(view: View) -> list[Step]:
    return view.step(ops.Softmax(view.options(tflite.SoftmaxOptions).Beta()), view.input(0))


def _reduce(function: ops.Reduction) -> Callable[[View], list[Step]]:
    def translate(view: View) -> list[Step]:
        x = view.input(0)
        axes = {view.axis(axis, len(x.shape)) for axis in view.whole(1, "axes")}
        keep = bool(view.options(tflite.ReducerOptions).KeepDims())
        return view.step(ops.Reduce(function, tuple(sorted(axes)), keep), x)

    return translate


def _pad(view: View) -> list[Step]:
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


def _concatenation(view: View) -> list[Step]:
    options = view.options(tflite.ConcatenationOptions)
    inputs = [view.input(i) for i in range(len(view.inputs))]
    if not inputs:
        raise Unsupported("it has no inputs")
    axis = view.axis(options.Axis(), len(inputs[0].shape))
    return view.step(ops.Concatenation(axis, _activation(options)), *inputs)


def _filled(shape: Sequence[int], elements: int) -> tuple[int, ...]:
    """A shape whose one -1 becomes what makes it hold ``elements``."""
    rest = prod(size for size in shape if size != -1)
    if list(shape).count(-1) > 1 or min(shape, default=0) < -1:
        raise Unsupported(f"its new shape is {tuple(shape)}")
    if -1 in shape and (rest == 0 or elements % rest):
        raise Unsupported(f"its new shape is {tuple(shape)}, its input has {elements} elements")
    return tuple(elements // rest if size == -1 else size for size in shape)


def _reshape(view: View) -> list[Step]:
    """The new shape comes from the second input, else from the options, as in the interpreter."""
    x = view.input(0)
    if view.optional(1) is not None and len(view.input(1).shape) == 1:
        shape: Sequence[int] = view.whole(1, "new shape", 8)
    else:
        options = view.options(tflite.ReshapeOptions)
        shape = options.NewShapeAsNumpy().tolist() if 0 < options.NewShapeLength() <= 8 else []
        shape = [] if list(shape) == [0] else shape
    return view.step(ops.Reshape(_filled(shape, x.elements)), x)


def _squeezed(view: View) -> tuple[int, ...]:
    shape = view.input(0).shape
    options = view.node.options(tflite.SqueezeOptions)
    count = options.SqueezeDimsLength() if options else 0
    if count > 8:
        raise Unsupported(f"it squeezes {count} dimensions")
    axes = [view.axis(axis, len(shape)) for axis in (options.SqueezeDimsAsNumpy().tolist() if count else [])]
    if any(shape[axis] != 1 for axis in axes):
        raise Unsupported(f"it squeezes axes {axes} of {shape}, which are not all 1")
    axes = axes or [axis for axis, size in enumerate(shape) if size == 1]
    return tuple(size for axis, size in enumerate(shape) if axis not in axes)


def _expanded(view: View) -> tuple[int, ...]:
    shape = view.input(0).shape
    (axis,) = view.whole(1, "axis", 1) or (0,)
    axis = view.axis(axis, len(shape) + 1)
    return (*shape[:axis], 1, *shape[axis:])


def _reshaped(shape: Callable[[View], tuple[int, ...]]) -> Callable[[View], list[Step]]:
    return lambda view: view.step(ops.Reshape(shape(view)), view.input(0))


def _split(view: View) -> list[Step]:
    x = view.input(1)
    (axis,) = view.whole(0, "axis", 1)
    axis = view.axis(axis, len(x.shape))
    parts = len(view.outputs)
    if x.shape[axis] % parts:
        raise Unsupported(f"it splits {x.shape[axis]} elements into {parts} equal parts")
    return view.step(ops.Split(axis, (x.shape[axis] // parts,) * parts), x)


def _split_v(view: View) -> list[Step]:
    x = view.input(0)
    (axis,) = view.whole(2, "axis", 1)
    axis = view.axis(axis, len(x.shape))
    sizes = view.whole(1, "sizes", 4096)
    if len(sizes) != len(view.outputs):
        raise Unsupported(f"it has {len(sizes)} sizes for {len(view.outputs)} outputs")
    return view.step(ops.Split(axis, _filled_sum(sizes, x.shape[axis])), x)


def _filled_sum(sizes: tuple[int, ...], total: int) -> tuple[int, ...]:
    rest = total - sum(size for size in sizes if size != -1)
    if sizes.count(-1) > 1 or rest < 0:
        raise Unsupported(f"its parts are {sizes} of {total} elements")
    return tuple(rest if size == -1 else size for size in sizes)


def _slice(view: View) -> list[Step]:
    x = view.input(0)
    begin, size = view.whole(1, "begin"), view.whole(2, "size")
    if not len(begin) == len(size) == len(x.shape):
        raise Unsupported(f"it has {len(begin)} begins and {len(size)} sizes for {len(x.shape)} dimensions")
    sizes = tuple(length - first if n == -1 else n for length, first, n in zip(x.shape, begin, size, strict=True))
    return view.step(ops.Slice(begin, sizes, (1,) * len(begin)), x)


@dataclass(frozen=True, slots=True)
class _Cut:
    """What STRIDED_SLICE takes: an operator on the input's axes, then the shape that remains."""

    slice: ops.Slice
    shape: tuple[int, ...]


def _strided(view: View, shape: tuple[int, ...]) -> _Cut:
    """STRIDED_SLICE with its masks; an ellipsis and axes that are added are not supported."""
    options = view.options(tflite.StridedSliceOptions)
    if options.EllipsisMask() or options.NewAxisMask() or options.Offset():
        raise Unsupported("an ellipsis, new axes or offsets in a strided slice are not supported")
    begin, end, stride = (view.whole(i, name, 8) for i, name in ((1, "begin"), (2, "end"), (3, "strides")))
    if not len(begin) == len(end) == len(stride) <= len(shape) or 0 in stride:
        raise Unsupported(f"its begin {begin}, end {end} and strides {stride} do not go with {len(shape)} dimensions")
    begins, sizes, strides, kept = list((0,) * len(shape)), list(shape), list((1,) * len(shape)), list(shape)
    for axis, step in enumerate(stride):
        shrink = options.ShrinkAxisMask() >> axis & 1
        low = None if options.BeginMask() >> axis & 1 else begin[axis]
        high = None if options.EndMask() >> axis & 1 else end[axis]
        if shrink and step < 0:
            raise Unsupported(f"it takes a single element with the stride {step}")
        if shrink:
            first, size = _wrapped(begin[axis] if low is not None else 0, shape[axis]), 1
        else:
            taken = range(*slice(low, high, step).indices(shape[axis]))
            first, size = (taken.start if taken else 0), len(taken)
        begins[axis], sizes[axis], strides[axis] = first, size, 1 if shrink else step
        kept[axis] = -1 if shrink else size
    return _Cut(ops.Slice(tuple(begins), tuple(sizes), tuple(strides)), tuple(size for size in kept if size != -1))


def _wrapped(index: int, size: int) -> int:
    if not -size <= index < size:
        raise Unsupported(f"it takes element {index} of {size}")
    return index % size


def _strided_slice(view: View) -> list[Step]:
    x = view.input(0)
    cut = _strided(view, x.shape)
    if cut.shape == cut.slice.size:
        return view.step(cut.slice, x)
    between = replace(view.outputs[0], name=view.fresh("slice"), shape=cut.slice.size)
    return [Step(cut.slice, (x,), (between,)), Step(ops.Reshape(cut.shape), (between,), view.outputs)]


def _transpose(view: View) -> list[Step]:
    x = view.input(0)
    order = tuple(view.axis(axis, len(x.shape)) for axis in view.whole(1, "permutation"))
    return view.step(ops.Transpose(order), x)


def _resize(view: View) -> list[Step]:
    options = view.options(tflite.ResizeNearestNeighborOptions)
    size = view.whole(1, "size", 2)
    if len(size) != 2:
        raise Unsupported(f"its size is {size}")
    pair = _pair(size[0], size[1], "size")
    return view.step(ops.ResizeNearest(pair, bool(options.AlignCorners()), bool(options.HalfPixelCenters())), view.image(0))


def _matmul(view: View) -> list[Step]:
    options = view.options(tflite.BatchMatMulOptions)
    _unhybrid(view, view.input(0), view.input(1))
    return view.step(ops.BatchMatMul(bool(options.AdjX()), bool(options.AdjY())), view.input(0), view.input(1))


def _svdf(view: View) -> list[Step]:
    options = view.options(tflite.SVDFOptions)
    x, feature, time, state = view.input(0), view.input(1), view.input(2), view.input(4)
    _unhybrid(view, x, feature)
    _stateful(state)
    return view.step(ops.Svdf(options.Rank(), _activation(options)), x, feature, time, view.optional(3), state)


def _stateful(state: Tensor) -> None:
    if not state.variable:
        raise Unsupported(f"its state {state.name!r} is no variable")


def _lstm(view: View) -> list[Step]:
    options = view.options(tflite.UnidirectionalSequenceLSTMOptions)
    if options.FusedActivationFunction() != tflite.ActivationFunctionType.TANH:
        raise Unsupported("its cell's activation is not TANH")
    if options.DiagonalRecurrentTensors():
        raise Unsupported("diagonal recurrent weights are not supported")
    inputs = tuple(view.optional(i) for i in range(24))
    _unhybrid(view, view.input(0), view.input(2))
    _stateful(view.input(18))
    _stateful(view.input(19))
    scales = tuple(None if t is None else t.quantization for t in view.intermediates)
    operator = ops.UnidirectionalLstm(bool(options.TimeMajor()), options.CellClip(), options.ProjClip(), scales)
    return view.step(operator, *inputs)


def _quantize(view: View) -> list[Step]:
    if view.outputs[0].quantization is None:
        raise Unsupported("its output has no quantisation")
    return view.step(ops.Quantize(), view.input(0))


def _dequantize(view: View) -> list[Step]:
    if view.input(0).quantization is None:
        raise Unsupported("its input has no quantisation")
    return view.step(ops.Dequantize(), view.input(0))


def _pack(view: View) -> list[Step]:
    """Each input gets an axis of length 1, along which they are joined."""
    options = view.options(tflite.PackOptions)
    inputs = [view.input(i) for i in range(len(view.inputs))]
    axis = view.axis(options.Axis(), len(inputs[0].shape) + 1)
    steps, parts = [], []
    for number, x in enumerate(inputs):
        shape = (*x.shape[:axis], 1, *x.shape[axis:])
        part = replace(x, name=view.fresh(f"part_{number}"), shape=shape, data=None, variable=False)
        steps.append(Step(ops.Reshape(shape), (x,), (part,)))
        parts.append(part)
    return [*steps, Step(ops.Concatenation(axis), tuple(parts), view.outputs)]


def _unpack(view: View) -> list[Step]:
    """Parts of length 1 along an axis, which is then left out."""
    x = view.input(0)
    axis = view.axis(view.options(tflite.UnpackOptions).Axis(), len(x.shape))
    if len(view.outputs) != x.shape[axis]:
        raise Unsupported(f"it has {len(view.outputs)} outputs for {x.shape[axis]} elements")
    shape = (*x.shape[:axis], *x.shape[axis + 1 :])
    part = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    parts = [replace(t, name=view.fresh("part", i), shape=part) for i, t in enumerate(view.outputs)]
    reshapes = [Step(ops.Reshape(shape), (p,), (output,)) for p, output in zip(parts, view.outputs, strict=True)]
    return [Step(ops.Split(axis, (1,) * len(parts)), (x,), tuple(parts)), *reshapes]


TRANSLATIONS: dict[str, Callable[[View], list[Step]]] = {
    "ADD": _binary(ops.Arithmetic.ADD, tflite.AddOptions),
    "AVERAGE_POOL_2D": _pool(ops.Pooling.AVERAGE),
    "BATCH_MATMUL": _matmul,
    "CONCATENATION": _concatenation,
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "DEQUANTIZE": _dequantize,
    "EXPAND_DIMS": _reshaped(_expanded),
    "FULLY_CONNECTED": _fully_connected,
    "HARD_SWISH": _unary(ops.Function.HARD_SWISH),
    "LEAKY_RELU": _leaky_relu,
    "LOGISTIC": _unary(ops.Function.LOGISTIC),
    "MAXIMUM": _binary(ops.Arithmetic.MAXIMUM),
    "MAX_POOL_2D": _pool(ops.Pooling.MAX),
    "MEAN": _reduce(ops.Reduction.MEAN),
    "MINIMUM": _binary(ops.Arithmetic.MINIMUM),
    "MUL": _binary(ops.Arithmetic.MUL, tflite.MulOptions),
    "PACK": _pack,
    "PAD": _pad,
    "PADV2": _pad,
    "QUANTIZE": _quantize,
    "REDUCE_MAX": _reduce(ops.Reduction.MAX),
    "REDUCE_MIN": _reduce(ops.Reduction.MIN),
    "RELU": _unary(ops.Function.RELU),
    "RELU6": _unary(ops.Function.RELU6),
    "RELU_N1_TO_1": _unary(ops.Function.RELU_N1_TO_1),
    "RESHAPE": _reshape,
    "RESIZE_NEAREST_NEIGHBOR": _resize,
    "SLICE": _slice,
    "SOFTMAX": _softmax,
    "SPLIT": _split,
    "SPLIT_V": _split_v,
    "SQUEEZE": _reshaped(_squeezed),
    "STRIDED_SLICE": _strided_slice,
    "SUB": _binary(ops.Arithmetic.SUB, tflite.SubOptions),
    "SUM": _reduce(ops.Reduction.SUM),
    "SVDF": _svdf,
    "TANH": _unary(ops.Function.TANH),
    "TRANSPOSE": _transpose,
    "TRANSPOSE_CONV": _transpose_conv,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm,
    "UNPACK": _unpack,
}
"""Layers that each operator becomes."""


@dataclass(frozen=True, slots=True)
class Fold:
    """The value of an operator whose inputs are constants, or of which only the shapes matter."""

    value: Callable[[View], np.ndarray]
    needs_shapes_only: bool = False


def _folded_cut(view: View) -> np.ndarray:
    data = view.constant(0, "input")
    cut = _strided(view, data.shape)
    index = [
        [first + i * step for i in range(size)]
        for first, size, step in zip(cut.slice.begin, cut.slice.size, cut.slice.stride, strict=True)
    ]
    return data[np.ix_(*index)].reshape(cut.shape)


def _folded_pack(view: View) -> np.ndarray:
    axis = view.axis(view.options(tflite.PackOptions).Axis(), len(view.input(0).shape) + 1)
    if sum(view.input(i).elements for i in range(len(view.inputs))) > 4096:
        raise Unsupported("it packs more than 4096 constant elements")
    return np.stack([view.constant(i, "input") for i in range(len(view.inputs))], axis)


def _folded_join(view: View) -> np.ndarray:
    axis = view.axis(view.options(tflite.ConcatenationOptions).Axis(), len(view.input(0).shape))
    return np.concatenate([view.constant(i, "input") for i in range(len(view.inputs))], axis)


def _folded_gather(view: View) -> np.ndarray:
    options = view.options(tflite.GatherOptions)
    data = view.constant(0, "input")
    axis = view.axis(options.Axis(), data.ndim)
    if options.BatchDims():
        raise Unsupported("a gather with batch dimensions is not supported")
    if view.input(1).elements * data.size > 1 << 20:
        raise Unsupported("it gathers too many constant elements")
    return np.take(data, view.constant(1, "indices"), axis)


def _elementwise(function: Callable[..., Any]) -> Fold:
    """Wrapping arithmetic on two constants of whole numbers."""

    def value(view: View) -> np.ndarray:
        left, right = view.constant(0, "left side"), view.constant(1, "right side")
        if left.dtype.kind != "i" or left.dtype.itemsize < 4:
            raise Unsupported("arithmetic on constants that are no whole numbers is not supported")
        if left.size * right.size > 1 << 20:
            raise Unsupported("arithmetic on large constants is not supported")
        return np.asarray(function(left, right))

    return Fold(value)


def _product(view: View) -> np.ndarray:
    data = view.constant(0, "input")
    axes = tuple({view.axis(axis, data.ndim) for axis in view.whole(1, "axes")})
    return np.prod(data, axes, keepdims=bool(view.options(tflite.ReducerOptions).KeepDims()))


FOLDS: dict[str, Fold] = {
    "SHAPE": Fold(lambda view: np.array(view.input(0).shape), needs_shapes_only=True),
    "RANK": Fold(lambda view: np.array(len(view.input(0).shape)), needs_shapes_only=True),
    "STRIDED_SLICE": Fold(_folded_cut),
    "PACK": Fold(_folded_pack),
    "CONCATENATION": Fold(_folded_join),
    "GATHER": Fold(_folded_gather),
    "CAST": Fold(lambda view: view.constant(0, "input")),
    "RESHAPE": Fold(lambda view: view.constant(0, "input").reshape(_reshape(view)[0].operator.shape)),  # type: ignore[union-attr]
    "SQUEEZE": Fold(lambda view: view.constant(0, "input").reshape(_squeezed(view))),
    "EXPAND_DIMS": Fold(lambda view: view.constant(0, "input").reshape(_expanded(view))),
    "ADD": _elementwise(np.add),
    "SUB": _elementwise(np.subtract),
    "MUL": _elementwise(np.multiply),
    "REDUCE_PROD": Fold(_product),
}
"""Operators that vanish on constants: what shape arithmetic consists of."""

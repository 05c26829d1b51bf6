"""What each ATen operator becomes: a table from names to layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from mcusim.network import operators as ops
from mcusim.network.builder import Builder, Constant, Operand
from mcusim.network.layout import Value
from mcusim.network.network import Unsupported

Item = Operand | tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class View:
    """A call with its arguments (values of the network among them), asked for with what they must be."""

    output: str
    shape: tuple[int, ...]
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    builder: Builder

    def get(self, index: int, name: str = "", default: Any = None) -> Any:
        """An argument by place or name."""
        value = self.arguments[index] if index < len(self.arguments) else self.keywords.get(name, default)
        return default if value is None else value

    def operand(self, index: int) -> Operand:
        item = self.get(index)
        if isinstance(item, int | float) and not isinstance(item, bool):
            return self.builder.number(float(item))
        if not isinstance(item, Value | Constant):
            raise Unsupported(f"its argument {index} is {item!r}, no tensor")
        return item

    def value(self, index: int) -> Value:
        item = self.operand(index)
        if isinstance(item, Constant):
            raise Unsupported(f"its argument {index} ({item.name!r}) is constant")
        return item

    def optional(self, index: int) -> Operand | None:
        return None if self.get(index) is None else self.operand(index)

    def numbers(self, index: int, name: str, count: int, default: Sequence[int] = ()) -> list[int]:
        """Whole numbers, one of which stands for all."""
        value = self.get(index, name, list(default))
        value = [value] * count if isinstance(value, int) else list(value)
        value = value * count if len(value) == 1 else value
        if len(value) != count or not all(isinstance(n, int) for n in value):
            raise Unsupported(f"its argument {name} is {value}; {count} whole numbers are needed")
        return value


Translation = Callable[[View], Item]


def _convolution(view: View) -> Item:
    x, weights, bias = view.operand(0), view.operand(1), view.optional(2)
    rank = len(x.shape) - 2
    stride, pads = view.numbers(3, "stride", rank), view.numbers(4, "padding", rank)
    dilation, extra = view.numbers(5, "dilation", rank), view.numbers(7, "output_padding", rank)
    if not view.get(6):
        return view.builder.conv(
            view.output, x, weights, bias, stride=stride, dilation=dilation, pads=[*pads, *pads], groups=view.get(8)
        )
    if view.get(8) != 1 or set(dilation) != {1}:
        raise Unsupported("a transposed convolution with groups or dilation is not supported")
    return view.builder.conv_transpose(view.output, x, weights, bias, stride=stride, pads=[*pads, *pads], extra=extra)


def _linear(view: View) -> Item:
    x, weights = view.value(0), view.builder.known(view.operand(1), "weights")
    return view.builder.linear(view.output, x, weights, view.optional(2))


def _addmm(view: View) -> Item:
    builder, bias, x = view.builder, view.operand(0), view.value(1)
    weights = builder.transpose(builder.known(view.operand(2), "second matrix"), (1, 0))
    if view.keywords.get("alpha", 1) != 1 or view.keywords.get("beta", 1) != 1 or not isinstance(weights, Constant):
        raise Unsupported("a product scaled by alpha or beta is not supported")
    return builder.linear(view.output, x, weights, bias)


def _normalization(view: View) -> tuple[Operand, ...]:
    """Of running statistics: (input, weight, bias, mean, variance, momentum, epsilon)."""
    mean, variance = (view.builder.known(view.operand(i), "statistics").data.astype(np.float64) for i in (3, 4))
    weight, bias = (None if (x := view.optional(i)) is None else view.builder.known(x, "scale").data for i in (1, 2))
    factor = (1.0 if weight is None else weight) / np.sqrt(variance + float(view.get(6)))
    offset = (0.0 if bias is None else bias) - mean * factor
    return (view.builder.normalized(view.output, view.value(0), factor, offset),)


def _binary(function: ops.Arithmetic, reverse: bool = False) -> Translation:
    def translate(view: View) -> Item:
        left, right = view.operand(0), view.operand(1)
        alpha = view.keywords.get("alpha", 1)
        if alpha != 1:
            right = _times(view, right, float(alpha))
        left, right = (right, left) if reverse else (left, right)
        return view.builder.binary(view.output, function, left, right)

    return translate


def _times(view: View, x: Operand, factor: float) -> Operand:
    if isinstance(x, Constant):
        return Constant(f"{x.name}/scaled", x.data * factor)
    return view.builder.binary(f"{view.output}/scaled", ops.Arithmetic.MUL, x, view.builder.number(factor))


def _div(view: View) -> Item:
    divisor = view.operand(1)
    if isinstance(divisor, Value) or not np.all(divisor.data) or view.keywords.get("rounding_mode"):
        raise Unsupported("its divisor is not constant, or zero, or its quotient is rounded")
    inverse = Constant(f"{divisor.name}/inverse", 1.0 / divisor.data.astype(np.float64))
    return view.builder.binary(view.output, ops.Arithmetic.MUL, view.operand(0), inverse)


def _pow(view: View) -> Item:
    if view.get(1) != 2:
        raise Unsupported(f"its exponent is {view.get(1)!r}; 2 is supported")
    return view.builder.binary(view.output, ops.Arithmetic.MUL, view.value(0), view.value(0))


def _unary(function: ops.Function) -> Translation:
    return lambda view: view.builder.unary(view.output, function, view.value(0))


def _leaky(view: View) -> Item:
    alpha = float(view.get(1, "negative_slope", 0.01))
    return view.builder.unary(view.output, ops.Function.LEAKY_RELU, view.value(0), alpha)


def _clip(low: float, high: float) -> Translation:
    def translate(view: View) -> Item:
        bounds = float(view.get(1, "min_val", low)), float(view.get(2, "max_val", high))
        return view.builder.clip(view.output, view.value(0), *bounds)

    return translate


def _prelu(view: View) -> Item:
    x, slope = view.value(0), view.builder.known(view.operand(1), "slope")
    if len(slope.shape) == 1 and len(x.shape) > 2:
        slope = Constant(slope.name, slope.data.reshape(-1, *(1,) * (len(x.shape) - 2)))
    return view.builder.slopes(view.output, x, slope)


def _pool(function: ops.Pooling) -> Translation:
    def translate(view: View) -> Item:
        x = view.operand(0)
        rank = len(x.shape) - 2
        window = view.numbers(1, "kernel_size", rank)
        stride, pads = view.numbers(2, "stride", rank, window), view.numbers(3, "padding", rank, [0])
        stride = stride or window
        if function is ops.Pooling.MAX:
            if set(view.numbers(4, "dilation", rank, [1])) != {1}:
                raise Unsupported("pooling with dilation is not supported")
            up, counted = view.get(5, "ceil_mode", False), False
        else:
            up, counted = view.get(4, "ceil_mode", False), view.get(5, "count_include_pad", True)
            if view.get(6, "divisor_override"):
                raise Unsupported("its divisor_override is not supported")
        made = view.builder.pool(
            view.output, function, x, window=window, stride=stride, pads=[*pads, *pads], up=up, counted=counted
        )
        return made if function is ops.Pooling.AVERAGE else (made,)

    return translate


def _adaptive(view: View) -> Item:
    """To one place: the mean. To a whole part of the places: windows side by side."""
    x = view.value(0)
    size = view.numbers(1, "output_size", len(x.shape) - 2)
    if set(size) == {1}:
        return view.builder.reduce(view.output, ops.Reduction.MEAN, x, range(2, len(x.shape)), True)
    if any(n < 1 or m % n for n, m in zip(size, x.shape[2:], strict=True)):
        raise Unsupported(f"adaptive pooling from {x.shape[2:]} to {tuple(size)} is not supported: windows would differ")
    window = [m // n for n, m in zip(size, x.shape[2:], strict=True)]
    return view.builder.pool(view.output, ops.Pooling.AVERAGE, x, window=window, stride=window, pads=[0] * 2 * len(size))


def _reduce(function: ops.Reduction) -> Translation:
    def translate(view: View) -> Item:
        x = view.value(0)
        axes = view.get(1, "dim", [])
        axes = [axes] if isinstance(axes, int) else list(axes)
        keep = bool(view.get(2, "keepdim", False))
        return view.builder.reduce(view.output, function, x, axes or range(len(x.shape)), keep)

    return translate


def _softmax(view: View) -> Item:
    return view.builder.softmax(view.output, view.value(0), view.get(1, "dim"))


def _pad(view: View) -> Item:
    x, pads = view.value(0), list(view.get(1))
    if min(pads, default=0) < 0:
        raise Unsupported(f"its padding {pads} cuts; use slices")
    missing = [0] * (len(x.shape) - len(pads) // 2)
    before, after = (missing + pads[first::2][::-1] for first in (0, 1))
    return view.builder.pad(view.output, x, before, after, float(view.get(2, "value", 0.0)))


def _cat(view: View) -> Item:
    parts = [part for part in view.get(0) if prod(part.shape)]
    return view.builder.concatenation(view.output, parts, view.get(1, "dim", 0))


def _view(view: View) -> Item:
    return view.builder.reshape(view.operand(0), view.shape)


def _permute(view: View) -> Item:
    x = view.operand(0)
    return view.builder.transpose(x, [view.builder.axis(a, len(x.shape)) for a in view.get(1)])


def _swap(view: View) -> Item:
    x = view.operand(0)
    order = list(range(len(x.shape)))
    left, right = (view.builder.axis(view.get(i, "", default), len(order)) for i, default in ((1, 0), (2, 1)))
    order[left], order[right] = right, left
    return view.builder.transpose(x, order)


def _slice(view: View) -> Item:
    x = view.value(0)
    axis = view.builder.axis(view.get(1, "dim", 0), len(x.shape))
    taken = range(*slice(view.get(2), view.get(3), view.get(4, "step", 1)).indices(x.shape[axis]))
    return view.builder.cut(view.output, x, {axis: taken})


def _select(view: View) -> Item:
    x = view.value(0)
    axis = view.builder.axis(view.get(1), len(x.shape))
    place = view.builder.axis(view.get(2), x.shape[axis])
    return view.builder.reshape(view.builder.cut(view.output, x, {axis: range(place, place + 1)}), view.shape)


def _split(view: View) -> Item:
    x, sizes = view.value(0), view.get(1)
    axis = view.builder.axis(view.get(2, "dim", 0), len(x.shape))
    if isinstance(sizes, int):
        length = x.shape[axis]
        sizes = [min(sizes, length - first) for first in range(0, length, max(sizes, 1))]
    names = [f"{view.output}/{i}" for i in range(len(sizes))]
    return tuple(view.builder.split(names, x, axis, sizes))


def _upsample(view: View) -> Item:
    """Row i comes from row floor(i / factor)."""
    x = view.value(0)
    before, after = x.shape[2:], view.shape[2:]
    factors = view.get(2) if isinstance(view.get(2), list | tuple) else None
    steps = [n / m if factors is None else 1 / f for n, m, f in zip(before, after, factors or after, strict=True)]
    places = [
        np.minimum(np.floor(np.arange(m) * np.float32(step)), n - 1).astype(np.int64)
        for n, m, step in zip(before, after, steps, strict=True)
    ]
    return view.builder.resize(view.output, x, *(places if len(places) == 2 else [np.zeros(1, np.int64), *places]))


def _same(view: View) -> Item:
    x = view.operand(0)
    if x.shape != view.shape:
        raise Unsupported(f"it stretches {x.shape} to {view.shape}")
    return x


TRANSLATIONS: dict[str, Translation] = {
    "aten._adaptive_avg_pool2d.default": _adaptive,
    "aten._log_softmax.default": lambda view: _refused("a logarithm; end the network with softmax or without"),
    "aten._native_batch_norm_legit_no_training.default": _normalization,
    "aten._softmax.default": _softmax,
    "aten._to_copy.default": _same,
    "aten._unsafe_view.default": _view,
    "aten.adaptive_avg_pool1d.default": _adaptive,
    "aten.adaptive_avg_pool2d.default": _adaptive,
    "aten.add.Scalar": _binary(ops.Arithmetic.ADD),
    "aten.add.Tensor": _binary(ops.Arithmetic.ADD),
    "aten.addmm.default": _addmm,
    "aten.alias.default": _same,
    "aten.amax.default": _reduce(ops.Reduction.MAX),
    "aten.amin.default": _reduce(ops.Reduction.MIN),
    "aten.avg_pool1d.default": _pool(ops.Pooling.AVERAGE),
    "aten.avg_pool2d.default": _pool(ops.Pooling.AVERAGE),
    "aten.bmm.default": lambda view: view.builder.matmul(view.output, view.operand(0), view.operand(1)),
    "aten.cat.default": _cat,
    "aten.clamp.default": _clip(float("-inf"), float("inf")),
    "aten.clone.default": _same,
    "aten.constant_pad_nd.default": _pad,
    "aten.convolution.default": _convolution,
    "aten.detach.default": _same,
    "aten.div.Scalar": _div,
    "aten.div.Tensor": _div,
    "aten.expand.default": _same,
    "aten.flatten.using_ints": _view,
    "aten.hardsigmoid.default": lambda view: view.builder.hard_sigmoid(view.output, view.value(0)),
    "aten.hardswish.default": _unary(ops.Function.HARD_SWISH),
    "aten.hardtanh.default": _clip(-1.0, 1.0),
    "aten.leaky_relu.default": _leaky,
    "aten.lift_fresh_copy.default": _same,
    "aten.linear.default": _linear,
    "aten.matmul.default": lambda view: view.builder.matmul(view.output, view.operand(0), view.operand(1)),
    "aten.max_pool2d_with_indices.default": _pool(ops.Pooling.MAX),
    "aten.maximum.default": _binary(ops.Arithmetic.MAXIMUM),
    "aten.mean.default": _reduce(ops.Reduction.MEAN),
    "aten.mean.dim": _reduce(ops.Reduction.MEAN),
    "aten.minimum.default": _binary(ops.Arithmetic.MINIMUM),
    "aten.mm.default": lambda view: view.builder.matmul(view.output, view.operand(0), view.operand(1)),
    "aten.mul.Scalar": _binary(ops.Arithmetic.MUL),
    "aten.mul.Tensor": _binary(ops.Arithmetic.MUL),
    "aten.neg.default": lambda view: _times(view, view.value(0), -1.0),
    "aten.permute.default": _permute,
    "aten.pow.Tensor_Scalar": _pow,
    "aten.prelu.default": _prelu,
    "aten.relu.default": _unary(ops.Function.RELU),
    "aten.reshape.default": _view,
    "aten.rsub.Scalar": _binary(ops.Arithmetic.SUB, reverse=True),
    "aten.select.int": _select,
    "aten.sigmoid.default": _unary(ops.Function.LOGISTIC),
    "aten.silu.default": _unary(ops.Function.SILU),
    "aten.slice.Tensor": _slice,
    "aten.split.Tensor": _split,
    "aten.split_with_sizes.default": _split,
    "aten.squeeze.default": _view,
    "aten.squeeze.dim": _view,
    "aten.squeeze.dims": _view,
    "aten.sub.Scalar": _binary(ops.Arithmetic.SUB),
    "aten.sub.Tensor": _binary(ops.Arithmetic.SUB),
    "aten.sum.dim_IntList": _reduce(ops.Reduction.SUM),
    "aten.t.default": _swap,
    "aten.tanh.default": _unary(ops.Function.TANH),
    "aten.transpose.int": _swap,
    "aten.unsqueeze.default": _view,
    "aten.upsample_nearest1d.vec": _upsample,
    "aten.upsample_nearest2d.vec": _upsample,
    "aten.view.default": _view,
}
"""Layers that each operator becomes; those that give several results in ATen give a tuple."""


def _refused(what: str) -> Item:
    raise Unsupported(f"it is {what}")


KEPT = (
    "aten.hardsigmoid.default",
    "aten.hardswish.default",
    "aten.linear.default",
    "aten.matmul.default",
    "aten.prelu.default",
    "aten.silu.default",
    "aten.upsample_nearest1d.vec",
    "aten.upsample_nearest2d.vec",
)
"""Operators that are not to be decomposed: they are layers here."""

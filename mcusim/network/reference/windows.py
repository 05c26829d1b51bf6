"""Kernels that reduce: pooling, reductions along axes, softmax."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from mcusim.network import operators as ops
from mcusim.network.fixed_point import (
    FixedPoint,
    Multiplier,
    exp_on_negative,
    exponential_table,
    leading_zeros,
    look_up,
    multiply,
    quantize_multiplier,
    reciprocal,
    reciprocal_table,
    rounding_shift_right,
    saturate,
    wrap,
)
from mcusim.network.reference.call import Call, activation_range, clamp, clamp_float, limits, scale
from mcusim.network.reference.elements import exp
from mcusim.network.tensor import ElementType


def pool_2d(call: Call) -> list[np.ndarray]:
    """Windows reduced; what lies in the padding takes no part."""
    y = _POOLINGS[call.operator.function](call)
    if call.output.type is ElementType.FLOAT32:
        return [clamp_float(y, call.operator.activation)]
    return [np.clip(y, *activation_range(call.operator.activation, call.output)).astype(call.output.type.value)]


def _places(call: Call, x: np.ndarray, outside: float) -> Iterator[np.ndarray]:
    """For each element of the window, in order: what every output sees there, ``outside`` in the padding."""
    operator, pad = call.operator, call.operator.padding
    padded = np.pad(
        x, ((0, 0), (pad.top, pad.bottom), (pad.left, pad.right), (0, 0)), constant_values=x.dtype.type(outside)
    )
    (_, height, width, _), (down, right) = call.output.shape, operator.stride
    for row, column in np.ndindex(operator.window):
        yield padded[:, row : row + (height - 1) * down + 1 : down, column : column + (width - 1) * right + 1 : right]


def _average(call: Call) -> np.ndarray:
    x = call.value(0)
    floats = x.dtype == np.float32
    total = np.zeros(call.output.shape, np.float32 if floats else np.int64)
    for part in _places(call, x if floats else x.astype(np.int64), 0):
        total += part
    ones = np.ones((1, *x.shape[1:3], 1), np.int64)
    count = np.sum(list(_places(call, ones, 0)), 0)
    if floats:
        return total / count.astype(np.float32)
    return np.where(total > 0, (total + count // 2) // count, -((count // 2 - total) // count))


def _maximum(call: Call) -> np.ndarray:
    x = call.value(0)
    least = float(-np.finfo(np.float32).max) if x.dtype == np.float32 else np.iinfo(x.dtype).min
    return np.max(list(_places(call, x, least)), 0)


_POOLINGS = {ops.Pooling.AVERAGE: _average, ops.Pooling.MAX: _maximum}


def reduce(call: Call) -> list[np.ndarray]:
    """Axes reduced to one element each."""
    function = call.operator.function
    if function in _EXTREMES:
        return [_EXTREMES[function](call.value(0), axis=call.operator.axes).reshape(call.output.shape)]
    if call.tensor(0).quantization is None:
        return [_plain_sum(call).reshape(call.output.shape)]
    return [_quantized_sum(call).reshape(call.output.shape)]


_EXTREMES = {ops.Reduction.MAX: np.max, ops.Reduction.MIN: np.min}


def _count(call: Call) -> int:
    return prod(call.tensor(0).shape[axis] for axis in call.operator.axes)


def _plain_sum(call: Call) -> np.ndarray:
    """Floats are added one after another; integers are divided toward zero."""
    x, axes = call.value(0), call.operator.axes
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    rows = x.transpose(*kept, *axes).reshape(-1, _count(call))
    if x.dtype == np.float32:
        total = np.zeros(rows.shape[0], np.float32)
        for column in rows.T:
            total += column
        return total / np.float32(_count(call)) if call.operator.function is ops.Reduction.MEAN else total
    total = rows.sum(1, dtype=np.int64)
    if call.operator.function is ops.Reduction.MEAN:
        total = np.sign(total) * (np.abs(total) // _count(call))
    return total.astype(x.dtype)


def _quantized_sum(call: Call) -> np.ndarray:
    """The sum less its zero points, scaled; a mean divides its multiplier by the number of elements."""
    factor = quantize_multiplier(float(scale(call.tensor(0))) / float(scale(call.output)))
    if call.operator.function is ops.Reduction.MEAN:
        factor = divided(factor, _count(call))
    total = wrap(call.integers(0).sum(call.operator.axes))
    return clamp(call, multiply(total, *factor))


def divided(factor: Multiplier, count: int) -> Multiplier:
    """The multiplier of a mean: as many bits are gained first as its shift allows, then it is rounded down."""
    shift = min(count.bit_length() - 1, 32, 31 + factor.shift)
    return Multiplier((factor.value << shift) // count, factor.shift - shift)


def softmax(call: Call) -> list[np.ndarray]:
    """exp(beta * (x - largest)) over its sum, along the last axis."""
    kernels = {
        ElementType.FLOAT32: _softmax_float,
        ElementType.INT8: _softmax_8,
        ElementType.UINT8: _softmax_8,
        ElementType.INT16: _softmax_16,
    }
    return [call.among(kernels)]


def _softmax_float(call: Call) -> np.ndarray:
    x = call.value(0)
    powers = exp((x - x.max(-1, keepdims=True)) * np.float32(call.operator.beta))
    return powers / np.add.accumulate(powers, -1)[..., -1:]


def _softmax_8(call: Call) -> np.ndarray:
    """Fixed point: exponents with 5 integer bits, their sum with 12."""
    real = min(call.operator.beta * float(scale(call.tensor(0))) * (1 << 26), (1 << 31) - 1.0)
    factor = quantize_multiplier(real)
    radius = int(31 * (1 << 26) / (1 << factor.shift))
    x = call.value(0).astype(np.int64)
    difference = x - x.max(-1, keepdims=True)
    seen = difference >= -radius
    powers = exp_on_negative(FixedPoint(multiply(np.where(seen, difference, 0), *factor), 5))
    total = wrap(np.where(seen, powers.rescaled(12).raw, 0).sum(-1, keepdims=True))
    inverse, over_unit = reciprocal(total, 12)
    low, high = limits(call.output.type)
    exponent = over_unit + 31 - 8 * call.output.type.size_bytes
    share = rounding_shift_right((FixedPoint(inverse, 0) * powers).raw, exponent)
    return np.where(seen, np.clip(share + low, low, high), low).astype(call.output.type.value)


def exponential_factor(step: np.float32, beta: float) -> Multiplier:
    """From differences of 16 bit inputs of scale ``step`` to indices of the table of exp."""
    return quantize_multiplier(float(step * np.float32(beta)) / (10.0 / 65535.0))


def _softmax_16(call: Call) -> np.ndarray:
    """Two tables: exp from -10 to 0, and 1 / (1 + x) from 0 to 1."""
    factor = exponential_factor(scale(call.tensor(0)), call.operator.beta)
    x = call.value(0).astype(np.int64)
    powers = look_up(exponential_table(), saturate(multiply(x - x.max(-1, keepdims=True), *factor) + 32767, 16))
    total = powers.sum(-1, keepdims=True)
    headroom = leading_zeros(total)
    shifted = ((total << (headroom - 1)) + (1 << 13)) >> 14
    inverse = look_up(reciprocal_table(), saturate(shifted - ((1 << 15) + (1 << 16)), 16))
    right = 31 - headroom
    share = (powers * inverse + (np.int64(1) << (right - 1))) >> right
    return np.clip(share, 0, 32767).astype(np.int16)



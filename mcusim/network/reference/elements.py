"""Kernels that work element by element: arithmetic of two tensors, functions of one, quantisation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from mcusim.network import operators as ops
from mcusim.network.fixed_point import (
    FixedPoint,
    Multiplier,
    divide_toward_zero,
    doubling_high_multiply,
    logistic,
    multiply,
    quantize_multiplier,
    round_half_away,
    rounding_shift_right,
    saturate,
    sigmoid_table,
    tanh,
    wrap,
)
from mcusim.network.reference.call import QUANTIZED, Call, Rules, clamp, clamp_float, limits, scale, zero_point
from mcusim.network.tensor import ElementType


def binary(call: Call) -> list[np.ndarray]:
    """Arithmetic of two tensors."""
    function = call.operator.function
    if function in EXTREMES:
        return [EXTREMES[function](call.value(0), call.value(1))]
    if call.output.quantization is None:
        if call.output.type in (ElementType.INT8, ElementType.UINT8):
            raise call.error(f"its output of type {call.output.type.value} has no quantisation")
        with np.errstate(over="ignore"):
            return [clamp_float(PLAIN[function](call.value(0), call.value(1)), call.operator.activation)]
    return [_product(call) if function is ops.Arithmetic.MUL else _sum(call, PLAIN[function])]


def _sum(call: Call, join: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
    """Both sides on a scale with room below the point, joined, and scaled to the output."""
    room = 15 if call.output.type is ElementType.INT16 else 20
    scales = [float(scale(call.tensor(i))) for i in (0, 1)]
    twice = 2 * max(scales)
    left, right = (multiply(call.integers(i) << room, *quantize_multiplier(scales[i] / twice)) for i in (0, 1))
    factor = quantize_multiplier(twice / ((1 << room) * float(scale(call.output))))
    return clamp(call, multiply(wrap(join(left, right)), *factor), call.operator.activation)


def _product(call: Call) -> np.ndarray:
    real = scale(call.tensor(0)) * scale(call.tensor(1)) / scale(call.output)
    product = multiply(wrap(call.integers(0) * call.integers(1)), *quantize_multiplier(float(real)))
    return clamp(call, product, call.operator.activation)


PLAIN = {ops.Arithmetic.ADD: np.add, ops.Arithmetic.SUB: np.subtract, ops.Arithmetic.MUL: np.multiply}
EXTREMES = {ops.Arithmetic.MINIMUM: np.minimum, ops.Arithmetic.MAXIMUM: np.maximum}


def unary(call: Call) -> list[np.ndarray]:
    """A function of each element."""
    return [call.among(UNARY[call.operator.function])]


def _relu_integer(call: Call, bounds: tuple[float, float]) -> np.ndarray:
    real = quantize_multiplier(float(scale(call.tensor(0)) / scale(call.output)))
    least, most = limits(call.output.type)
    zero, step = zero_point(call.output), scale(call.output)
    low, high = (most if np.isinf(b) else zero + int(round_half_away(np.float32(b) / step)) for b in bounds)
    x = multiply(call.integers(0), *real) + zero
    return np.minimum(np.maximum(x, max(least, low)), min(most, high)).astype(call.output.type.value)


def _relu_float(call: Call, bounds: tuple[float, float]) -> np.ndarray:
    return np.minimum(np.maximum(call.value(0), np.float32(bounds[0])), np.float32(bounds[1]))


def _leaky_integer(call: Call) -> np.ndarray:
    alpha = scale(call.tensor(0)) * np.float32(call.operator.alpha) / scale(call.output)
    identity = quantize_multiplier(float(scale(call.tensor(0)) / scale(call.output)))
    slope = quantize_multiplier(abs(float(alpha)))
    x = call.integers(0)
    below = multiply(x, *slope) * (-1 if alpha < 0 else 1)
    return clamp(call, np.where(x >= 0, multiply(x, *identity), below))


def _leaky_float(call: Call) -> np.ndarray:
    x = call.value(0)
    return np.where(x > 0, x, x * np.float32(call.operator.alpha))


def _tabulated(call: Call, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """8 bit values: the function in float32, rounded to the output's scale, as a table of 256 entries would hold it."""
    x = scale(call.tensor(0)) * call.integers(0).astype(np.float32)
    inverse = np.float32(1) / scale(call.output)
    rounded = round_half_away(function(x) * inverse)
    low, high = limits(call.output.type)
    return np.clip((rounded + zero_point(call.output)).astype(np.int64), low, high).astype(call.output.type.value)


_INPUT_BITS = 4


def _in_fixed_point(call: Call, function: Callable[[FixedPoint], FixedPoint], scale_bits: int) -> np.ndarray:
    """8 bit values: the function in fixed point with 4 integer bits; far from 0 its limits.

    ``scale_bits``: the output's scale is 2**-scale_bits.
    """
    factor = quantize_multiplier(float(scale(call.tensor(0))) * (1 << (31 - _INPUT_BITS)))
    radius = int(((1 << _INPUT_BITS) - 1) * (1 << (31 - _INPUT_BITS)) / (1 << factor.shift))
    x = call.integers(0)
    near = FixedPoint(multiply(np.clip(x, -radius, radius), *factor), _INPUT_BITS)
    y = rounding_shift_right(function(near).raw, 31 - scale_bits)
    low, high = limits(call.output.type)
    y = np.clip(y + zero_point(call.output), low, high)
    return np.where(x <= -radius, low, np.where(x >= radius, high, y)).astype(call.output.type.value)


def float_logistic(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)) in float32; below -9 exp(x), as the kernel has it."""
    return np.where(x < -9, exp(x), plain_logistic(x))


def plain_logistic(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)) in float32, exp rounded from double precision."""
    with np.errstate(over="ignore"):
        return np.float32(1) / (np.float32(1) + exp(-x))


def exp(x: np.ndarray) -> np.ndarray:
    """exp of float32, rounded from double precision."""
    with np.errstate(over="ignore"):
        return np.exp(x.astype(np.float64)).astype(np.float32)


def float_tanh(x: np.ndarray) -> np.ndarray:
    """tanh of float32, rounded from double precision."""
    return np.tanh(x.astype(np.float64)).astype(np.float32)


def _silu(x: np.ndarray) -> np.ndarray:
    return x * plain_logistic(x)


def _power_of_two(value: np.float32) -> int | None:
    """The exponent of a scale that is a power of two to 0.1 %."""
    logarithm = np.log(value) * np.float32(1.0 / np.log(2.0))
    nearest = float(round_half_away(logarithm))
    return int(nearest) if abs(float(logarithm) - nearest) < 1e-3 else None


def table_factor(step: np.float32, powers: tuple[int, ...]) -> tuple[int, int]:
    """What 16 bit inputs of scale ``step`` are multiplied by, and the bits that are dropped then, to be on the scale
    1 / (3 * 4096) of the sigmoid table; ``powers``: shifts for which it is a plain product.
    """
    power = _power_of_two(step)
    if power is not None and power + 12 in powers:
        return 3 << (power + 12), 0
    factor, shift = float(step) * 4096.0 * 3.0, 0
    while factor <= 32767.0 / 2.0 and shift <= 30:
        factor, shift = factor * 2.0, shift + 1
    return int(factor), shift


LOGISTIC_POWERS, TANH_POWERS = (0,), (0, 1)


def table_input(call: Call, powers: tuple[int, ...]) -> np.ndarray:
    """16 bit inputs as indices of the sigmoid table, and what lies between two of them."""
    factor, shift = table_factor(scale(call.tensor(0)), powers)
    return wrap(call.integers(0) * factor + (1 << shift >> 1)) >> shift


def _interpolated(magnitude: np.ndarray, bits: int) -> np.ndarray:
    """The sigmoid table between its entries, ``bits`` apart; its top beyond them."""
    table = sigmoid_table()
    index = np.minimum(magnitude >> bits, 254)
    low, high = table[index], table[index + 1]
    return (low << bits) + (magnitude & ((1 << bits) - 1)) * (high - low)


def _logistic_16(call: Call) -> np.ndarray:
    x = table_input(call, LOGISTIC_POWERS)
    magnitude = np.abs(x)
    y = np.where(magnitude >> 9 >= 255, 0x7FFF << 10, _interpolated(magnitude, 9))
    y = np.where(x >= 0, y + (1 << 9), (1 << 25) - y + (1 << 9) - 1)
    return (y >> 10).astype(np.int16)


def _tanh_16(call: Call) -> np.ndarray:
    x = table_input(call, TANH_POWERS)
    magnitude = np.abs(x)
    y = np.where(magnitude >> 8 >= 255, 0xFFFF << 8, _interpolated(magnitude, 8))
    half = 1 << 23
    y = np.where(x >= 0, y - half + (1 << 7), -y + half + (1 << 7) - 1)
    return (y >> 8).astype(np.int16)


def _halved(multiplier: Multiplier) -> int:
    """The upper 16 bits of a multiplier, rounded."""
    return 0x7FFF if multiplier.value >= 0x7FFF8000 else (multiplier.value + (1 << 15)) >> 16


def _hard_swish_8(call: Call) -> np.ndarray:
    """x * relu6(x + 3) / 6 in 16 bit fixed point."""
    fine = scale(call.tensor(0)) * np.float32(1 / 128)
    output = quantize_multiplier(float(fine / scale(call.output)))
    gate = quantize_multiplier(float(fine / np.float32(3 / 32768)))
    if output.shift > 0:
        raise call.error(f"its output's scale {scale(call.output)} is too fine for its input's {scale(call.tensor(0))}")
    x = wrap(call.integers(0) << 7, 16)
    value = doubling_high_multiply(x, _halved(output), 16)
    y = saturate(x << max(gate.shift - 1, 0), 16)
    y = doubling_high_multiply(y, _halved(gate), 16)
    y = saturate(y << 1, 16) if gate.shift > 0 else rounding_shift_right(y, -gate.shift)
    product = divide_toward_zero(((y + (1 << 15)) >> 1) * value, 15)
    return clamp(call, rounding_shift_right(product, -output.shift))


def _hard_swish_float(call: Call) -> np.ndarray:
    x = call.value(0)
    return x * np.minimum(np.float32(6), np.maximum(np.float32(0), x + np.float32(3))) / np.float32(6)


Kernels = dict[ElementType, Callable[[Call], np.ndarray]]


def _relu(low: float, high: float) -> Kernels:
    bounds = (low, high)
    return dict.fromkeys(QUANTIZED, partial(_relu_integer, bounds=bounds)) | {
        ElementType.FLOAT32: partial(_relu_float, bounds=bounds)
    }


def _by_rules(
    function: Callable[[np.ndarray], np.ndarray], fixed: Callable[[FixedPoint], FixedPoint], scale_bits: int
) -> Kernels:
    def kernel(call: Call) -> np.ndarray:
        return _tabulated(call, function) if call.rules is Rules.LITE else _in_fixed_point(call, fixed, scale_bits)

    return _by_table(function) | {ElementType.INT8: kernel}


def _by_table(function: Callable[[np.ndarray], np.ndarray]) -> Kernels:
    return {
        ElementType.INT8: partial(_tabulated, function=function),
        ElementType.UINT8: partial(_tabulated, function=function),
        ElementType.FLOAT32: lambda call: function(call.value(0)),
    }


UNARY: dict[ops.Function, Kernels] = {
    ops.Function.RELU: _relu(*ops.Activation.RELU.value),
    ops.Function.RELU6: _relu(*ops.Activation.RELU6.value),
    ops.Function.RELU_N1_TO_1: _relu(*ops.Activation.RELU_N1_TO_1.value),
    ops.Function.LEAKY_RELU: dict.fromkeys(QUANTIZED, _leaky_integer) | {ElementType.FLOAT32: _leaky_float},
    ops.Function.LOGISTIC: _by_rules(plain_logistic, logistic, 8)
    | {ElementType.INT16: _logistic_16, ElementType.FLOAT32: lambda call: float_logistic(call.value(0))},
    ops.Function.TANH: _by_rules(float_tanh, tanh, 7) | {ElementType.INT16: _tanh_16},
    ops.Function.SILU: _by_table(_silu),
    ops.Function.HARD_SWISH: {
        ElementType.INT8: _hard_swish_8,
        ElementType.UINT8: _hard_swish_8,
        ElementType.FLOAT32: _hard_swish_float,
    },
}


def quantize(call: Call) -> list[np.ndarray]:
    """Floats to stored values, or stored values to another scale."""
    if call.tensor(0).type is ElementType.FLOAT32:
        return [_quantized(call)]
    real = float(scale(call.tensor(0))) / float(scale(call.output))
    return [clamp(call, multiply(call.integers(0), *quantize_multiplier(real)))]


def _quantized(call: Call) -> np.ndarray:
    quantization = call.output.quantization
    if quantization is None:
        raise call.error("its output has no quantisation")
    scales, zeros = along(call, quantization.scales, np.float32), along(call, quantization.zero_points, np.int64)
    low, high = limits(call.output.type)
    with np.errstate(over="ignore", invalid="ignore"):
        whole = saturate(np.nan_to_num(round_half_away(call.value(0) / scales), posinf=2.0**31, neginf=-(2.0**31)))
    return np.clip(whole.astype(np.int64) + zeros, low, high).astype(call.output.type.value)


def along(call: Call, values: tuple[float, ...], kind: type) -> np.ndarray:
    """Values of each index of the quantised axis, shaped to broadcast against the first input."""
    tensor = call.output if call.tensor(0).quantization is None else call.tensor(0)
    axis = tensor.quantization.axis if tensor.quantization else None
    shape = [1] * len(tensor.shape)
    if axis is not None:
        shape[axis] = len(values)
    return np.array(values, kind).reshape(shape)


def dequantize(call: Call) -> list[np.ndarray]:
    """Stored values to floats."""
    quantization = call.tensor(0).quantization
    if quantization is None:
        raise call.error("its input has no quantisation")
    scales = along(call, tuple(float(np.float32(s)) for s in quantization.scales), np.float64)
    return [(scales * (call.value(0).astype(np.int64) - along(call, quantization.zero_points, np.int64))).astype(np.float32)]

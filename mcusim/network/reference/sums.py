"""Kernels that sum products: convolutions, fully connected, matrix products."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mcusim.network import operators as ops
from mcusim.network.fixed_point import multiply, multiply_wide, round_half_away, saturate, wrap
from mcusim.network.reference.call import Call, Rules, clamp, clamp_float, output_factors, output_multipliers
from mcusim.network.tensor import ElementType, Tensor


def requantize(
    call: Call, sums: np.ndarray, weights: Tensor, bias: np.ndarray | None, activation: ops.Activation
) -> np.ndarray:
    """Accumulators (channels last) as values of the output: 32 bit accumulators, or 64 bit with a 64 bit bias."""
    value, shift = output_multipliers(call, call.tensor(0), weights)
    if bias is not None:
        sums = sums + bias.astype(np.int64)
    if wide(call, bias):
        return clamp(call, multiply_wide(sums, value, shift), activation)
    return clamp(call, multiply(wrap(sums), value, shift), activation)


def wide(call: Call, bias: np.ndarray | None) -> bool:
    """Whether 16 bit activations are summed in 64 bits: unless their bias says 32."""
    return call.tensor(0).type is ElementType.INT16 and (bias is None or bias.dtype == np.int64)


def sequential(terms: Iterator[tuple[np.ndarray, np.ndarray]], shape: tuple[int, ...]) -> np.ndarray:
    """Sum of products of float32, one after another and each rounded, as a loop in C does."""
    total = np.zeros(shape, np.float32)
    for left, right in terms:
        total += left * right
    return total


def _padded(x: np.ndarray, padding: ops.Padding) -> np.ndarray:
    return np.pad(x, ((0, 0), (padding.top, padding.bottom), (padding.left, padding.right), (0, 0)))


def _windows(x: np.ndarray, window: ops.Pair, stride: ops.Pair, dilation: ops.Pair) -> np.ndarray:
    """[N,OH,OW,KH,KW,C]: the elements that each output sees; ``x`` is padded."""
    span = [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)]
    view = np.lib.stride_tricks.sliding_window_view(x, span, (1, 2))
    view = view[:, :: stride[0], :: stride[1], :, :: dilation[0], :: dilation[1]]
    return view.transpose(0, 1, 2, 4, 5, 3)


def conv_2d(call: Call) -> list[np.ndarray]:
    """Windows times filters, group by group."""
    operator, weights = call.operator, call.value(1)
    floats = call.tensor(0).type is ElementType.FLOAT32
    x = _padded(call.value(0) if floats else call.integers(0), operator.padding)
    windows = _windows(x, weights.shape[1:3], operator.stride, operator.dilation)
    kernels = weights if floats else weights.astype(np.int64) - _symmetric(call, call.tensor(1))
    depth, groups = weights.shape[3], x.shape[3] // weights.shape[3]
    parts = np.split(kernels.reshape(weights.shape[0], -1), groups)
    blocks = [windows[..., g * depth : (g + 1) * depth].reshape(-1, parts[g].shape[1]) for g in range(groups)]
    product = _float_product if floats else _integer_product
    sums = np.concatenate([product(block, part) for block, part in zip(blocks, parts, strict=True)], 1)
    return [finished(call, sums.reshape(*windows.shape[:3], -1))]


def _integer_product(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """rows @ columns.T; float64 is exact up to 2**53, which sums of bytes and halfwords stay far below."""
    return (rows.astype(np.float64) @ columns.T.astype(np.float64)).astype(np.int64)


def _float_product(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    terms = ((rows[:, k, None], columns[None, :, k]) for k in range(rows.shape[1]))
    return sequential(terms, (rows.shape[0], columns.shape[0]))


def _symmetric(call: Call, weights: Tensor) -> int | np.ndarray:
    """Zero points of weights; those of each channel are 0."""
    if weights.quantization is None:
        raise call.error(f"its weights {weights.name!r} have no quantisation")
    if len(weights.quantization.scales) > 1:
        if any(weights.quantization.zero_points):
            raise call.error(f"its weights {weights.name!r} are quantised per channel with zero points that are not 0")
        return 0
    return weights.quantization.zero_point


def finished(call: Call, sums: np.ndarray) -> np.ndarray:
    """Bias, requantisation and activation of an operator whose inputs are input, weights, bias."""
    bias, activation = call.optional(2), call.operator.activation
    if call.tensor(0).type is ElementType.FLOAT32:
        return clamp_float(sums if bias is None else sums + bias, activation)
    return requantize(call, sums, call.tensor(1), bias, activation)


def depthwise_conv_2d(call: Call) -> list[np.ndarray]:
    """Each channel of the input, repeated for its outputs, with a filter of its own."""
    operator, weights = call.operator, call.value(1)
    floats = call.tensor(0).type is ElementType.FLOAT32
    x = np.repeat(_padded(call.value(0) if floats else call.integers(0), operator.padding), operator.multiplier, 3)
    windows = _windows(x, weights.shape[1:3], operator.stride, operator.dilation)
    kernels = weights[0] if floats else weights[0].astype(np.int64) - _symmetric(call, call.tensor(1))
    sums = np.zeros((*windows.shape[:3], windows.shape[5]), x.dtype)
    for row in range(weights.shape[1]):
        for column in range(weights.shape[2]):
            sums += windows[:, :, :, row, column] * kernels[row, column]
    return [finished(call, sums)]


def transpose_conv_2d(call: Call) -> list[np.ndarray]:
    """Every element of the input adds its multiple of the filter to the output; what falls outside is dropped."""
    operator, weights = call.operator, call.value(1)
    floats = call.tensor(0).type is ElementType.FLOAT32
    x = call.value(0) if floats else call.integers(0)
    kernels = weights if floats else weights.astype(np.int64) - _symmetric(call, call.tensor(1))
    (height, width), (down, right), pad = operator.output_size, operator.stride, operator.padding
    full = np.zeros((x.shape[0], height + pad.top + pad.bottom, width + pad.left + pad.right, weights.shape[0]), x.dtype)
    for row, column in np.ndindex(x.shape[1:3]):
        top, left = row * down, column * right
        target = full[:, top : top + weights.shape[1], left : left + weights.shape[2]]
        for channel in range(x.shape[3]):
            added = x[:, row, column, channel, None, None, None] * kernels[..., channel].transpose(1, 2, 0)
            target += added[:, : target.shape[1], : target.shape[2]]
    return [finished(call, full[:, pad.top : pad.top + height, pad.left : pad.left + width])]


def fully_connected(call: Call) -> list[np.ndarray]:
    """Rows of the input times rows of the weights."""
    weights = call.value(1)
    if call.tensor(0).type is ElementType.FLOAT32:
        sums = _float_product(call.value(0).reshape(-1, weights.shape[1]), weights)
        return [finished(call, sums).reshape(call.output.shape)]
    kernels = weights.astype(np.int64) - _symmetric(call, call.tensor(1))
    sums = _integer_product(call.integers(0).reshape(-1, weights.shape[1]), kernels)
    finish = finished if call.rules is Rules.MICRO else _rounded_once
    return [finish(call, sums).reshape(call.output.shape)]


def _rounded_once(call: Call, sums: np.ndarray) -> np.ndarray:
    """Accumulators times the real factor in double precision, rounded once."""
    bias = call.optional(2)
    sums = sums if bias is None else sums + bias.astype(np.int64)
    sums = sums if wide(call, bias) else wrap(sums)
    real = np.array(output_factors(call, call.tensor(0), call.tensor(1)))
    return clamp(call, saturate(round_half_away(sums * real)).astype(np.int64), call.operator.activation)


def batch_matmul(call: Call) -> list[np.ndarray]:
    """Products of the last two axes; the others are broadcast."""
    operator = call.operator
    floats = call.tensor(0).type is ElementType.FLOAT32
    left, right = (call.value(i) if floats else call.integers(i) for i in (0, 1))
    left = left.swapaxes(-1, -2) if operator.transpose_left else left
    right = right.swapaxes(-1, -2) if operator.transpose_right else right
    if floats:
        terms = ((left[..., :, k, None], right[..., None, k, :]) for k in range(left.shape[-1]))
        return [sequential(terms, call.output.shape)]
    sums = np.matmul(left, right)
    if call.output.type is ElementType.INT32:
        return [wrap(sums).astype(np.int32)]
    value, shift = output_multipliers(call, call.tensor(0), call.tensor(1))
    scaled = (multiply_wide if call.tensor(0).type is ElementType.INT16 else multiply)(sums, value, shift)
    return [clamp(call, scaled)]



"""Traits: what kernels look at besides shapes, and which so decides how a layer is computed."""

from __future__ import annotations

from math import prod

import numpy as np

from mcusim.network import ElementType, Layer, Network, Tensor
from mcusim.network import operators as ops
from mcusim.network.fixed_point import round_half_away
from mcusim.network.reference.call import activation_range, limits

FIT_SHIFTS, FIT_COUNT, FIT_SUM = (-21, -1), 16_384, 1 << 29
"""Of ``nn_scale_fits`` (kernels_c/include/nn_scale.h)."""
PRODUCT = 255 * 128
"""The largest product of an input, less its zero point, and a weight."""
STEPS, QUARTERS = 255, 4 * 32
"""Between the least int8 and the greatest; in the largest exponent that counts (nn_exponential.h)."""

SCALED = ops.Conv2D | ops.DepthwiseConv2D | ops.TransposeConv2D | ops.FullyConnected | ops.BatchMatMul
MOVING = ops.Concatenation | ops.Split | ops.Slice | ops.Pad


def traits(network: Network, layer: Layer) -> tuple[int, ...]:
    """``clamps``, ``scales``, ``unfit_channels``, ``unfit_fours``, ``constant_channels`` and ``run_bytes`` of
    ``cost_models.LAYER``.
    """
    of_operator = _scales if isinstance(layer.operator, SCALED) else _scales_of_others
    scales = of_operator(network, layer)
    return _clamps(network, layer), *scales, _run_bytes(network, layer)


def _clamps(network: Network, layer: Layer) -> int:
    activation, target = getattr(layer.operator, "activation", None), network.outputs_of(layer)[0]
    if activation is None or target.quantization is None or target.type is ElementType.FLOAT32:
        return 0
    low, high = _bounds(layer, target)
    least, most = limits(target.type)
    return int(low > least or high < most)


def _scales(network: Network, layer: Layer) -> tuple[int, int, int, int]:
    """How many scales weights have; channels whose scale fast kernels do not take, fours of channels with such a one, and
    those of them that are constant.
    """
    source, weights, *bias = network.inputs_of(layer)
    target = network.outputs_of(layer)[0]
    if source is None or weights is None or None in (source.quantization, weights.quantization, target.quantization):
        return 0, 0, 0, 0
    assert weights.quantization is not None
    factors = factors_of(network, layer)
    channels = target.shape[-1]
    multipliers, shifts = (np.broadcast_to(each, channels) for each in multipliers_of(factors))
    biases = _biases(bias[0] if bias else None, channels)
    count = _products(layer, source, weights, channels)
    unfit = _unfit(biases, multipliers, shifts, count)
    if isinstance(layer.operator, ops.BatchMatMul):  # weights whose zero point is not 0 go another way
        unfit |= weights.quantization.zero_points[0] != 0
    if not unfit.any():
        return len(factors), 0, 0, 0
    fours = np.add.reduceat(unfit, np.arange(0, channels, 4)) > 0
    constant = unfit & _constant(layer, target, (biases, multipliers, shifts, count))
    return len(factors), int(unfit.sum()), int(fours.sum()), int(constant.sum())


def factors_of(network: Network, layer: Layer) -> np.ndarray:
    """What sums are multiplied by, for each scale of the weights (channel_scales of mcusim.deploy.rules.convolution); 1/2 where
    something has no scale.
    """
    source, weights = network.inputs_of(layer)[:2]
    target = network.outputs_of(layer)[0]
    if source is None or weights is None or not (source.quantization and weights.quantization and target.quantization):
        return np.full(1, 0.5)
    first, last = (float(np.float32(each.quantization.scales[0])) for each in (source, target) if each.quantization)
    return first * np.asarray(weights.quantization.scales, np.float32).astype(np.float64) / last


def unfit_channels(network: Network, layer: Layer) -> int:
    """Output channels whose scale fast kernels do not take."""
    return _scales(network, layer)[1]


def _products(layer: Layer, source: Tensor, weights: Tensor, channels: int) -> int:
    """Products that an output sums up."""
    if isinstance(layer.operator, ops.BatchMatMul):
        return source.shape[-2 if layer.operator.transpose_left else -1]
    return prod(weights.shape) // channels


def _unfit(biases: np.ndarray, multipliers: np.ndarray, shifts: np.ndarray, count: int) -> np.ndarray:
    """Channels for which ``nn_scale_fits`` is false."""
    room = FIT_SUM - min(count, FIT_COUNT) * PRODUCT
    low, high = FIT_SHIFTS
    return ~((count < FIT_COUNT) & (multipliers >= 0) & (low <= shifts) & (shifts <= high) & (np.abs(biases) < room))


def _constant(layer: Layer, target: Tensor, scales: tuple[np.ndarray, np.ndarray, np.ndarray, int]) -> np.ndarray:
    """Channels whose least and greatest sum give one output (``nn_channel_is_constant`` of nn_convolve.h)."""
    assert target.quantization is not None
    biases, multipliers, shifts, count = scales
    reach, bounds = count * PRODUCT, _bounds(layer, target)
    sums = (_scaled(biases + sign * reach, multipliers, shifts) for sign in (-1, 1))
    least, most = (np.clip(each + target.quantization.zero_points[0], *bounds) for each in sums)
    safe = (count <= FIT_COUNT) & (multipliers >= 0) & (shifts <= 0) & (np.abs(biases) <= 2**31 - 1 - reach)
    return np.asarray(safe & (least == most))


def _scales_of_others(network: Network, layer: Layer) -> tuple[int, int, int, int]:
    source = network.inputs_of(layer)[0]
    if isinstance(layer.operator, ops.Softmax) and source is not None and source.quantization:
        return _largest_exponent(layer.operator.beta * source.quantization.scales[0]), 0, 0, 0
    return _scaled_anew(network, layer), 0, 0, 0


def _largest_exponent(step: float) -> int:
    """Of a Softmax whose elements are ``step`` apart, in quarters."""
    return int(min(round(4 * STEPS * step), QUARTERS))


def _scaled_anew(network: Network, layer: Layer) -> int:
    """1 for integers to another scale; 0 where only their top bits change (APART of mcusim/deploy/rules/coding.py)."""
    source, target = network.inputs_of(layer)[0], network.outputs_of(layer)[0]
    if not isinstance(layer.operator, ops.Quantize) or source is None or not source.quantization or not target.quantization:
        return 0
    apart = abs(source.quantization.zero_points[0] - target.quantization.zero_points[0])
    return int(source.quantization.scales != target.quantization.scales or apart not in (0, 128))


def multipliers_of(factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``mcusim.network.fixed_point.quantize_multiplier`` of many factors."""
    fractions, shifts = np.frexp(factors)
    values = round_half_away(fractions * 2.0**31).astype(np.int64)
    over = values == 1 << 31
    values, shifts = np.where(over, 1 << 30, values), shifts.astype(np.int64) + over
    there = (values != 0) & (shifts >= -31)
    return np.where(there, values, 0), np.where(there, shifts, 0)


def _biases(bias: Tensor | None, channels: int) -> np.ndarray:
    return np.zeros(channels, np.int64) if bias is None or bias.data is None else bias.data.reshape(-1).astype(np.int64)


def _scaled(sums: np.ndarray, multipliers: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """``nn_requantize`` of nn_requantize.h, for shifts to the right."""
    right = np.maximum(-shifts, 0)
    high = sums * multipliers + (1 << 30) >> 31
    mask = (1 << right) - 1
    return np.asarray((high >> right) + ((high & mask) > (mask >> 1) + (high < 0)))


def _bounds(layer: Layer, target: Tensor) -> tuple[int, int]:
    return activation_range(getattr(layer.operator, "activation", ops.Activation.NONE), target)


def _run_bytes(network: Network, layer: Layer) -> int:
    """Bytes that are neighbours in the input and in the output of a layer that moves elements."""
    operator, source = layer.operator, network.inputs_of(layer)[0]
    target = network.outputs_of(layer)[0]
    if source is None:
        return 0
    size = target.type.size_bytes
    if isinstance(operator, ops.Transpose):
        kept = 0
        while kept < len(target.shape) and operator.permutation[-1 - kept] == len(target.shape) - 1 - kept:
            kept += 1
        return size * prod(target.shape[len(target.shape) - kept :])
    if not isinstance(operator, MOVING):
        return 0
    narrow, wide = (source, target) if isinstance(operator, ops.Concatenation | ops.Pad) else (target, source)
    steps = getattr(operator, "stride", (1,) * len(wide.shape))
    for axis in reversed(range(len(wide.shape))):
        if len(steps) == len(wide.shape) and steps[axis] != 1:
            return size
        size *= narrow.shape[axis]
        if narrow.shape[axis] != wide.shape[axis]:
            break
    return size

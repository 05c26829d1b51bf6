"""Traits: what kernels look at besides shapes, and which so decides how a layer is computed."""

from __future__ import annotations

from math import prod

import numpy as np

from mcusim.network import ElementType, Layer, Network, Tensor
from mcusim.network import operators as ops
from mcusim.network.fixed_point import quantize_multiplier
from mcusim.network.reference.call import activation_range, limits

FIT_SHIFTS, FIT_COUNT, FIT_SUM = (-21, -1), 16_384, 1 << 29
"""Of ``nn_scale_fits`` (kernels_c/include/nn_scale.h)."""
PRODUCT = 255 * 128
"""The largest product of an input, less its zero point, and a weight."""

WEIGHTED = ops.Conv2D | ops.DepthwiseConv2D | ops.TransposeConv2D | ops.FullyConnected
MOVING = ops.Concatenation | ops.Split | ops.Slice | ops.Pad


def traits(network: Network, layer: Layer) -> tuple[int, int, int, int, int]:
    """``clamps``, ``scales``, ``unfit_channels``, ``constant_channels`` and ``run_bytes`` of ``cost_models.LAYER``."""
    scales = unfit = constant = 0
    if isinstance(layer.operator, WEIGHTED):
        scales, unfit, constant = _scales(network, layer)
    return _clamps(network, layer), scales, unfit, constant, _run_bytes(network, layer)


def _clamps(network: Network, layer: Layer) -> int:
    activation, target = getattr(layer.operator, "activation", None), network.outputs_of(layer)[0]
    if activation is None or target.quantization is None or target.type is ElementType.FLOAT32:
        return 0
    low, high = activation_range(activation, target)
    least, most = limits(target.type)
    return int(low > least or high < most)


def _scales(network: Network, layer: Layer) -> tuple[int, int, int]:
    """How many scales the weights have; channels whose scale fast kernels do not take; those of them that are constant."""
    source, weights, *bias = network.inputs_of(layer)
    target = network.outputs_of(layer)[0]
    if source is None or weights is None or None in (source.quantization, weights.quantization, target.quantization):
        return 0, 0, 0
    assert source.quantization and weights.quantization and target.quantization
    factors = source.quantization.scales[0] * np.array(weights.quantization.scales, np.float64) / target.quantization.scales[0]
    pairs = np.array([quantize_multiplier(float(factor)) for factor in factors], np.int64)
    channels = target.shape[-1]
    multipliers, shifts = np.broadcast_to(pairs, (channels, 2)).T if len(pairs) == 1 else pairs.T
    biases = _biases(bias[0] if bias else None, channels)
    count = prod(weights.shape) // channels
    room = FIT_SUM - min(count, FIT_COUNT) * PRODUCT
    low, high = FIT_SHIFTS
    unfit = ~((count < FIT_COUNT) & (multipliers >= 0) & (low <= shifts) & (shifts <= high) & (np.abs(biases) < room))
    constant = unfit & (count <= FIT_COUNT) & (multipliers >= 0) & (shifts <= 0) & _narrow(biases, multipliers, shifts, count)
    return len(pairs), int(unfit.sum()), int(constant.sum())


def _biases(bias: Tensor | None, channels: int) -> np.ndarray:
    return np.zeros(channels, np.int64) if bias is None or bias.data is None else bias.data.reshape(-1).astype(np.int64)


def _narrow(biases: np.ndarray, multipliers: np.ndarray, shifts: np.ndarray, count: int) -> np.ndarray:
    """Channels whose least and greatest sum give one output (``nn_channel_is_constant`` of nn_convolve.h), to within rounding."""
    factors = multipliers / 2.0**31 * 2.0**shifts
    least, most = (np.floor((biases + sign * count * PRODUCT) * factors + 0.5) for sign in (-1, 1))
    return np.asarray(least == most)


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

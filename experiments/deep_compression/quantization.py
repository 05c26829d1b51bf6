"""Quantisation: ranges of activations measured with typical data (PTQ), or trained with (QAT), and the int8 Network of both.

Training with fake quantisation works on the exported Network itself: each tensor is rounded to the scale that ``mcusim`` would
give it for its range (``activation_scales``), each weight to its channel's. So what is trained is what the kernels compute, and
ranges carry the names that the deployed network has. Gradients pass through roundings as if they were not there, and stop where
a value is out of range (B. Jacob et al., Quantization and training of neural networks for integer-arithmetic-only inference,
2018).

Weights are ``symmetric`` with a scale for each channel, as the kernels of CMSIS-NN want them, or ``affine`` with one scale and
zero point for a tensor, as the paper has them: uint8 v/s + z is int8 v/s + z - 128, the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from experiments.deep_compression.errors import StudyError
from experiments.deep_compression.forward import BATCH, constants_of, forward, stored_order
from experiments.deep_compression.skeleton import with_constants
from experiments.deep_compression.training import Lessons, Training, batches, loss_of
from mcusim.network import Network, Quantization
from mcusim.network.fusion import CHANNEL_AXES
from mcusim.network.lowering import lowered
from mcusim.network.quantize import activation_scales
from mcusim.network.scales import scale_of, weight_scales

Ranges = Mapping[str, tuple[float, float]]
"""Least and largest value of each tensor that is no constant."""

SYMMETRIC, AFFINE = "symmetric", "affine"
SCHEMES = (SYMMETRIC, AFFINE)

KEPT = 0.95
"""Of ranges at each step of training; the rest is what the batch shows."""


@dataclass(frozen=True, slots=True)
class Aware:
    """A float network that was trained with fake quantisation, and the ranges that it was trained with."""

    network: Network
    ranges: Ranges


def ranges_of(network: Network, x: Tensor) -> Ranges:
    """Ranges of a float network's tensors for samples [samples, channels, height, width]."""
    met: dict[str, tuple[float, float]] = {}

    def see(name: str, value: Tensor) -> Tensor:
        low, high = met.get(name, (float("inf"), float("-inf")))
        met[name] = min(low, float(value.min())), max(high, float(value.max()))
        return value

    constants = constants_of(network)
    with torch.inference_mode():
        for place in range(0, len(x), BATCH):
            forward(network, constants, stored_order(x[place : place + BATCH]), see)
    return met


def quantized(network: Network, ranges: Ranges, scheme: str = SYMMETRIC) -> Network:
    """The float network in int8, its activations on scales of ``ranges``. StudyError for an unknown scheme."""
    if scheme not in SCHEMES:
        raise StudyError(f"no scheme {scheme!r} of quantisation; allowed: {', '.join(SCHEMES)}")
    scales = dict(activation_scales(network, ranges))
    if scheme == AFFINE:
        for name in filters_of(network):
            data = network.tensors[name].data
            assert data is not None
            scales[name] = scale_of(data.min(), data.max())
    return lowered(network, scales)


def filters_of(network: Network) -> Mapping[str, int]:
    """Weights of layers with filters, and the axis of their output channels."""
    return {each.inputs[1]: CHANNEL_AXES[type(each.operator)] for each in network.layers if type(each.operator) in CHANNEL_AXES}


def aware(network: Network, lessons: Lessons, how: Training, seed: int, ranges: Ranges, scheme: str = SYMMETRIC) -> Aware:
    """``network`` after training with fake quantisation, which begins with ``ranges``; weights that are 0 stay so."""
    constants = {name: each.requires_grad_() for name, each in constants_of(network).items()}
    masks = {name: constants[name].detach() != 0 for name in filters_of(network)}
    faking = _Faking(network, dict(ranges), scheme)
    optimizer = torch.optim.Adam(list(constants.values()), how.rate, fused=True)
    rates = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, max(how.steps, 1))
    for rows in batches(len(lessons.y), how, seed):
        taught = None if lessons.taught is None else lessons.taught[rows]
        said = forward(network, faking.weights(constants), stored_order(lessons.x[rows]), faking.see)
        optimizer.zero_grad()
        loss_of(said, lessons.y[rows], taught, how).backward()
        optimizer.step()
        rates.step()
        with torch.no_grad():
            for name, mask in masks.items():
                constants[name].mul_(mask)
    return Aware(with_constants(network, {name: each.detach().numpy() for name, each in constants.items()}), faking.ranges)


class _Faking:
    """Fake quantisation of a network: its ranges as they are now, and what they make of each tensor."""

    def __init__(self, network: Network, ranges: dict[str, tuple[float, float]], scheme: str) -> None:
        self.network, self.ranges, self.scheme = network, ranges, scheme
        self.axes = filters_of(network)

    def weights(self, constants: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Constants, filters rounded; also the beginning of a step, whose scales are those of the ranges up to now."""
        self.scales = activation_scales(self.network, self.ranges)
        return {name: self._filter(name, each) if name in self.axes else each for name, each in constants.items()}

    def _filter(self, name: str, weights: Tensor) -> Tensor:
        data, axis = weights.detach().numpy(), self.axes[name]
        if self.scheme == AFFINE:
            return faked(weights, scale_of(data.min(), data.max()))
        return faked(weights, weight_scales(data, axis, 1.0, None), axis)

    def see(self, name: str, value: Tensor) -> Tensor:
        low, high = self.ranges[name]
        a, b = float(value.detach().min()), float(value.detach().max())
        self.ranges[name] = KEPT * low + (1 - KEPT) * a, KEPT * high + (1 - KEPT) * b
        return faked(value, self.scales[name])


def faked(values: Tensor, coding: Quantization, axis: int | None = None) -> Tensor:
    """Real numbers rounded to what ``coding`` stores, with gradients that see no rounding. ``axis``: that of several scales."""
    if len(coding.scales) == 1:
        return torch.fake_quantize_per_tensor_affine(values, coding.scale, coding.zero_point, -128, 127)
    scales = torch.tensor(coding.scales, dtype=torch.float32)
    zeros = torch.zeros(len(scales), dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(values, scales, zeros, coding.axis if axis is None else axis, -128, 127)

"""Networks of ``mcusim.network`` computed by PyTorch, many samples at a time: in floats, and in integers of int8 kernels.

The fast twin of ``mcusim.network.reference``, for the operators that the study's networks are made of. Floats may be followed
and changed tensor by tensor, which calibration and quantisation-aware training are made of; integers are held in float32, which
is exact up to 2**24. Sums are rounded twice, as the reference does after TensorFlow Lite, but multiplied in float32: about one
value in 100,000 that lies near a half is one step away for that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as f

from experiments.deep_compression.convolution import convolved
from experiments.deep_compression.errors import StudyError
from experiments.deep_compression.fused import requantize
from mcusim.network import Layer, Network
from mcusim.network import operators as ops
from mcusim.network.fixed_point import Multiplier, quantize_multiplier
from mcusim.network.reference.call import activation_range
from mcusim.network.reference.windows import divided

Constants = Mapping[str, Tensor]
Seen = Callable[[str, Tensor], Tensor]
"""Told of each tensor by name as it is written; what it returns is read in its place."""

BATCH = 100
"""Samples at a time: of more the tensors do not fit into caches, and are given back to the system each time."""

AWAY = 1 + 2.0**-20
"""Moves a half over the edge, and nothing else of up to 12 bits behind the point and 8 in front of it."""


def as_seen(name: str, value: Tensor) -> Tensor:
    """The value as it is."""
    del name
    return value


def constants_of(network: Network) -> dict[str, Tensor]:
    """Constants as tensors of PyTorch, by name."""
    return {name: torch.tensor(t.data) for name, t in network.tensors.items() if t.data is not None}


def stored_order(x: Tensor) -> Tensor:
    """Samples as networks hold them: channels last."""
    return x.permute(0, 2, 3, 1).contiguous() if x.dim() == 4 else x


# Floats


def forward(network: Network, constants: Constants, x: Tensor, seen: Seen = as_seen) -> Tensor:
    """The output [samples, ...] of a float network for inputs [samples, height, width, channels]."""
    values = {network.inputs[0]: seen(network.inputs[0], x)}
    for layer in network.layers:
        values[layer.outputs[0]] = seen(layer.outputs[0], _floats(layer, {**constants, **values}))
    return values[network.outputs[0]]


def _floats(layer: Layer, values: Mapping[str, Tensor]) -> Tensor:
    rule = FLOATS.get(type(layer.operator))
    if rule is None:
        raise StudyError(f"layer {layer.name}: {type(layer.operator).__name__} is not computed here")
    return rule(layer.operator, *(values[name] if name else None for name in layer.inputs))


def _bounded(operator: Any, x: Tensor) -> Tensor:
    low, high = operator.activation.value
    if operator.activation is ops.Activation.NONE:
        return x
    return f.relu(x) if (low, high) == (0.0, float("inf")) else x.clamp(low, high)


def _padded(operator: Any, x: Tensor, value: float = 0.0) -> Tensor:
    p = operator.padding
    return f.pad(x, (0, 0, p.left, p.right, p.top, p.bottom), value=value) if p != ops.Padding() else x


def _swept(operator: Any, x: Tensor, weights: Tensor, bias: Tensor | None, groups: int) -> Tensor:
    """A convolution; padding that is alike on both sides is left to PyTorch. ``weights``: as PyTorch has them."""
    p = operator.padding
    even = p.top == p.bottom and p.left == p.right
    x, padding = (x, (p.top, p.left)) if even else (_padded(operator, x), (0, 0))
    y = convolved(x.permute(0, 3, 1, 2), weights, bias, operator.stride, padding, operator.dilation, groups)
    return y.permute(0, 2, 3, 1)


def _conv(operator: ops.Conv2D, x: Tensor, weights: Tensor, bias: Tensor | None) -> Tensor:
    return _swept(operator, x, weights.permute(0, 3, 1, 2), bias, x.shape[3] // weights.shape[3])


def _depthwise(operator: ops.DepthwiseConv2D, x: Tensor, weights: Tensor, bias: Tensor | None) -> Tensor:
    return _swept(operator, x, weights.permute(3, 0, 1, 2), bias, x.shape[3])


def _rows(operator: ops.FullyConnected, x: Tensor, weights: Tensor, bias: Tensor | None) -> Tensor:
    del operator
    return f.linear(x.reshape(len(x), weights.shape[1]), weights, bias)


def _pool(operator: ops.Pool2D, x: Tensor) -> Tensor:
    if operator.padding != ops.Padding():
        raise StudyError("a pooling with padding is not computed here")
    pool = f.max_pool2d if operator.function is ops.Pooling.MAX else f.avg_pool2d
    return pool(x.permute(0, 3, 1, 2), operator.window, operator.stride).permute(0, 2, 3, 1)


def _mean(operator: ops.Reduce, x: Tensor) -> Tensor:
    if operator.function is not ops.Reduction.MEAN:
        raise StudyError(f"a reduction by {operator.function.value} is not computed here")
    return x.mean(operator.axes, keepdim=operator.keep_dimensions)


def _sum(operator: ops.Binary, x: Tensor, y: Tensor) -> Tensor:
    if operator.function is not ops.Arithmetic.ADD:
        raise StudyError(f"{operator.function.value} is not computed here")
    return x + y


def _reshape(operator: ops.Reshape, x: Tensor) -> Tensor:
    return x.reshape(len(x), *operator.shape[1:])


def _active(rule: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda operator, *values: _bounded(operator, rule(operator, *values))


FLOATS: Mapping[type, Callable[..., Tensor]] = {
    ops.Conv2D: _active(_conv),
    ops.DepthwiseConv2D: _active(_depthwise),
    ops.FullyConnected: _active(_rows),
    ops.Pool2D: _active(_pool),
    ops.Binary: _active(_sum),
    ops.Reduce: _mean,
    ops.Reshape: _reshape,
}


# Integers


def integers(network: Network, constants: Constants, x: Tensor) -> Tensor:
    """The stored output of an int8 network, as float32, for real inputs [samples, height, width, channels]."""
    values = {network.inputs[0]: quantized(x, network, network.inputs[0])}
    for layer in network.layers:
        values[layer.outputs[0]] = _whole(network, layer, {**constants, **values})
    return values[network.outputs[0]]


def quantized(x: Tensor, network: Network, name: str) -> Tensor:
    """Real numbers as a tensor of the network stores them."""
    coding = _coding(network, name)
    return (_away(x.double() / coding.scale) + coding.zero_point).clamp(-128, 127).float()


def _coding(network: Network, name: str) -> Any:
    coding = network.tensors[name].quantization
    if coding is None:
        raise StudyError(f"{network.name}: tensor {name!r} is not quantised")
    return coding


def _whole(network: Network, layer: Layer, values: Constants) -> Tensor:
    rule = INTEGERS.get(type(layer.operator))
    if rule is None:
        raise StudyError(f"layer {layer.name}: {type(layer.operator).__name__} is not computed here")
    return rule(network, layer, values)


def _operator(layer: Layer) -> Any:
    """The operator, of the kind that its rule is for."""
    return layer.operator


def _offset(network: Network, name: str, values: Constants) -> Tensor:
    """A stored tensor less its zero point, as float32."""
    coding = _coding(network, name)
    zero = coding.zero_point if len(coding.zero_points) == 1 else 0
    return values[name].float() - zero if zero else values[name].float()


def _stored(network: Network, layer: Layer, whole: Tensor) -> Tensor:
    """Multiples of the output's scale as stored; ``whole`` is written over."""
    output = network.tensors[layer.outputs[0]]
    activation = getattr(layer.operator, "activation", ops.Activation.NONE)
    return whole.add_(_coding(network, output.name).zero_point).clamp_(*activation_range(activation, output))


def _requantized(network: Network, layer: Layer, sums: Tensor, multipliers: Sequence[Multiplier]) -> Tensor:
    """Sums times multipliers, one or one for each channel, as stored; see ``requantize``. ``sums`` may be written over."""
    output, channels = network.tensors[layer.outputs[0]], sums.shape[-1]
    table = np.array(multipliers, np.float64)
    left, right = np.maximum(table[:, 1], 0), np.maximum(-table[:, 1], 0)
    factor, shift = table[:, 0] * 2.0 ** (left - 31), 2.0**-right * AWAY
    factors, shifts = (np.resize(each, channels).astype(np.float32) for each in (factor, shift))
    limits = activation_range(getattr(layer.operator, "activation", ops.Activation.NONE), output)
    zero, low, high = (np.float32(each) for each in (_coding(network, output.name).zero_point, *limits))
    whole = sums.contiguous()
    requantize(whole.view(-1, channels).numpy(), factors, shifts, zero, low, high)
    return whole


def _away(x: Tensor) -> Tensor:
    """The nearest whole number, halves away from zero."""
    return torch.trunc(x + 0.5 * torch.sign(x))


def _factors(network: Network, layer: Layer) -> list[float]:
    """From sums of products to multiples of the output's scale: one, or one for each channel."""
    x, weights, y = (_coding(network, name) for name in (layer.inputs[0], layer.inputs[1], layer.outputs[0]))
    return [float(np.float32(x.scale)) * float(np.float32(s)) / float(np.float32(y.scale)) for s in weights.scales]


def _ratio(network: Network, layer: Layer, place: int = 0) -> float:
    """The scale of an input in units of the output's."""
    x, y = (_coding(network, name).scale for name in (layer.inputs[place], layer.outputs[0]))
    return float(np.float32(x)) / float(np.float32(y))


def _summed(network: Network, layer: Layer, values: Constants) -> Tensor:
    """Convolutions: sums in float32, which are whole."""
    x, weights = (_offset(network, name, values) for name in layer.inputs[:2])
    bias = values[layer.inputs[2]].float() if layer.inputs[2] else None
    rule: Any = _conv if isinstance(layer.operator, ops.Conv2D) else _depthwise
    sums = rule(layer.operator, x, weights, bias)
    return _requantized(network, layer, sums, [quantize_multiplier(real) for real in _factors(network, layer)])


def _fully_connected(network: Network, layer: Layer, values: Constants) -> Tensor:
    """The same rounded in double precision, halves away from zero, as the reference does."""
    x, weights = (_offset(network, name, values) for name in layer.inputs[:2])
    sums = f.linear(x.reshape(len(x), weights.shape[1]), weights).double()
    sums = sums + values[layer.inputs[2]].double() if layer.inputs[2] else sums
    return _stored(network, layer, _away(sums * torch.tensor(_factors(network, layer))).float())


def _pooled(network: Network, layer: Layer, values: Constants) -> Tensor:
    (name,), operator = layer.inputs, _operator(layer)
    if operator.function is ops.Pooling.MAX:
        low, high = activation_range(operator.activation, network.tensors[layer.outputs[0]])
        return _pool(operator, values[name]).clamp(low, high)
    return _stored(network, layer, _away(_pool(operator, _offset(network, name, values))))


def _averaged(network: Network, layer: Layer, values: Constants) -> Tensor:
    x, operator = _offset(network, layer.inputs[0], values), _operator(layer)
    count = prod(x.shape[axis] for axis in operator.axes)
    factor = divided(quantize_multiplier(_ratio(network, layer)), count)
    return _requantized(network, layer, (_mean(operator, x) * count).round_(), [factor])


def _added(network: Network, layer: Layer, values: Constants) -> Tensor:
    left, right = (_offset(network, name, values) * _ratio(network, layer, i) for i, name in enumerate(layer.inputs))
    return _stored(network, layer, _away(_sum(_operator(layer), left, right)))


def _reshaped(network: Network, layer: Layer, values: Constants) -> Tensor:
    del network
    return _reshape(_operator(layer), values[layer.inputs[0]])


def _rescaled(network: Network, layer: Layer, values: Constants) -> Tensor:
    return _stored(network, layer, _away(_offset(network, layer.inputs[0], values) * _ratio(network, layer)))


INTEGERS: Mapping[type, Callable[[Network, Layer, Constants], Tensor]] = {
    ops.Conv2D: _summed,
    ops.DepthwiseConv2D: _summed,
    ops.FullyConnected: _fully_connected,
    ops.Pool2D: _pooled,
    ops.Binary: _added,
    ops.Reduce: _averaged,
    ops.Reshape: _reshaped,
    ops.Quantize: _rescaled,
}


def outputs(network: Network, x: np.ndarray) -> np.ndarray:
    """Outputs [samples, classes] of a float or int8 network for real inputs [samples, channels, height, width]."""
    constants = constants_of(network)
    run = forward if network.tensors[network.inputs[0]].quantization is None else integers
    with torch.inference_mode():
        parts = (stored_order(torch.from_numpy(x[place : place + BATCH])) for place in range(0, len(x), BATCH))
        found = [run(network, constants, part) for part in parts]
    return np.concatenate([each.reshape(len(each), -1).numpy() for each in found])


def right(network: Network, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Which samples get their class: bool [samples]. Of equal outputs the first counts, as on a board."""
    return np.asarray(outputs(network, x).argmax(1) == y)

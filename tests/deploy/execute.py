"""A slow executor of networks on plain integers, unscaled: enough to tell whether a rewriting computes the same."""

from __future__ import annotations

import numpy as np

from mcusim.network import Layer, Network
from mcusim.network.operators import Concatenation, Conv2D, DepthwiseConv2D, Pad, Pool2D, Slice, Unary

Values = dict[str, np.ndarray]


def execute(network: Network, inputs: Values) -> list[np.ndarray]:
    """Outputs of a network; its tensors are int64, wrapped to 16 bits after each layer, without zero points."""
    values = {name: t.data.astype(np.int64) for name, t in network.tensors.items() if t.data is not None} | inputs
    for layer in network.layers:
        (values[layer.outputs[0]],) = [(_layer(layer, values) + 2**15) % 2**16 - 2**15]
        assert values[layer.outputs[0]].shape == network.outputs_of(layer)[0].shape, layer.name
    return [values[name] for name in network.outputs]


def _layer(layer: Layer, values: Values) -> np.ndarray:
    x = values[layer.inputs[0]]
    match layer.operator:
        case Slice(begin=begin, size=size):
            return x[tuple(slice(b, b + s) for b, s in zip(begin, size, strict=True))]
        case Concatenation(axis=axis):
            return np.concatenate([values[name] for name in layer.inputs], axis)
        case Unary():
            return np.maximum(x, 0)
        case Pad(before=before, after=after, value=value):
            return np.pad(x, list(zip(before, after, strict=True)), constant_values=int(value))
        case Conv2D() | DepthwiseConv2D():
            return _convolution(layer, x, values[layer.inputs[1]])
        case Pool2D() as pool:
            return _windows(x, pool.window, (1, 1), pool, -(10**6)).max(axis=3)
    raise AssertionError(f"{layer.operator} is not executed here")


def _convolution(layer: Layer, x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    operator = layer.operator
    assert isinstance(operator, Conv2D | DepthwiseConv2D)
    windows = _windows(x, weights.shape[1:3], operator.dilation, operator, 0)
    flat = weights.reshape(weights.shape[0], -1, weights.shape[3])
    if isinstance(operator, DepthwiseConv2D):
        return (windows * flat[0]).sum(axis=3)
    return np.einsum("nhwtc,otc->nhwo", windows, flat)


def _windows(x: np.ndarray, taps, dilation, operator, border: int) -> np.ndarray:
    """[N,H,W,taps,C]: what each output pixel reads."""
    p, (down, right) = operator.padding, operator.stride
    padded = np.pad(x, [(0, 0), (p.top, p.bottom), (p.left, p.right), (0, 0)], constant_values=border)
    high = (padded.shape[1] - (taps[0] - 1) * dilation[0] - 1) // down + 1
    wide = (padded.shape[2] - (taps[1] - 1) * dilation[1] - 1) // right + 1
    pieces = [
        padded[:, i * dilation[0] :, j * dilation[1] :][:, ::down, ::right][:, :high, :wide]
        for i in range(taps[0])
        for j in range(taps[1])
    ]
    return np.stack(pieces, axis=3)

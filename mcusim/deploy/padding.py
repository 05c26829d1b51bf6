"""Padding: layers that only add a border of zeros become padding of the convolutions and maximum poolings that read them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mcusim.network import ElementType, Layer, Network, Tensor
from mcusim.network.operators import Conv2D, DepthwiseConv2D, Operator, Pad, Padding, Pool2D, Pooling


def fuse_padding(network: Network) -> Network:
    """``network`` without the Pad layers of rows and columns of zeros that only convolutions read; the results are the same.

    A maximum pooling may read them too, where no stored value is below that of zero: then a zero never wins.
    """
    for layer in network.layers:
        if isinstance(layer.operator, Pad) and _is_border(network, layer):
            return fuse_padding(_without(network, layer))
    return network


def _is_border(network: Network, layer: Layer) -> bool:
    operator, source, padded = layer.operator, network.tensors[layer.inputs[0]], layer.outputs[0]
    assert isinstance(operator, Pad)
    flat = len(operator.before) == 4 and not any(operator.before[axis] or operator.after[axis] for axis in (0, 3))
    zero = source.quantization.zero_points[0] if source.quantization else 0
    same = source.quantization == network.tensors[padded].quantization and operator.value == zero
    readers = list(network.readers(padded))
    return flat and same and bool(readers) and padded not in network.outputs and all(
        padded not in reader.inputs[1:] and _takes_padding(reader.operator, operator, source) for reader in readers
    )  # fmt: skip


def _takes_padding(operator: Operator, pad: Pad, source: Tensor) -> bool:
    if isinstance(operator, Pool2D) and operator.function is Pooling.MAX and source.quantization:
        wider = _wider(operator, pad).padding
        inside = max(wider.top, wider.bottom) < operator.window[0] and max(wider.left, wider.right) < operator.window[1]
        return inside and LOWEST.get(source.type) == source.quantization.zero_points[0]
    return isinstance(operator, Conv2D | DepthwiseConv2D)


LOWEST = {ElementType.INT8: -128, ElementType.UINT8: 0}
"""The lowest stored values of types whose zero may be the lowest, as it is behind a ReLU."""


def _without(network: Network, layer: Layer) -> Network:
    pad, padded = layer.operator, layer.outputs[0]
    assert isinstance(pad, Pad)
    layers = []
    for other in network.layers:
        if padded in other.inputs:
            other = replace(other, operator=_wider(other.operator, pad), inputs=(layer.inputs[0], *other.inputs[1:]))
        if other.name != layer.name:
            layers.append(other)
    tensors = {name: tensor for name, tensor in network.tensors.items() if name != padded}
    return replace(network, tensors=tensors, layers=tuple(layers))


def _wider(reader: Any, pad: Pad) -> Any:
    old = reader.padding
    return replace(reader, padding=Padding(
        old.top + pad.before[1], old.bottom + pad.after[1], old.left + pad.before[2], old.right + pad.after[2]
    ))  # fmt: skip

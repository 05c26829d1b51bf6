"""Multiply-accumulates of layers, counted from shapes: elements that padding adds count as if computed."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from mcusim.network import operators as ops
from mcusim.network.network import Layer, Network

Shape = tuple[int, ...]


def layer_macs(network: Network, layer: Layer) -> int:
    """Multiply-accumulates of one layer for one inference; 0 for operators that have none (additions, pooling, softmax...)."""
    rule = RULES.get(type(layer.operator))
    if rule is None:
        return 0
    inputs = [(0,) if tensor is None else tensor.shape for tensor in network.inputs_of(layer)]
    return rule(layer.operator, inputs, network.outputs_of(layer)[0].shape)


def network_macs(network: Network) -> int:
    """Multiply-accumulates of all layers for one inference."""
    return sum(layer_macs(network, layer) for layer in network.layers)


def _conv(_: Any, inputs: list[Shape], output: Shape) -> int:
    return prod(output) * prod(inputs[1][1:])


def _depthwise(_: Any, inputs: list[Shape], output: Shape) -> int:
    return prod(output) * inputs[1][1] * inputs[1][2]


def _transpose_conv(_: Any, inputs: list[Shape], output: Shape) -> int:
    return prod(inputs[0]) * prod(inputs[1][:3])


def _fully_connected(_: Any, inputs: list[Shape], output: Shape) -> int:
    return prod(output) * inputs[1][1]


def _matmul(operator: ops.BatchMatMul, inputs: list[Shape], output: Shape) -> int:
    return prod(output) * inputs[0][-2 if operator.transpose_left else -1]


def _svdf(_: Any, inputs: list[Shape], output: Shape) -> int:
    return inputs[0][0] * (prod(inputs[1]) + prod(inputs[2]))


def _lstm(_: Any, inputs: list[Shape], output: Shape) -> int:
    matrices = sum(prod(shape) for shape in inputs[1:9] + inputs[16:17])
    return inputs[0][0] * inputs[0][1] * matrices


RULES: dict[type, Callable[[Any, list[Shape], Shape], int]] = {
    ops.Conv2D: _conv,
    ops.DepthwiseConv2D: _depthwise,
    ops.TransposeConv2D: _transpose_conv,
    ops.FullyConnected: _fully_connected,
    ops.BatchMatMul: _matmul,
    ops.Svdf: _svdf,
    ops.UnidirectionalLstm: _lstm,
}
"""Operators with multiply-accumulates: (operator, shapes of inputs, shape of the output) -> number."""

"""fused: a float network with fewer layers that computes the same: scales and activations go into the layers before them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from mcusim.network import operators as ops
from mcusim.network.network import Layer, Network
from mcusim.network.tensor import ElementType, Tensor

CHANNEL_AXES: dict[type, int] = {ops.Conv2D: 0, ops.DepthwiseConv2D: 3, ops.TransposeConv2D: 0, ops.FullyConnected: 0}
"""Operators with filter and bias, and the axis of the filter that is the output's last."""
ACTIVATIONS = {
    ops.Function.RELU: ops.Activation.RELU,
    ops.Function.RELU6: ops.Activation.RELU6,
    ops.Function.RELU_N1_TO_1: ops.Activation.RELU_N1_TO_1,
}
ACTIVATED = (*CHANNEL_AXES, ops.Binary, ops.Pool2D)


def fused(network: Network, fixed: Collection[str] = ()) -> Network:
    """Normalisations in filters and biases, rectifiers in the layers before, SiLU and hard swish as one function.

    Tensors of ``fixed`` (whose scales are given) stay, and so do filters of that kind.
    """
    return _Fusion(network, fixed).result()


class _Fusion:
    """A network in the course of being fused: layers by the tensor that they write."""

    def __init__(self, network: Network, fixed: Collection[str]) -> None:
        self.network, self.fixed = network, fixed
        self.tensors = dict(network.tensors)
        self.layers: list[Layer] = []
        self.writers: dict[str, int] = {}
        self.readers: dict[str, int] = {}
        for layer in network.layers:
            for name in layer.inputs:
                self.readers[name] = self.readers.get(name, 0) + 1
        for name in network.outputs:
            self.readers[name] = self.readers.get(name, 0) + 1

    def result(self) -> Network:
        for layer in self.network.layers:
            self.add(layer)
        needed, layers = set(self.network.outputs), []
        for layer in reversed(self.layers):
            if needed & set(layer.outputs):
                needed |= {*layer.inputs, *layer.outputs}
                layers.append(layer)
        kept = needed | set(self.network.inputs)
        tensors = {name: tensor for name, tensor in self.tensors.items() if name in kept}
        return replace(self.network, tensors=tensors, layers=tuple(reversed(layers)))

    def add(self, layer: Layer) -> None:
        for fuse in (self.scaled, self.activated, self.gated, self.hard_gated):
            if fuse(layer):
                return
        self.writers |= dict.fromkeys(layer.outputs, len(self.layers))
        self.layers.append(layer)

    def before(self, name: str) -> int | None:
        """The layer whose only output is read here alone, and is not fixed."""
        index = self.writers.get(name)
        if index is None or self.readers[name] != 1 or name in self.fixed or len(self.layers[index].outputs) != 1:
            return None
        return index

    def renewed(self, index: int, layer: Layer, outputs: tuple[str, ...]) -> bool:
        self.layers[index] = replace(layer, outputs=outputs)
        self.writers[outputs[0]] = index
        return True

    def activated(self, layer: Layer) -> bool:
        operator = layer.operator
        if not isinstance(operator, ops.Unary) or operator.function not in ACTIVATIONS:
            return False
        index = self.before(layer.inputs[0])
        if index is None:
            return False
        writer = self.layers[index]
        before: Any = writer.operator
        if type(before) not in ACTIVATED or before.activation is not ops.Activation.NONE:
            return False
        if isinstance(before, ops.Binary) and before.function in (ops.Arithmetic.MINIMUM, ops.Arithmetic.MAXIMUM):
            return False
        active = replace(before, activation=ACTIVATIONS[operator.function])
        return self.renewed(index, replace(writer, operator=active), layer.outputs)

    def gated(self, layer: Layer) -> bool:
        """x * logistic(x)."""
        if layer.operator != ops.Binary(ops.Arithmetic.MUL):
            return False
        for x, gate in (layer.inputs, layer.inputs[::-1]):
            index = self.before(gate)
            if index is None:
                continue
            writer = self.layers[index]
            if writer.operator == ops.Unary(ops.Function.LOGISTIC) and writer.inputs == (x,):
                self.readers[x] -= 1
                return self.renewed(index, replace(writer, operator=ops.Unary(ops.Function.SILU)), layer.outputs)
        return False

    def hard_gated(self, layer: Layer) -> bool:
        """x * relu6(x + 3) / 6, the sixth taken of the product or of the gate."""
        if layer.operator != ops.Binary(ops.Arithmetic.MUL):
            return False
        for left, right in (layer.inputs, layer.inputs[::-1]):
            x = self.hard_gate(self.sixth(right)) if self.plain(left) is None else None
            if x is None or x != left:
                x = self.hard_product(left) if self.is_number(right, 1 / 6) else None
            if x is not None:
                self.writers[layer.outputs[0]] = len(self.layers)
                self.layers.append(Layer(layer.name, ops.Unary(ops.Function.HARD_SWISH), (x,), layer.outputs))
                return True
        return False

    def is_number(self, name: str, value: float) -> bool:
        data = self.plain(name)
        return data is not None and data.size == 1 and abs(data.reshape(-1)[0] - value) < 1e-6

    def written(self, name: str, operator: ops.Operator) -> tuple[str, ...]:
        """Inputs of the layer that writes a tensor for one reader, if it is of that operator."""
        index = self.before(name)
        return self.layers[index].inputs if index is not None and self.layers[index].operator == operator else ()

    def sixth(self, name: str) -> str:
        inputs = self.written(name, ops.Binary(ops.Arithmetic.MUL))
        return inputs[0] if inputs and self.is_number(inputs[1], 1 / 6) else ""

    def hard_gate(self, name: str) -> str | None:
        """x of relu6(x + 3)."""
        inputs = self.written(name, ops.Binary(ops.Arithmetic.ADD, ops.Activation.RELU6))
        return inputs[0] if inputs and self.is_number(inputs[1], 3.0) else None

    def hard_product(self, name: str) -> str | None:
        """x of x * relu6(x + 3)."""
        inputs = self.written(name, ops.Binary(ops.Arithmetic.MUL))
        return next((x for x, gate in (inputs, inputs[::-1]) if self.hard_gate(gate) == x), None) if inputs else None

    def scaled(self, layer: Layer) -> bool:
        """A factor or an offset for each channel."""
        factors = self.factors(layer)
        index = self.before(layer.inputs[0]) if factors is not None else None
        if factors is None or index is None:
            return False
        writer = self.layers[index]
        before: Any = writer.operator
        axis = CHANNEL_AXES.get(type(before))
        if axis is None or before.activation is not ops.Activation.NONE:
            return False
        x, filters, bias = writer.inputs
        weights = self.tensors[filters].data
        old = self.tensors[bias].data if bias else None
        channels = self.tensors[layer.outputs[0]].shape[-1]
        factor, offset, activation = factors
        kept = filters in self.fixed
        if weights is None or (bias and old is None) or factor.size not in (1, channels) or (kept and (factor != 1).any()):
            return False
        across = [1] * weights.ndim
        across[axis] = -1
        moved = np.broadcast_to(offset + (0 if old is None else old * factor), (channels,))
        inputs = (
            x,
            filters if kept or (factor == 1).all() else self.constant(filters, weights * factor.reshape(across)),
            self.constant(bias or f"{writer.name}/bias", moved) if moved.any() or bias else "",
        )
        active = replace(before, activation=activation)
        return self.renewed(index, replace(writer, operator=active, inputs=inputs), layer.outputs)

    def factors(self, layer: Layer) -> tuple[np.ndarray, np.ndarray, ops.Activation] | None:
        """Factor and offset of a layer that does no more than that, in double precision, and its activation."""
        operator, constants = layer.operator, [self.plain(name) for name in layer.inputs[1:]]
        shape = self.tensors[layer.outputs[0]].shape
        if self.tensors[layer.inputs[0]].shape != shape or not constants or constants[0] is None:
            return None
        value = constants[0]
        if isinstance(operator, ops.DepthwiseConv2D):
            bias = constants[1] if len(constants) > 1 else None
            if value.shape[1:3] != (1, 1) or operator != ops.DepthwiseConv2D(activation=operator.activation):
                return None
            if bias is None and layer.inputs[2:] != ("",):
                return None
            return value.reshape(-1), np.zeros(1) if bias is None else bias.reshape(-1), operator.activation
        if not isinstance(operator, ops.Binary) or operator.function not in AFFINE or value.size != prod(value.shape[-1:]):
            return None
        factor, offset = AFFINE[operator.function](value.reshape(-1))
        return factor, offset, operator.activation

    def plain(self, name: str) -> np.ndarray | None:
        """A constant whose scales are not given."""
        tensor = self.tensors.get(name)
        if tensor is None or tensor.data is None or name in self.fixed:
            return None
        return tensor.data.astype(np.float64)

    def constant(self, name: str, data: np.ndarray) -> str:
        name = f"{name}/folded"
        while name in self.tensors:
            name += "_"
        values = np.array(data, np.float32)
        values.flags.writeable = False
        self.tensors[name] = Tensor(name, values.shape, ElementType.FLOAT32, data=values)
        return name


AFFINE = {
    ops.Arithmetic.MUL: lambda value: (value, np.zeros(1)),
    ops.Arithmetic.ADD: lambda value: (np.ones(1), value),
    ops.Arithmetic.SUB: lambda value: (np.ones(1), -value),
}
"""What x joined with a constant comes to: factor and offset."""

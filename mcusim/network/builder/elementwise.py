"""Elementwise: arithmetic, functions of each element, and softmax."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from mcusim.network import operators as ops
from mcusim.network.builder.draft import Constant, Operand
from mcusim.network.builder.ordering import Ordering
from mcusim.network.layout import Value, value_of
from mcusim.network.limits import axis_of
from mcusim.network.network import Unsupported

RECTIFIERS = {
    ops.Function.RELU: ops.Activation.RELU,
    ops.Function.RELU6: ops.Activation.RELU6,
    ops.Function.RELU_N1_TO_1: ops.Activation.RELU_N1_TO_1,
}


class Elementwise(Ordering):
    """Layers that leave each element where it is."""

    def binary(
        self,
        output: str,
        function: ops.Arithmetic,
        left: Operand,
        right: Operand,
        activation: ops.Activation = ops.Activation.NONE,
    ) -> Value:
        if isinstance(left, Constant) and function is not ops.Arithmetic.SUB:
            left, right = right, left
        operator, rank = ops.Binary(function, activation), max(len(left.shape), len(right.shape))
        values = [x for x in (left, right) if isinstance(x, Value)]
        if not values:
            raise Unsupported("arithmetic on two constants")
        if len(values) == 2 and self.alike(*values):
            (name,) = self.emit(operator, [x.name for x in values], output)
            return replace(values[0], name=name)
        if len(values) == 1 and all(x is values[0] or prod(x.shape) == 1 for x in (left, right)):
            names = [self.scalar(x) if isinstance(x, Constant) else x.name for x in (left, right)]
            (name,) = self.emit(operator, names, output)
            return replace(values[0], name=name, shape=(1,) * (rank - len(values[0].shape)) + values[0].shape)
        sides = [self.reshape(x, (1,) * (rank - len(x.shape)) + x.shape) for x in (left, right)]
        axes = self.axes(max((x for x in sides if isinstance(x, Value)), key=lambda x: prod(x.shape)))
        (name,) = self.emit(operator, [self.stored(x, axes) for x in sides], output)
        stored = self.tensors[name].shape
        return value_of(name, [stored[axes.index(axis)] for axis in range(rank)], axes)

    def divided(self, output: str, x: Operand, divisor: Constant) -> Value:
        inverse = Constant(f"{divisor.name}/inverse", 1.0 / divisor.data.astype(np.float64))
        return self.binary(output, ops.Arithmetic.MUL, x, inverse)

    def alike(self, left: Value, right: Value) -> bool:
        same = left.shape == right.shape and left.parts == right.parts and left.order == right.order
        return same and self.tensors[left.name].shape == self.tensors[right.name].shape

    def scalar(self, constant: Constant) -> str:
        return self.constant(constant, constant.data.reshape(()))

    def number(self, value: float, name: str = "") -> Constant:
        return Constant(name or f"{self.label}/constant", np.array(value, np.float32))

    def unary(self, output: str, function: ops.Function, x: Value, alpha: float = 0.0) -> Value:
        (name,) = self.emit(ops.Unary(function, alpha), [x.name], output)
        return replace(x, name=name)

    def clip(self, output: str, x: Value, low: float, high: float) -> Value:
        """Bounded: by an activation where there is one, else by a maximum and a minimum."""
        for function, activation in RECTIFIERS.items():
            if activation.value == (low, high):
                return self.unary(output, function, x)
        if np.isfinite(low):
            x = self.binary(output, ops.Arithmetic.MAXIMUM, x, self.number(low))
        if np.isfinite(high):
            x = self.binary(output, ops.Arithmetic.MINIMUM, x, self.number(high))
        return x

    def hard_sigmoid(self, output: str, x: Value, alpha: float = 1 / 6, beta: float = 0.5) -> Value:
        """relu6(6 alpha x + 6 beta) / 6."""
        if abs(6 * alpha - 1) > 1e-6:
            x = self.binary(f"{output}/slope", ops.Arithmetic.MUL, x, self.number(6 * alpha))
        x = self.binary(f"{output}/sum", ops.Arithmetic.ADD, x, self.number(6 * beta), ops.Activation.RELU6)
        return self.binary(output, ops.Arithmetic.MUL, x, self.number(1 / 6))

    def slopes(self, output: str, x: Value, slope: Constant) -> Value:
        """Leaky with a slope for each channel (axis 1), or one."""
        if slope.data.size == 1:
            return self.unary(output, ops.Function.LEAKY_RELU, x, float(slope.data.reshape(-1)[0]))
        above = self.unary(f"{output}/above", ops.Function.RELU, x)
        below = self.binary(f"{output}/below", ops.Arithmetic.MINIMUM, x, self.number(0.0))
        below = self.binary(f"{output}/slope", ops.Arithmetic.MUL, below, slope)
        return self.binary(output, ops.Arithmetic.ADD, above, below)

    def softmax(self, output: str, x: Value, axis: int) -> Value:
        axis = axis_of(axis, len(x.shape))
        axes = self.axes(x)
        axes = (*(a for a in axes if a != axis), axis)
        (name,) = self.emit(ops.Softmax(), [self.stored(x, axes)], output)
        return value_of(name, x.shape, axes)

"""Arithmetic, functions of each element, and softmax."""

from __future__ import annotations

import numpy as np

from mcusim.network import operators as ops
from mcusim.network.builder import Constant, Operand
from mcusim.network.layout import Value
from mcusim.network.network import Unsupported
from mcusim.network.torch.view import Item, Translation, View


def binary(function: ops.Arithmetic, reverse: bool = False) -> Translation:
    def translate(view: View) -> Item:
        left, right = view.operand(0), view.operand(1)
        alpha = view.keywords.get("alpha", 1)
        if alpha != 1:
            right = _times(view, right, float(alpha))
        left, right = (right, left) if reverse else (left, right)
        return view.builder.binary(view.output, function, left, right)

    return translate


def _times(view: View, x: Operand, factor: float) -> Operand:
    if isinstance(x, Constant):
        return Constant(f"{x.name}/scaled", x.data * factor)
    return view.builder.binary(f"{view.output}/scaled", ops.Arithmetic.MUL, x, view.builder.number(factor))


def negative(view: View) -> Item:
    return _times(view, view.value(0), -1.0)


def divided(view: View) -> Item:
    divisor = view.operand(1)
    if isinstance(divisor, Value) or not np.all(divisor.data) or view.keywords.get("rounding_mode"):
        raise Unsupported("its divisor is not constant, or zero, or its quotient is rounded")
    return view.builder.divided(view.output, view.operand(0), divisor)


def power(view: View) -> Item:
    if view.get(1) != 2:
        raise Unsupported(f"its exponent is {view.get(1)!r}; 2 is supported")
    return view.builder.binary(view.output, ops.Arithmetic.MUL, view.value(0), view.value(0))


def unary(function: ops.Function) -> Translation:
    return lambda view: view.builder.unary(view.output, function, view.value(0))


def leaky_relu(view: View) -> Item:
    alpha = float(view.get(1, "negative_slope", 0.01))
    return view.builder.unary(view.output, ops.Function.LEAKY_RELU, view.value(0), alpha)


def clip(low: float, high: float) -> Translation:
    def translate(view: View) -> Item:
        bounds = float(view.get(1, "min_val", low)), float(view.get(2, "max_val", high))
        return view.builder.clip(view.output, view.value(0), *bounds)

    return translate


def prelu(view: View) -> Item:
    x, slope = view.value(0), view.builder.known(view.operand(1), "slope")
    if len(slope.shape) == 1 and len(x.shape) > 2:
        slope = Constant(slope.name, slope.data.reshape(-1, *(1,) * (len(x.shape) - 2)))
    return view.builder.slopes(view.output, x, slope)


def hard_sigmoid(view: View) -> Item:
    return view.builder.hard_sigmoid(view.output, view.value(0))


def softmax(view: View) -> Item:
    return view.builder.softmax(view.output, view.value(0), view.get(1, "dim"))

"""Arithmetic, functions of each element, and softmax."""

from __future__ import annotations

from math import prod

import numpy as np

from mcusim.network import operators as ops
from mcusim.network.layout import Value
from mcusim.network.limits import axis_of
from mcusim.network.network import Unsupported
from mcusim.network.onnx.file import NUMBERS
from mcusim.network.onnx.view import Item, Translation, View


def binary(function: ops.Arithmetic) -> Translation:
    """Two or more, one after another."""

    def translate(view: View) -> list[Item]:
        result = view.operand(0)
        for index in range(1, len(view.inputs)):
            result = view.builder.binary(view.output, function, result, view.operand(index))
        return [result]

    return translate


def divided(view: View) -> list[Item]:
    divisor = view.operand(1)
    if isinstance(divisor, Value) or not np.all(divisor.data):
        raise Unsupported("its divisor is not constant, or zero")
    return [view.builder.divided(view.output, view.operand(0), divisor)]


def negative(view: View) -> list[Item]:
    return [view.builder.binary(view.output, ops.Arithmetic.MUL, view.value(0), view.builder.number(-1.0))]


def power(view: View) -> list[Item]:
    if view.number(1, "exponent") != 2:
        raise Unsupported(f"its exponent is {view.number(1, 'exponent')}; 2 is supported")
    return [view.builder.binary(view.output, ops.Arithmetic.MUL, view.value(0), view.value(0))]


def unary(function: ops.Function) -> Translation:
    return lambda view: [view.builder.unary(view.output, function, view.value(0))]


def clip(view: View) -> list[Item]:
    low, high = (
        view.number(i, name) if view.optional(i) is not None else float(view.get(name, default))
        for i, name, default in ((1, "min", float("-inf")), (2, "max", float("inf")))
    )
    low, high = (float(np.sign(b)) * np.inf if abs(b) > 1e38 else b for b in (low, high))
    return [view.builder.clip(view.output, view.value(0), low, high)]


def hard_sigmoid(view: View) -> list[Item]:
    alpha, beta = float(view.get("alpha", 0.2)), float(view.get("beta", 0.5))
    return [view.builder.hard_sigmoid(view.output, view.value(0), alpha, beta)]


def leaky_relu(view: View) -> list[Item]:
    return [view.builder.unary(view.output, ops.Function.LEAKY_RELU, view.value(0), float(view.get("alpha", 0.01)))]


def prelu(view: View) -> list[Item]:
    slope = view.operand(1)
    if isinstance(slope, Value):
        raise Unsupported("its slope is not constant")
    return [view.builder.slopes(view.output, view.value(0), slope)]


def softmax(view: View) -> list[Item]:
    x, builder = view.value(0), view.builder
    if view.opset >= 13:
        return [builder.softmax(view.output, x, view.get("axis", -1))]
    axis = axis_of(view.get("axis", 1), len(x.shape))
    flat = builder.reshape(x, (prod(x.shape[:axis]), prod(x.shape[axis:])))
    assert isinstance(flat, Value)
    return [builder.reshape(builder.softmax(view.output, flat, 1), x.shape)]


def cast(view: View) -> list[Item]:
    if NUMBERS.get(view.get("to", 0)) not in ("float32", "float64"):
        raise Unsupported(f"it casts to {NUMBERS.get(view.get('to', 0), view.get('to', 0))}; to float is supported")
    return [view.operand(0)]

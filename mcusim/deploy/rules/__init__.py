"""How each operator becomes calls of kernels: one function an operator, in a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mcusim.deploy.call import Call, Copy
from mcusim.deploy.rules import (
    activation,
    coding,
    convolution,
    elementwise,
    floats,
    pooling,
    products,
    recurrent,
    reduction,
    shaping,
)
from mcusim.deploy.rules.subject import Subject
from mcusim.network import ElementType
from mcusim.network import operators as ops

Rule = Callable[[Subject], tuple[Call | Copy, ...]]

INTEGERS: Mapping[type, Rule] = {
    ops.Conv2D: convolution.convolution,
    ops.DepthwiseConv2D: convolution.depthwise,
    ops.TransposeConv2D: convolution.transposed,
    ops.FullyConnected: convolution.fully_connected,
    ops.BatchMatMul: products.batch_matmul,
    ops.Pool2D: pooling.pool,
    ops.Binary: elementwise.binary,
    ops.Unary: coding.unary,
    ops.Quantize: coding.quantize,
    ops.Dequantize: coding.dequantize,
    ops.Reduce: reduction.reduce,
    ops.Softmax: activation.softmax,
    ops.Reshape: shaping.reshape,
    ops.Concatenation: shaping.concatenation,
    ops.Split: shaping.split,
    ops.Slice: shaping.cut,
    ops.Transpose: shaping.transpose,
    ops.Pad: shaping.pad,
    ops.ResizeNearest: shaping.resize_nearest,
    ops.Svdf: recurrent.svdf,
    ops.UnidirectionalLstm: recurrent.lstm,
}
"""Rules of layers of integers, and of those that only move elements."""


def _by_type(integers: Rule, of_floats: Rule) -> Rule:
    return lambda subject: (of_floats if subject.output.type is ElementType.FLOAT32 else integers)(subject)


RULES: Mapping[type, Rule] = {
    kind: _by_type(rule, floats.RULES[kind]) if kind in floats.RULES else rule for kind, rule in INTEGERS.items()
}
"""Operators that can be lowered."""

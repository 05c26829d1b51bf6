"""Convolutions, normalisations and products of matrices."""

from __future__ import annotations

import numpy as np

from mcusim.network.builder import Constant, Operand
from mcusim.network.network import Unsupported
from mcusim.network.torch.view import Item, View


def convolution(view: View) -> Item:
    x, weights, bias = view.operand(0), view.operand(1), view.optional(2)
    rank = len(x.shape) - 2
    stride, pads = view.numbers(3, "stride", rank), view.numbers(4, "padding", rank)
    dilation, extra = view.numbers(5, "dilation", rank), view.numbers(7, "output_padding", rank)
    if not view.get(6):
        return view.builder.conv(
            view.output, x, weights, bias, stride=stride, dilation=dilation, pads=[*pads, *pads], groups=view.get(8)
        )
    if view.get(8) != 1 or set(dilation) != {1}:
        raise Unsupported("a transposed convolution with groups or dilation is not supported")
    return view.builder.conv_transpose(view.output, x, weights, bias, stride=stride, pads=[*pads, *pads], extra=extra)


def normalization(view: View) -> tuple[Operand, ...]:
    """Of running statistics: (input, weight, bias, mean, variance, momentum, epsilon)."""
    mean, variance = (view.builder.known(view.operand(i), "statistics").data.astype(np.float64) for i in (3, 4))
    weight, bias = (None if (x := view.optional(i)) is None else view.builder.known(x, "scale").data for i in (1, 2))
    factor = (1.0 if weight is None else weight) / np.sqrt(variance + float(view.get(6)))
    offset = (0.0 if bias is None else bias) - mean * factor
    return (view.builder.normalized(view.output, view.value(0), factor, offset),)


def linear(view: View) -> Item:
    x, weights = view.value(0), view.builder.known(view.operand(1), "weights")
    return view.builder.linear(view.output, x, weights, view.optional(2))


def addmm(view: View) -> Item:
    builder, bias, x = view.builder, view.operand(0), view.value(1)
    weights = builder.transpose(builder.known(view.operand(2), "second matrix"), (1, 0))
    if view.keywords.get("alpha", 1) != 1 or view.keywords.get("beta", 1) != 1 or not isinstance(weights, Constant):
        raise Unsupported("a product scaled by alpha or beta is not supported")
    return builder.linear(view.output, x, weights, bias)


def matmul(view: View) -> Item:
    return view.builder.matmul(view.output, view.operand(0), view.operand(1))

"""Convolutions, fully connected layers and products of matrices."""

from __future__ import annotations

from typing import Any

import tflite

from mcusim.network import operators as ops
from mcusim.network.limits import pair
from mcusim.network.network import Unsupported
from mcusim.network.tensor import Tensor
from mcusim.network.tflite.options import activation_of, bias_of, padding_of, refuse_hybrid, stride_of
from mcusim.network.tflite.view import Step, View


def convolution(view: View) -> list[Step]:
    options = view.options(tflite.Conv2DOptions)
    x, weights = view.image(0), view.image(1, "filter")
    refuse_hybrid(x, weights)
    operator = ops.Conv2D(*_steps(options, x, weights), activation_of(options))
    return view.step(operator, x, weights, bias_of(view, 2, options, weights.shape[0]))


def depthwise(view: View) -> list[Step]:
    options = view.options(tflite.DepthwiseConv2DOptions)
    x, weights = view.image(0), view.image(1, "filter")
    refuse_hybrid(x, weights)
    multiplier = weights.shape[3] // max(x.shape[3], 1)
    operator = ops.DepthwiseConv2D(*_steps(options, x, weights), multiplier, activation_of(options))
    return view.step(operator, x, weights, view.optional(2))


def _steps(options: Any, x: Tensor, weights: Tensor) -> tuple[ops.Pair, ops.Pair, ops.Padding]:
    """Stride, dilation and padding of a filter [.,H,W,.]."""
    window = pair(weights.shape[1], weights.shape[2], "filter")
    stride = stride_of(options)
    dilation = pair(options.DilationHFactor(), options.DilationWFactor(), "dilation")
    return stride, dilation, padding_of(options, x.shape[1:3], window, stride, dilation)


def transposed(view: View) -> list[Step]:
    options = view.options(tflite.TransposeConvOptions)
    weights, x = view.image(1, "filter"), view.image(2)
    refuse_hybrid(x, weights)
    shape = view.whole(0, "output shape")
    if len(shape) != 4 or shape[0] != x.shape[0] or shape[3] != weights.shape[0]:
        raise Unsupported(f"its output shape {shape} does not go with its input {x.shape} and filter {weights.shape}")
    size = pair(shape[1], shape[2], "output")
    stride = stride_of(options)
    padding = padding_of(options, size, (weights.shape[1], weights.shape[2]), stride)
    operator = ops.TransposeConv2D(stride, padding, size, activation_of(options))
    return view.step(operator, x, weights, bias_of(view, 3, options, weights.shape[0]))


def fully_connected(view: View) -> list[Step]:
    options = view.options(tflite.FullyConnectedOptions)
    if options.WeightsFormat() != tflite.FullyConnectedOptionsWeightsFormat.DEFAULT:
        raise Unsupported("its weights are shuffled; the default format is supported")
    x, weights = view.input(0), view.input(1)
    refuse_hybrid(x, weights)
    operator = ops.FullyConnected(activation_of(options), bool(options.KeepNumDims()))
    return view.step(operator, x, weights, bias_of(view, 2, options, weights.shape[0] if weights.shape else 0))


def batch_matmul(view: View) -> list[Step]:
    options = view.options(tflite.BatchMatMulOptions)
    refuse_hybrid(view.input(0), view.input(1))
    return view.step(ops.BatchMatMul(bool(options.AdjX()), bool(options.AdjY())), view.input(0), view.input(1))

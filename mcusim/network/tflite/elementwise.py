"""Arithmetic, functions of each element, softmax, and changes of scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import tflite

from mcusim.network import operators as ops
from mcusim.network.network import Unsupported
from mcusim.network.tensor import ElementType, Tensor
from mcusim.network.tflite.options import activation_of
from mcusim.network.tflite.view import Step, Translation, View


def _power_of_two(tensor: Tensor) -> bool:
    logarithm = float(np.log2(tensor.quantization.scale)) if tensor.quantization else 0.5
    return abs(logarithm - round(logarithm)) < 2e-3


def binary(function: ops.Arithmetic, kind: Any = None) -> Translation:
    def translate(view: View) -> list[Step]:
        options = view.node.options(kind) if kind else None
        left, right = view.input(0), view.input(1)
        if left.type is not right.type or left.type is not view.outputs[0].type:
            raise Unsupported(f"it joins {left.type.value} and {right.type.value} to {view.outputs[0].type.value}")
        pot = options is not None and hasattr(options, "PotScaleInt16") and options.PotScaleInt16()
        if pot and left.type is ElementType.INT16 and all(map(_power_of_two, (left, right, *view.outputs))):
            raise Unsupported("its flag pot_scale_int16 asks for the old arithmetic of 16 bit sums, which is not supported")
        return view.step(ops.Binary(function, activation_of(options) if options else ops.Activation.NONE), left, right)

    return translate


def unary(function: ops.Function) -> Translation:
    return lambda view: view.step(ops.Unary(function), view.input(0))


def leaky_relu(view: View) -> list[Step]:
    alpha = view.options(tflite.LeakyReluOptions).Alpha()
    return view.step(ops.Unary(ops.Function.LEAKY_RELU, alpha), view.input(0))


def softmax(view: View) -> list[Step]:
    return view.step(ops.Softmax(view.options(tflite.SoftmaxOptions).Beta()), view.input(0))


def quantize(view: View) -> list[Step]:
    if view.outputs[0].quantization is None:
        raise Unsupported("its output has no quantisation")
    return view.step(ops.Quantize(), view.input(0))


def dequantize(view: View) -> list[Step]:
    if view.input(0).quantization is None:
        raise Unsupported("its input has no quantisation")
    return view.step(ops.Dequantize(), view.input(0))

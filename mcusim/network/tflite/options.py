"""What the options of several operators have in common: activations, windows, padding, biases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tflite

from mcusim.network import operators as ops
from mcusim.network.limits import pair
from mcusim.network.network import Unsupported
from mcusim.network.shapes import same_padding
from mcusim.network.tensor import ElementType, Tensor
from mcusim.network.tflite.view import View

ACTIVATIONS = {
    tflite.ActivationFunctionType.NONE: ops.Activation.NONE,
    tflite.ActivationFunctionType.RELU: ops.Activation.RELU,
    tflite.ActivationFunctionType.RELU_N1_TO_1: ops.Activation.RELU_N1_TO_1,
    tflite.ActivationFunctionType.RELU6: ops.Activation.RELU6,
}
_ACTIVATION_NAMES = {value: name for name, value in vars(tflite.ActivationFunctionType).items() if isinstance(value, int)}


def activation_of(options: Any) -> ops.Activation:
    code = options.FusedActivationFunction()
    if code not in ACTIVATIONS:
        raise Unsupported(f"its fused activation {_ACTIVATION_NAMES.get(code, code)} is not supported")
    return ACTIVATIONS[code]


def stride_of(options: Any) -> ops.Pair:
    return pair(options.StrideH(), options.StrideW(), "stride")


def padding_of(
    options: Any, size: Sequence[int], window: ops.Pair, stride: ops.Pair, dilation: ops.Pair = (1, 1)
) -> ops.Padding:
    """SAME and VALID as numbers of rows and columns, for an input of ``size``."""
    code = options.Padding()
    if code == tflite.Padding.VALID:
        return ops.Padding()
    if code != tflite.Padding.SAME:
        raise Unsupported(f"its padding is of kind {code}; SAME and VALID are supported")
    top, bottom = same_padding(size[0], window[0], stride[0], dilation[0])
    left, right = same_padding(size[1], window[1], stride[1], dilation[1])
    return ops.Padding(top, bottom, left, right)


def refuse_hybrid(data: Tensor, weights: Tensor) -> None:
    """Float activations with integer weights are computed in a way of their own, which is not supported."""
    if (data.type is ElementType.FLOAT32) != (weights.type is ElementType.FLOAT32):
        raise Unsupported(
            f"its input is {data.type.value} and its weights are {weights.type.value} (dynamic-range quantisation); "
            "quantise activations too, or neither"
        )


def bias_of(view: View, index: int, options: Any, outputs: int) -> Tensor | None:
    """The bias; zeros where the options ask for accumulators of 32 bits, which the type of a bias says here."""
    bias = view.optional(index)
    if bias is not None or view.outputs[0].type is not ElementType.INT16:
        return bias
    if options.QuantizedBiasType() != tflite.TensorType.INT32:
        return None
    zeros = np.zeros(outputs, np.int32)
    zeros.flags.writeable = False
    return Tensor(view.fresh("bias"), (outputs,), ElementType.INT32, data=zeros)

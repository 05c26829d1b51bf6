"""Convolutions and fully connected layers."""

from __future__ import annotations

from math import prod

import numpy as np

from mcusim.deploy.call import Call, Context, SizeCheck, Struct
from mcusim.deploy.rules.subject import Subject, bounds, dims, near_padding, scale_of, tile, zero_of
from mcusim.network import Tensor
from mcusim.network.fixed_point import quantize_multiplier


def channel_scales(subject: Subject, weights: Tensor, channels: int) -> tuple[list[int], list[int]]:
    """Multiplier and shift of each output channel: input scale * filter scale / output scale, in double precision."""
    if weights.quantization is None:
        raise subject.refused(f"weights {weights.name!r} are not quantised")
    scales = np.asarray(weights.quantization.scales, np.float32)
    if any(weights.quantization.zero_points):
        raise subject.refused(f"weights {weights.name!r} have a zero point; allowed: symmetric ones")
    scales = np.broadcast_to(scales, (channels,))
    source, target = scale_of(subject.input(), subject), scale_of(subject.output, subject)
    pairs = [quantize_multiplier(source * float(scale) / target) for scale in scales]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def per_channel(subject: Subject, weights: Tensor, channels: int) -> Struct:
    """``cmsis_nn_per_channel_quant_params`` of a layer."""
    multipliers, shifts = channel_scales(subject, weights, channels)
    parts = (subject.constant("multiplier", multipliers), subject.constant("shift", shifts))
    return Struct("cmsis_nn_per_channel_quant_params", "quant_params", parts)


def offsets(subject: Subject) -> tuple[int, int]:
    """Input offset and output offset as the kernels want them: minus the first zero point, plus the second."""
    return -zero_of(subject.input(), subject), zero_of(subject.output, subject)


def check_types(subject: Subject) -> None:
    """int8 in, weights and out; int32 bias."""
    subject.require(("int8", "int8", "int8"), subject.input(), subject.input(1), subject.output)


def convolution(subject: Subject) -> tuple[Call, ...]:
    """``arm_convolve_wrapper_s8``."""
    check_types(subject)
    operator, weights = subject.operator, subject.input(1)
    params = Struct("cmsis_nn_conv_params", "conv_params", (
        *offsets(subject), tile(operator.stride), near_padding(operator.padding), tile(operator.dilation),
        bounds(subject, operator.activation),
    ))  # fmt: skip
    shapes = dims("input", subject.input().shape), dims("filter", weights.shape), dims("output", subject.output.shape)
    bias = subject.bias(2)
    return (
        Call(
            "arm_convolve_wrapper_s8",
            (Context(), params, per_channel(subject, weights, weights.shape[0]),
             shapes[0], subject.value(subject.input()), shapes[1], subject.weights(1, "weights"),
             dims("bias", (weights.shape[0],)), bias, shapes[2], subject.value(subject.output)),
            checks=(SizeCheck("arm_convolve_wrapper_s8_get_buffer_size", (params, *shapes)),),
        ),
    )  # fmt: skip


def depthwise(subject: Subject) -> tuple[Call, ...]:
    """``arm_depthwise_conv_wrapper_s8``."""
    check_types(subject)
    operator, weights = subject.operator, subject.input(1)
    params = Struct("cmsis_nn_dw_conv_params", "dw_conv_params", (
        *offsets(subject), operator.multiplier, tile(operator.stride), near_padding(operator.padding),
        tile(operator.dilation), bounds(subject, operator.activation),
    ))  # fmt: skip
    shapes = dims("input", subject.input().shape), dims("filter", weights.shape), dims("output", subject.output.shape)
    return (
        Call(
            "arm_depthwise_conv_wrapper_s8",
            (Context(), params, per_channel(subject, weights, weights.shape[3]),
             shapes[0], subject.value(subject.input()), shapes[1], subject.weights(1, "weights"),
             dims("bias", (weights.shape[3],)), subject.bias(2), shapes[2], subject.value(subject.output)),
            checks=(SizeCheck("arm_depthwise_conv_wrapper_s8_get_buffer_size", (params, *shapes)),),
        ),
    )  # fmt: skip


def transposed(subject: Subject) -> tuple[Call, ...]:
    """``arm_transpose_conv_wrapper_s8``."""
    check_types(subject)
    operator, weights, padding = subject.operator, subject.input(1), subject.operator.padding
    params = Struct("cmsis_nn_transpose_conv_params", "transpose_conv_params", (
        *offsets(subject), tile(operator.stride), near_padding(padding),
        (padding.right - padding.left, padding.bottom - padding.top), (1, 1), bounds(subject, operator.activation),
    ))  # fmt: skip
    shapes = dims("input", subject.input().shape), dims("filter", weights.shape), dims("output", subject.output.shape)
    return (
        Call(
            "arm_transpose_conv_wrapper_s8",
            (Context(), Context("reversed"), params, per_channel(subject, weights, weights.shape[0]),
             shapes[0], subject.value(subject.input()), shapes[1], subject.weights(1, "weights"),
             dims("bias", (weights.shape[0],)), subject.bias(2), shapes[2], subject.value(subject.output)),
            checks=(SizeCheck("arm_transpose_conv_s8_get_buffer_size", (params, *shapes)),
                    SizeCheck("arm_transpose_conv_s8_get_reverse_conv_buffer_size", (params, *shapes[:2]), "reversed")),
        ),
    )  # fmt: skip


def fully_connected(subject: Subject) -> tuple[Call, ...]:
    """``arm_fully_connected_s8``, or ``arm_fully_connected_per_channel_s8`` where each output has a scale of its own."""
    check_types(subject)
    weights = subject.input(1)
    outputs, depth = weights.shape
    batches = prod(subject.input().shape) // depth
    params = Struct("cmsis_nn_fc_params", "fc_params", (
        offsets(subject)[0], -filter_zero(weights), offsets(subject)[1], bounds(subject, subject.operator.activation),
    ))  # fmt: skip
    shapes = dims("input", (batches, 1, 1, depth)), dims("filter", (depth, 1, 1, outputs))
    assert weights.quantization is not None
    if len(weights.quantization.scales) > 1:
        function, quantization = "arm_fully_connected_per_channel_s8", per_channel(subject, weights, outputs)
    else:
        function, quantization = "arm_fully_connected_s8", per_tensor(subject, weights)
    return (
        Call(
            function,
            (Context(), params, quantization, shapes[0], subject.value(subject.input()), shapes[1],
             subject.weights(1, "weights"), dims("bias", (outputs,)), subject.bias(2),
             dims("output", (batches, 1, 1, outputs)), subject.value(subject.output)),
            checks=(SizeCheck("arm_fully_connected_s8_get_buffer_size", (shapes[1],)),),
        ),
    )  # fmt: skip


def filter_zero(weights: Tensor) -> int:
    """The zero point of weights that are quantised as a whole, 0 for others."""
    assert weights.quantization is not None
    return weights.quantization.zero_points[0] if len(weights.quantization.scales) == 1 else 0


def per_tensor(subject: Subject, weights: Tensor) -> Struct:
    """``cmsis_nn_per_tensor_quant_params`` of a fully connected layer.

    TensorFlow Lite multiplies the scales of input and weights in double precision, TensorFlow Lite Micro, whose results
    CMSIS-NN gives, in float32 (GetQuantizedConvolutionMultipler).
    """
    kind = np.float64 if subject.kernels.own else np.float32
    product = float(kind(scale_of(subject.input(), subject)) * kind(scale_of(weights, subject)))
    fixed = quantize_multiplier(product / scale_of(subject.output, subject))
    return Struct("cmsis_nn_per_tensor_quant_params", "quant_params", fixed)



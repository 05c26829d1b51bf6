"""Convolutions and fully connected layers."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from mcusim.deploy.call import EXTRA, Call, Constant, Context, SizeCheck, Struct
from mcusim.deploy.rules import sparse
from mcusim.deploy.rules.subject import Subject, bounds, channel_scales, dims, near_padding, scale_of, tile, zero_of
from mcusim.network import Tensor
from mcusim.network.fixed_point import quantize_multiplier
from mcusim.network.operators import Conv2D, DepthwiseConv2D, FullyConnected, TransposeConv2D


def per_channel(subject: Subject, weights: Tensor, channels: int) -> Struct:
    """``cmsis_nn_per_channel_quant_params`` of a layer."""
    multipliers, shifts = channel_scales(subject, weights, channels)
    parts = (subject.constant("multiplier", multipliers), subject.constant("shift", shifts))
    return Struct("cmsis_nn_per_channel_quant_params", "quant_params", parts)


def offsets(subject: Subject) -> tuple[int, int]:
    """Input offset and output offset as the kernels want them: minus the first zero point, plus the second."""
    return -zero_of(subject.input(), subject), zero_of(subject.output, subject)


WEIGHTED: Mapping[tuple[str, ...], str] = {("int8", "int8", "int8"): "s8", ("int16", "int8", "int16"): "s16"}
"""Ends of the names of kernels, by input, weights and output."""


def kind_of(subject: Subject) -> str:
    """``s8`` or ``s16``; NetworkError for other element types, or a bias that the kernels do not take."""
    kind = subject.among(WEIGHTED, subject.input(), subject.input(1), subject.output)
    bias = subject.optional_input(2)
    allowed = BIASES[kind, type(subject.operator)]
    if bias is not None and bias.type.value not in allowed:
        raise subject.refused(f"its bias {bias.name!r} is {bias.type.value}; allowed: {' or '.join(allowed)}")
    return kind


BIASES = {
    ("s8", Conv2D): ("int32",), ("s16", Conv2D): ("int32", "int64"),
    ("s8", DepthwiseConv2D): ("int32",), ("s16", DepthwiseConv2D): ("int64",),
    ("s8", TransposeConv2D): ("int32",), ("s16", TransposeConv2D): ("int32", "int64"),
    ("s8", FullyConnected): ("int32",), ("s16", FullyConnected): ("int32", "int64"),
}  # fmt: skip
"""Element types of biases."""


def bias_of(subject: Subject, kind: str) -> Constant | Struct | None:
    """The bias as the kernels take it: int32, or for int16 ``cmsis_nn_bias_data``."""
    bias = subject.bias(2)
    if kind == "s8":
        return bias
    return Struct("cmsis_nn_bias_data", "bias_data", (bias, int(bias is not None and bias.data.dtype == np.int32)))


def shapes_of(subject: Subject) -> tuple[Struct, Struct, Struct]:
    """Dimensions of input, filter and output."""
    tensors = subject.input(), subject.input(1), subject.output
    input_, filter_, output = (tensor.shape for tensor in tensors)
    return dims("input", input_), dims("filter", filter_), dims("output", output)


def convolution(subject: Subject) -> tuple[Call, ...]:
    """``arm_convolve_wrapper_s8``, ``nn_convolve_sparse_s8`` or ``arm_convolve_wrapper_s16``."""
    kind, operator, shapes = kind_of(subject), subject.operator, shapes_of(subject)
    weights, channels = subject.input(1), subject.input(1).shape[0]
    if kind == "s16" and not subject.kernels.own and weights.shape[3] != subject.input().shape[3]:
        raise subject.refused("its channels are in groups; CMSIS-NN has no such kernel for int16")
    params = Struct("cmsis_nn_conv_params", "conv_params", (
        *offsets(subject), tile(operator.stride), near_padding(operator.padding), tile(operator.dilation),
        bounds(subject, operator.activation),
    ))  # fmt: skip
    if kind == "s8" and (kept := sparse.weights_of(subject, "convolution")):
        return (sparse.convolution(subject, kept, params, shapes),)
    function = f"arm_convolve_wrapper_{kind}"
    return (
        Call(
            function,
            (Context(), params, per_channel(subject, weights, channels),
             shapes[0], subject.value(subject.input()), shapes[1], subject.weights(1, "weights"),
             dims("bias", (channels,)), bias_of(subject, kind), shapes[2], subject.value(subject.output)),
            checks=(SizeCheck(f"{function}_get_buffer_size", (params, *shapes)),),
        ),
    )  # fmt: skip


WIDEST = 508
"""Taps of a row whose products 32 bits hold the sum of (``NN_WIDE_RUN`` of nn_wide.h)."""


def depthwise(subject: Subject) -> tuple[Call, ...]:
    """``arm_depthwise_conv_wrapper_s8`` or ``arm_depthwise_conv_wrapper_s16``."""
    kind, operator, shapes = kind_of(subject), subject.operator, shapes_of(subject)
    weights, channels = subject.input(1), subject.input(1).shape[3]
    if kind == "s16" and weights.shape[2] > WIDEST:
        raise subject.refused(f"its filter is {weights.shape[2]} taps wide; allowed for int16: {WIDEST} at most")
    params = Struct("cmsis_nn_dw_conv_params", "dw_conv_params", (
        *offsets(subject), operator.multiplier, tile(operator.stride), near_padding(operator.padding),
        tile(operator.dilation), bounds(subject, operator.activation),
    ))  # fmt: skip
    function = f"arm_depthwise_conv_wrapper_{kind}"
    return (
        Call(
            function,
            (Context(), params, per_channel(subject, weights, channels),
             shapes[0], subject.value(subject.input()), shapes[1], subject.weights(1, "weights"),
             dims("bias", (channels,)), subject.bias(2), shapes[2], subject.value(subject.output)),
            checks=(SizeCheck(f"{function}_get_buffer_size", (params, *shapes)),),
        ),
    )  # fmt: skip


def transposed(subject: Subject) -> tuple[Call, ...]:
    """``arm_transpose_conv_wrapper_s8`` or ``nn_transpose_conv_s16``."""
    kind, operator, shapes = kind_of(subject), subject.operator, shapes_of(subject)
    weights, channels, padding = subject.input(1), subject.input(1).shape[0], subject.operator.padding
    params = Struct("cmsis_nn_transpose_conv_params", "transpose_conv_params", (
        *offsets(subject), tile(operator.stride), near_padding(padding),
        (padding.right - padding.left, padding.bottom - padding.top), (1, 1), bounds(subject, operator.activation),
    ))  # fmt: skip
    before = params, per_channel(subject, weights, channels), shapes[0], subject.value(subject.input())
    after = bias_of(subject, kind), shapes[2], subject.value(subject.output)
    filters = shapes[1], subject.weights(1, "weights")
    if kind == "s16":
        return (Call("nn_transpose_conv_s16", (*before, *filters, *after), header=EXTRA),)
    return (
        Call(
            "arm_transpose_conv_wrapper_s8",
            (Context(), Context("reversed"), *before, *filters, dims("bias", (channels,)), *after),
            checks=(SizeCheck("arm_transpose_conv_s8_get_buffer_size", (params, *shapes)),
                    SizeCheck("arm_transpose_conv_s8_get_reverse_conv_buffer_size", (params, *shapes[:2]), "reversed")),
        ),
    )  # fmt: skip


def fully_connected(subject: Subject) -> tuple[Call, ...]:
    """``arm_fully_connected_s8``, ``arm_fully_connected_per_channel_s8``, ``nn_fully_connected_sparse_s8``,
    ``nn_fully_connected_s16`` or ``arm_fully_connected_s16``."""
    kind, weights = kind_of(subject), subject.input(1)
    outputs, depth = weights.shape
    batches = prod(subject.input().shape) // depth
    params = Struct("cmsis_nn_fc_params", "fc_params", (
        offsets(subject)[0], -filter_zero(weights), offsets(subject)[1], bounds(subject, subject.operator.activation),
    ))  # fmt: skip
    input_dims, filter_dims = dims("input", (batches, 1, 1, depth)), dims("filter", (depth, 1, 1, outputs))
    output_dims = dims("output", (batches, 1, 1, outputs))
    if kind == "s16" and subject.kernels.own:
        return (rounded_once(subject, params, filter_dims, output_dims),)
    function, quantization = dense_kernel(subject, kind)
    if kind == "s8" and (kept := sparse.weights_of(subject, "fully_connected")):
        return (sparse.fully_connected(subject, kept, params, quantization),)
    return (
        Call(
            function,
            (Context(), params, quantization, input_dims, subject.value(subject.input()), filter_dims,
             subject.weights(1, "weights"), dims("bias", (outputs,)), subject.bias(2), output_dims,
             subject.value(subject.output)),
            checks=(SizeCheck(f"arm_fully_connected_{kind}_get_buffer_size", (filter_dims,)),),
        ),
    )  # fmt: skip


def dense_kernel(subject: Subject, kind: str) -> tuple[str, Struct]:
    """The kernel of CMSIS-NN's interface, and scales as it takes them."""
    weights, bias = subject.input(1), subject.optional_input(2)
    assert weights.quantization is not None
    if len(weights.quantization.scales) == 1:
        if kind == "s16" and bias is not None and bias.type.value != "int64":
            raise subject.refused(f"its bias {bias.name!r} is {bias.type.value}; CMSIS-NN's kernel takes int64")
        return f"arm_fully_connected_{kind}", per_tensor(subject, weights)
    if kind == "s16":
        raise subject.refused("each of its outputs has a scale of its own; CMSIS-NN has no such kernel for int16")
    return "arm_fully_connected_per_channel_s8", per_channel(subject, weights, weights.shape[0])


def rounded_once(subject: Subject, params: Struct, filter_dims: Struct, output_dims: Struct) -> Call:
    """``nn_fully_connected_s16``, which takes real factors in double precision, as TensorFlow Lite's reference kernel."""
    weights = subject.input(1)
    if filter_zero(weights):
        raise subject.refused(f"weights {weights.name!r} have a zero point; allowed for int16: symmetric ones")
    assert weights.quantization is not None
    source, target = scale_of(subject.input(), subject), scale_of(subject.output, subject)
    factors = [source * float(np.float32(scale)) / target for scale in weights.quantization.scales]
    arguments = (
        params, subject.constant("factors", factors, "float64"), int(len(factors) > 1), subject.value(subject.input()),
        filter_dims, subject.weights(1, "weights"), bias_of(subject, "s16"), output_dims, subject.value(subject.output),
    )  # fmt: skip
    return Call("nn_fully_connected_s16", arguments, header=EXTRA)


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



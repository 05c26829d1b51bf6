"""Layers of float32: kernels of nn_float.h, which need no scales, and scratch memory in sparse convolutions only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

from mcusim.deploy.call import FLOAT, Argument, Call, Constant, Struct
from mcusim.deploy.rules import sparse
from mcusim.deploy.rules.elementwise import shaped_operands
from mcusim.deploy.rules.subject import Subject, dims, near_padding, rows_of, tile
from mcusim.network import ElementType
from mcusim.network import operators as ops
from mcusim.network.operators import Activation, Arithmetic, Function, Pooling, Reduction

KIND = ElementType.FLOAT32.value
Calls = tuple[Call, ...]
Rule = Callable[[Subject], Calls]


def bounds(activation: Activation) -> Struct:
    """``nn_activation_f32``."""
    return Struct("nn_activation_f32", "bounds", activation.value)


def weighted(subject: Subject) -> tuple[Argument, Argument]:
    """Weights and bias; NetworkError for other types than float32."""
    bias = subject.optional_input(2)
    tensors = subject.input(), subject.input(1), subject.output, *(() if bias is None else (bias,))
    subject.require((KIND,) * len(tensors), *tensors)
    return subject.weights(1, "weights"), subject.bias(2)


def windows(subject: Subject) -> tuple[Argument, ...]:
    """Arguments of a convolution."""
    operator, source, target = subject.operator, subject.input(), subject.output
    weights, bias = weighted(subject)
    params = Struct("nn_conv_params_f32", "conv_params", (
        tile(operator.stride), near_padding(operator.padding), tile(operator.dilation), operator.activation.value,
    ))  # fmt: skip
    return (
        params, dims("input", source.shape), subject.value(source), dims("filter", subject.input(1).shape), weights, bias,
        dims("output", target.shape), subject.value(target),
    )  # fmt: skip


def convolution(subject: Subject) -> Calls:
    """``nn_convolve_f32`` or ``nn_convolve_sparse_f32``."""
    arguments = windows(subject)
    if kept := sparse.weights_of(subject, "convolution_f32"):
        return (sparse.convolution_f32(subject, kept, arguments),)
    return (Call("nn_convolve_f32", arguments, header=FLOAT),)


def depthwise(subject: Subject) -> Calls:
    """``nn_depthwise_conv_f32``."""
    return (Call("nn_depthwise_conv_f32", windows(subject), header=FLOAT),)


def fully_connected(subject: Subject) -> Calls:
    """``nn_fully_connected_f32`` or ``nn_fully_connected_sparse_f32``."""
    weights, bias = weighted(subject)
    outputs, depth = subject.input(1).shape
    if kept := sparse.weights_of(subject, "fully_connected_f32"):
        return (sparse.fully_connected_f32(subject, kept, bounds(subject.operator.activation), bias),)
    arguments = (
        bounds(subject.operator.activation), prod(subject.input().shape) // depth, depth, outputs,
        subject.value(subject.input()), weights, bias, subject.value(subject.output),
    )  # fmt: skip
    return (Call("nn_fully_connected_f32", arguments, status=False, header=FLOAT),)


POOLS = {Pooling.AVERAGE: "nn_average_pool_f32", Pooling.MAX: "nn_max_pool_f32"}


def pool(subject: Subject) -> Calls:
    """``nn_average_pool_f32`` or ``nn_max_pool_f32``."""
    operator, source, target = subject.operator, subject.input(), subject.output
    subject.require((KIND, KIND), source, target)
    params = Struct("nn_pool_params_f32", "pool_params", (
        tile(operator.stride), near_padding(operator.padding), operator.activation.value,
    ))  # fmt: skip
    arguments = (
        params, dims("input", source.shape), subject.value(source), dims("filter", (1, *operator.window, 1)),
        dims("output", target.shape), subject.value(target),
    )  # fmt: skip
    return (Call(POOLS[operator.function], arguments, header=FLOAT),)


BINARIES = {
    Arithmetic.ADD: "nn_add_f32", Arithmetic.SUB: "nn_sub_f32", Arithmetic.MUL: "nn_mul_f32",
    Arithmetic.MINIMUM: "nn_minimum_f32", Arithmetic.MAXIMUM: "nn_maximum_f32",
}  # fmt: skip


def binary(subject: Subject) -> Calls:
    """``nn_add_f32`` and its like, which broadcast."""
    subject.require((KIND,) * 3, subject.input(0), subject.input(1), subject.output)
    arguments = bounds(subject.operator.activation), *shaped_operands(subject)
    return (Call(BINARIES[subject.operator.function], arguments, header=FLOAT),)


BOUNDS = {
    Function.RELU: Activation.RELU, Function.RELU6: Activation.RELU6, Function.RELU_N1_TO_1: Activation.RELU_N1_TO_1,
}  # fmt: skip
"""Functions that are bounds."""
FUNCTIONS = {
    Function.LEAKY_RELU: "nn_leaky_relu_f32", Function.LOGISTIC: "nn_logistic_f32", Function.HARD_SWISH: "nn_hard_swish_f32",
    Function.SILU: "nn_silu_f32",
}  # fmt: skip


def unary(subject: Subject) -> Calls:
    """``nn_clamp_f32``, or another function of each element."""
    source, target, function = subject.input(), subject.output, subject.operator.function
    subject.require((KIND, KIND), source, target)
    if function not in (*BOUNDS, *FUNCTIONS):
        allowed = ", ".join(each.value for each in (*BOUNDS, *FUNCTIONS))
        raise subject.refused(
            f"there is no kernel of float32 for {function.value}; there are kernels for {allowed}; "
            "quantise the network, with calibration data"
        )
    between: tuple[float, ...] = BOUNDS[function].value if function in BOUNDS else ()
    between += (float(subject.operator.alpha),) if function is Function.LEAKY_RELU else ()
    arguments = subject.value(source, "input"), target.elements, *between, subject.value(target)
    return (Call(FUNCTIONS.get(function, "nn_clamp_f32"), arguments, status=False, header=FLOAT),)


def softmax(subject: Subject) -> Calls:
    """``nn_softmax_f32``."""
    source, target = subject.input(), subject.output
    subject.require((KIND, KIND), source, target)
    arguments = subject.value(source, "input"), *rows_of(source), float(subject.operator.beta), subject.value(target)
    return (Call("nn_softmax_f32", arguments, status=False, header=FLOAT),)


REDUCTIONS = {
    Reduction.MEAN: "nn_mean_f32", Reduction.SUM: "nn_sum_f32", Reduction.MAX: "nn_reduce_max_f32",
    Reduction.MIN: "nn_reduce_min_f32",
}  # fmt: skip


def reduce(subject: Subject) -> Calls:
    """``nn_mean_f32`` and its like."""
    source, target, operator = subject.input(), subject.output, subject.operator
    subject.require((KIND, KIND), source, target)
    reduced = {axis + 4 - len(source.shape) for axis in operator.axes}
    axes = Struct("cmsis_nn_dims", "axes", tuple(int(axis in reduced) for axis in range(4)))
    place: Argument | Constant = subject.value(source, "input")
    arguments = place, dims("input", subject.four_axes(source)), axes, subject.value(target)
    return (Call(REDUCTIONS[operator.function], arguments, header=FLOAT),)


RULES: Mapping[type, Rule] = {
    ops.Conv2D: convolution,
    ops.DepthwiseConv2D: depthwise,
    ops.FullyConnected: fully_connected,
    ops.Pool2D: pool,
    ops.Binary: binary,
    ops.Unary: unary,
    ops.Softmax: softmax,
    ops.Reduce: reduce,
}
"""Operators whose outputs may be float32."""

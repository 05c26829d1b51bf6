"""Layers that join two tensors element by element."""

from __future__ import annotations

import numpy as np

from mcusim.deploy.call import Argument, Call, Context, Struct
from mcusim.deploy.rules.subject import Subject, bounds, dims, scale_of, zero_of
from mcusim.network import Tensor
from mcusim.network.fixed_point import quantize_multiplier
from mcusim.network.operators import Arithmetic

ADD_SHIFT = 20
"""Bits by which int8 operands are raised before they are scaled (TensorFlow Lite, AddPrepare)."""
EXTRA = "nn_extra.h"
NAMES = {Arithmetic.ADD: "add", Arithmetic.SUB: "sub", Arithmetic.MUL: "mul"}


def binary(subject: Subject) -> tuple[Call, ...]:
    """The kernel of an arithmetic function: CMSIS-NN's where it has one for these shapes, else ours, which broadcasts."""
    subject.require(("int8", "int8", "int8"), subject.input(0), subject.input(1), subject.output)
    return (FUNCTIONS[subject.operator.function](subject),)


def operands(subject: Subject) -> tuple[Argument, Argument]:
    """Where both inputs are."""
    return subject.value(subject.input(0), "left"), subject.value(subject.input(1), "right")


def same_shapes(subject: Subject) -> bool:
    """Whether nothing is broadcast."""
    return subject.input(0).shape == subject.input(1).shape


def broadcast(subject: Subject, params: Struct) -> Call:
    """A kernel of nn_extra.h."""
    function = f"nn_{NAMES[subject.operator.function]}_s8"
    left, right, target = subject.input(0), subject.input(1), subject.output
    arguments = (
        params, operands(subject)[0], dims("left", subject.four_axes(left)), operands(subject)[1],
        dims("right", subject.four_axes(right)), subject.value(target), dims("output", subject.four_axes(target)),
    )  # fmt: skip
    return Call(function, arguments, header=EXTRA)


def add_or_sub(subject: Subject) -> Call:
    """``arm_elementwise_add_s8``, ``nn_add_s8`` or ``nn_sub_s8``."""
    left, right, target = subject.input(0), subject.input(1), subject.output
    scales = scale_of(left, subject), scale_of(right, subject)
    twice = 2.0 * max(scales)
    first, second = (quantize_multiplier(scale / twice) for scale in scales)
    result = quantize_multiplier(twice / ((1 << ADD_SHIFT) * scale_of(target, subject)))
    first_offset, second_offset, zero = -zero_of(left, subject), -zero_of(right, subject), zero_of(target, subject)
    limits = bounds(subject, subject.operator.activation)
    if not same_shapes(subject) or subject.operator.function is Arithmetic.SUB:
        fields = (first_offset, *first, second_offset, *second, ADD_SHIFT, zero, *result, limits)
        return broadcast(subject, Struct("nn_add_params", "params", fields))
    return Call(
        "arm_elementwise_add_s8",
        (*operands(subject), first_offset, *first, second_offset, *second, ADD_SHIFT, subject.value(target), zero, *result,
         *limits, target.elements),
    )  # fmt: skip


def multiply(subject: Subject) -> Call:
    """``arm_elementwise_mul_s8`` or ``nn_mul_s8``; the factor is computed in float32, as TensorFlow Lite does."""
    left, right, target = subject.input(0), subject.input(1), subject.output
    scales = (np.float32(scale_of(tensor, subject)) for tensor in (left, right, target))
    factor = quantize_multiplier(float(next(scales) * next(scales) / next(scales)))
    offsets = -zero_of(left, subject), -zero_of(right, subject)
    zero, limits = zero_of(target, subject), bounds(subject, subject.operator.activation)
    if not same_shapes(subject):
        return broadcast(subject, Struct("nn_mul_params", "params", (*offsets, zero, *factor, limits)))
    arguments = (*operands(subject), *offsets, subject.value(target), zero, *factor, *limits, target.elements)
    return Call("arm_elementwise_mul_s8", arguments)


def extreme(subject: Subject) -> Call:
    """``arm_minimum_s8`` or ``arm_maximum_s8``."""
    left, right, target = subject.input(0), subject.input(1), subject.output
    if not same_coding(left, right, target):
        raise subject.refused("inputs and output are quantised differently; allowed: the same scale and zero point")
    function = f"arm_{subject.operator.function.value}_s8"
    return Call(
        function,
        (Context(), operands(subject)[0], dims("left", subject.four_axes(left)), operands(subject)[1],
         dims("right", subject.four_axes(right)), subject.value(target), dims("output", subject.four_axes(target))),
    )  # fmt: skip


def same_coding(*tensors: Tensor) -> bool:
    """Whether equal stored values mean the same in all tensors."""
    return all(tensor.quantization == tensors[0].quantization for tensor in tensors)


FUNCTIONS = {
    Arithmetic.ADD: add_or_sub,
    Arithmetic.SUB: add_or_sub,
    Arithmetic.MUL: multiply,
    Arithmetic.MINIMUM: extreme,
    Arithmetic.MAXIMUM: extreme,
}

"""Layers that join two tensors element by element."""

from __future__ import annotations

import numpy as np

from mcusim.deploy.call import EXTRA, Argument, Call, Context, Struct
from mcusim.deploy.rules.subject import Subject, alike, bounds, dims, scale_of, zero_of
from mcusim.network import Tensor
from mcusim.network.fixed_point import quantize_multiplier
from mcusim.network.operators import Arithmetic

ADD_SHIFTS = {"s8": 20, "s16": 15}
"""Bits by which operands of sums are raised before they are scaled (TensorFlow Lite, AddPrepare)."""
NAMES = {Arithmetic.ADD: "add", Arithmetic.SUB: "sub", Arithmetic.MUL: "mul"}


def binary(subject: Subject) -> tuple[Call, ...]:
    """The kernel of an arithmetic function: CMSIS-NN's where it has one for these shapes, else ours, which broadcasts."""
    return (FUNCTIONS[subject.operator.function](subject, kind_of(subject)),)


def kind_of(subject: Subject) -> str:
    """``s8`` or ``s16``; NetworkError for other element types."""
    return subject.among(alike(3), subject.input(0), subject.input(1), subject.output)


def operands(subject: Subject) -> tuple[Argument, Argument]:
    """Where both inputs are."""
    return subject.value(subject.input(0), "left"), subject.value(subject.input(1), "right")


def same_shapes(subject: Subject) -> bool:
    """Whether nothing is broadcast."""
    return subject.input(0).shape == subject.input(1).shape


def broadcast(subject: Subject, kind: str, params: Struct) -> Call:
    """A kernel of nn_extra.h."""
    function = f"nn_{NAMES[subject.operator.function]}_{kind}"
    return Call(function, (params, *shaped_operands(subject)), header=EXTRA)


def shaped_operands(subject: Subject) -> tuple[Argument, ...]:
    """Both inputs and the output, each with its dimensions."""
    left, right, target = subject.input(0), subject.input(1), subject.output
    return (
        operands(subject)[0], dims("left", subject.four_axes(left)), operands(subject)[1],
        dims("right", subject.four_axes(right)), subject.value(target), dims("output", subject.four_axes(target)),
    )  # fmt: skip


def add_or_sub(subject: Subject, kind: str) -> Call:
    """``arm_elementwise_add_s8``, ``nn_add_s8``, ``nn_sub_s8``, or one of theirs for int16."""
    left, right, target = subject.input(0), subject.input(1), subject.output
    scales = scale_of(left, subject), scale_of(right, subject)
    raised, twice = ADD_SHIFTS[kind], 2.0 * max(scales)
    first, second = (quantize_multiplier(scale / twice) for scale in scales)
    result = quantize_multiplier(twice / ((1 << raised) * scale_of(target, subject)))
    first_offset, second_offset, zero = -zero_of(left, subject), -zero_of(right, subject), zero_of(target, subject)
    limits = bounds(subject, subject.operator.activation)
    if not same_shapes(subject) or subject.operator.function is Arithmetic.SUB:
        fields = (first_offset, *first, second_offset, *second, raised, zero, *result, limits)
        return broadcast(subject, kind, Struct("nn_add_params", "params", fields))
    return Call(
        f"arm_elementwise_add_{kind}",
        (*operands(subject), first_offset, *first, second_offset, *second, raised, subject.value(target), zero, *result,
         *limits, target.elements),
    )  # fmt: skip


def multiply(subject: Subject, kind: str) -> Call:
    """``arm_elementwise_mul_s8``, ``nn_mul_s8``, or one of theirs for int16.

    The factor is computed in float32, as TensorFlow Lite does.
    """
    left, right, target = subject.input(0), subject.input(1), subject.output
    scales = (np.float32(scale_of(tensor, subject)) for tensor in (left, right, target))
    factor = quantize_multiplier(float(next(scales) * next(scales) / next(scales)))
    offsets = -zero_of(left, subject), -zero_of(right, subject)
    zero, limits = zero_of(target, subject), bounds(subject, subject.operator.activation)
    if not same_shapes(subject):
        return broadcast(subject, kind, Struct("nn_mul_params", "params", (*offsets, zero, *factor, limits)))
    arguments = (*operands(subject), *offsets, subject.value(target), zero, *factor, *limits, target.elements)
    return Call(f"arm_elementwise_mul_{kind}", arguments)


def extreme(subject: Subject, kind: str) -> Call:
    """``arm_minimum_s8``, ``arm_maximum_s8``, ``nn_minimum_s16`` or ``nn_maximum_s16``."""
    left, right, target = subject.input(0), subject.input(1), subject.output
    if not same_coding(left, right, target):
        raise subject.refused("inputs and output are quantised differently; allowed: the same scale and zero point")
    name = f"{subject.operator.function.value}_{kind}"
    if kind == "s16":
        return Call(f"nn_{name}", shaped_operands(subject), header=EXTRA)
    return Call(f"arm_{name}", (Context(), *shaped_operands(subject)))


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

"""Layers that join two tensors element by element."""

from __future__ import annotations

from mcusim.deploy.call import Call
from mcusim.deploy.rules.subject import Subject, bounds, scale_of, zero_of
from mcusim.network.fixed_point import quantize_multiplier
from mcusim.network.operators import Arithmetic

ADD_SHIFT = 20
"""Bits by which int8 operands are raised before they are scaled (TensorFlow Lite, AddPrepare)."""


def binary(subject: Subject) -> tuple[Call, ...]:
    """The kernel of an arithmetic function."""
    rule = FUNCTIONS.get(subject.operator.function)
    if rule is None:
        allowed = ", ".join(each.value for each in FUNCTIONS)
        raise subject.refused(f"no kernel for {subject.operator.function.value}; there are: {allowed}")
    left, right = subject.input(0), subject.input(1)
    met = subject.types(left, right, subject.output)
    if met != ("int8", "int8", "int8"):
        raise subject.refused(f"inputs and output are {', '.join(met)}; there is a kernel for int8, int8, int8")
    return rule(subject)


def add(subject: Subject) -> tuple[Call, ...]:
    """``arm_elementwise_add_s8``."""
    left, right, target = subject.input(0), subject.input(1), subject.output
    same_shapes(subject)
    scales = scale_of(left, subject), scale_of(right, subject)
    twice = 2.0 * max(scales)
    first, second = (quantize_multiplier(scale / twice) for scale in scales)
    result = quantize_multiplier(twice / ((1 << ADD_SHIFT) * scale_of(target, subject)))
    return (
        Call(
            "arm_elementwise_add_s8",
            (subject.value(left, "left"), subject.value(right, "right"), -zero_of(left, subject), *first,
             -zero_of(right, subject), *second, ADD_SHIFT, subject.value(target), zero_of(target, subject), *result,
             *bounds(subject, subject.operator.activation), target.elements),
        ),
    )  # fmt: skip


def multiply(subject: Subject) -> tuple[Call, ...]:
    """``arm_elementwise_mul_s8``."""
    left, right, target = subject.input(0), subject.input(1), subject.output
    same_shapes(subject)
    fixed = quantize_multiplier(scale_of(left, subject) * scale_of(right, subject) / scale_of(target, subject))
    return (
        Call(
            "arm_elementwise_mul_s8",
            (subject.value(left, "left"), subject.value(right, "right"), -zero_of(left, subject), -zero_of(right, subject),
             subject.value(target), zero_of(target, subject), *fixed, *bounds(subject, subject.operator.activation),
             target.elements),
        ),
    )  # fmt: skip


def same_shapes(subject: Subject) -> None:
    """Kernels without broadcasting."""
    left, right = subject.input(0), subject.input(1)
    if left.shape != right.shape:
        raise subject.refused(f"shapes {list(left.shape)} and {list(right.shape)} differ; allowed: the same")


FUNCTIONS = {Arithmetic.ADD: add, Arithmetic.MUL: multiply}

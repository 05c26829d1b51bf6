"""Functions of single elements and of rows."""

from __future__ import annotations

from math import floor

from mcusim.deploy.call import Call
from mcusim.deploy.rules.subject import Subject, rows_of, scale_of
from mcusim.network.fixed_point import quantize_multiplier

SOFTMAX_INTEGER_BITS = 5
"""Integer bits of scaled differences (TensorFlow Lite, SoftmaxPrepare)."""


def softmax(subject: Subject) -> tuple[Call, ...]:
    """``arm_softmax_s8``."""
    source, target = subject.input(), subject.output
    subject.require(("int8", "int8"), source, target)
    rows, length = rows_of(source)
    fraction = 31 - SOFTMAX_INTEGER_BITS
    real = min(subject.operator.beta * scale_of(source, subject) * (1 << fraction), (1 << 31) - 1.0)
    multiplier, shift = quantize_multiplier(real)
    largest = floor(((1 << SOFTMAX_INTEGER_BITS) - 1) * (1 << fraction) / (1 << shift))
    arguments = subject.value(source), rows, length, multiplier, shift, -largest, subject.value(target)
    return (Call("arm_softmax_s8", arguments, status=False),)

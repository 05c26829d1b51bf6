"""Functions of rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import floor

import numpy as np

from mcusim.deploy.call import Call, Struct
from mcusim.deploy.rules.subject import Subject, rows_of, scale_of
from mcusim.network.fixed_point import exponential_table, quantize_multiplier, reciprocal_table
from mcusim.network.reference.windows import exponential_factor

SOFTMAX_INTEGER_BITS = 5
"""Integer bits of scaled differences of int8 (TensorFlow Lite, SoftmaxPrepare)."""


def softmax(subject: Subject) -> tuple[Call, ...]:
    """``arm_softmax_s8`` or ``arm_softmax_s16``."""
    return (subject.among(SOFTMAXES, subject.input(), subject.output)(subject),)


def softmax_8(subject: Subject) -> Call:
    """``arm_softmax_s8``."""
    source, target = subject.input(), subject.output
    rows, length = rows_of(source)
    fraction = 31 - SOFTMAX_INTEGER_BITS
    real = min(subject.operator.beta * scale_of(source, subject) * (1 << fraction), (1 << 31) - 1.0)
    multiplier, shift = quantize_multiplier(real)
    largest = floor(((1 << SOFTMAX_INTEGER_BITS) - 1) * (1 << fraction) / (1 << shift))
    arguments = subject.value(source), rows, length, multiplier, shift, -largest, subject.value(target)
    return Call("arm_softmax_s8", arguments, status=False)


def softmax_16(subject: Subject) -> Call:
    """``arm_softmax_s16``, with the tables that it looks up."""
    source, target = subject.input(), subject.output
    factor = exponential_factor(np.float32(scale_of(source, subject)), subject.operator.beta)
    tables = Struct("cmsis_nn_softmax_lut_s16", "tables", (
        subject.constant("exponentials", exponential_table(), "int16"),
        subject.constant("reciprocals", reciprocal_table(), "int16"),
    ))  # fmt: skip
    return Call("arm_softmax_s16", (subject.value(source), *rows_of(source), *factor, tables, subject.value(target)))


SOFTMAXES: Mapping[tuple[str, ...], Callable[[Subject], Call]] = {
    ("int8", "int8"): softmax_8,
    ("int16", "int16"): softmax_16,
}

"""Reductions along axes."""

from __future__ import annotations

from math import prod

from mcusim.deploy.call import EXTRA, Argument, Call, Struct
from mcusim.deploy.rules.elementwise import same_coding
from mcusim.deploy.rules.subject import Subject, alike, dims, scale_of, zero_of
from mcusim.network.fixed_point import quantize_multiplier
from mcusim.network.operators import Reduction
from mcusim.network.reference.windows import divided

NAMES = {
    Reduction.MEAN: "nn_mean",
    Reduction.SUM: "nn_mean",
    Reduction.MAX: "nn_reduce_max",
    Reduction.MIN: "nn_reduce_min",
}
SCALED = (Reduction.MEAN, Reduction.SUM)
"""Reductions whose result may have another scale."""


def reduce(subject: Subject) -> tuple[Call, ...]:
    """A kernel of nn_extra.h; that of the mean gives sums too."""
    source, target, operator = subject.input(), subject.output, subject.operator
    kind = subject.among(alike(2), source, target)
    shape = subject.four_axes(source)
    axes = {axis + 4 - len(source.shape) for axis in operator.axes}
    reduced = tuple(int(axis in axes) for axis in range(4))
    arguments: tuple[Argument, ...] = (
        subject.value(source, "input"), dims("input", shape), Struct("cmsis_nn_dims", "axes", reduced), subject.value(target),
    )  # fmt: skip
    if operator.function in SCALED:
        arguments = params(subject, prod(shape[axis] for axis in axes)), *arguments
    elif not same_coding(source, target):
        raise subject.refused("input and output are quantised differently; allowed: the same scale and zero point")
    return (Call(f"{NAMES[operator.function]}_{kind}", arguments, header=EXTRA),)


def params(subject: Subject, count: int) -> Struct:
    """``nn_reduce_params``; the factor of a mean is divided by the ``count`` of elements."""
    source, target = subject.input(), subject.output
    factor = quantize_multiplier(scale_of(source, subject) / scale_of(target, subject))
    if subject.operator.function is Reduction.MEAN:
        factor = divided(factor, count)
    return Struct("nn_reduce_params", "params", (-zero_of(source, subject), zero_of(target, subject), *factor))

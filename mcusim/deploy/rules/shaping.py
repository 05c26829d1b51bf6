"""Layers that move elements and compute nothing."""

from __future__ import annotations

from math import prod

from mcusim.deploy.call import Copy, Pointer
from mcusim.deploy.rules.subject import Subject


def reshape(subject: Subject) -> tuple[Copy, ...]:
    """A copy, where the plan has not put both tensors at one place."""
    source = subject.value(subject.input())
    return (Copy(Pointer(subject.output.name), source, subject.output.size_bytes),)


def concatenation(subject: Subject) -> tuple[Copy, ...]:
    """Copies of the stretches of each input that lie together."""
    axis, target = subject.operator.axis, subject.output
    for source in subject.inputs:
        if (source.type, source.quantization) != (target.type, target.quantization):
            raise subject.refused(f"input {source.name!r} is quantised otherwise than the output; allowed: the same")
    outer = prod(target.shape[:axis])
    row = prod(target.shape[axis:]) * target.type.size_bytes
    copies, place = [], 0
    for number, source in enumerate(subject.inputs):
        part = prod(source.shape[axis:]) * source.type.size_bytes
        copies.append(stretches(subject, number, outer, part, place, row))
        place += part
    return tuple(copy for each in copies for copy in each)


def stretches(subject: Subject, number: int, outer: int, part: int, place: int, row: int) -> tuple[Copy, ...]:
    """``outer`` copies of ``part`` bytes of an input, each ``row`` bytes further in the output."""
    source = subject.value(subject.inputs[number], f"input{number}")
    return (Copy(Pointer(subject.output.name, place), source, part, outer, part, row),)


def split(subject: Subject) -> tuple[Copy, ...]:
    """Copies to each output."""
    axis, source = subject.operator.axis, subject.input()
    outer = prod(source.shape[:axis])
    row = prod(source.shape[axis:]) * source.type.size_bytes
    copies, place = [], 0
    for target in subject.outputs:
        part = prod(target.shape[axis:]) * target.type.size_bytes
        copies.append(Copy(Pointer(target.name), Pointer(source.name, place), part, outer, row, part))
        place += part
    return tuple(copies)

"""Layers that move elements and compute nothing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import prod

import numpy as np

from mcusim.deploy.call import EXTRA, Call, Copy, Loop, Pointer
from mcusim.deploy.rules.subject import Subject, dims
from mcusim.network import Tensor

Moves = tuple[Call | Copy, ...]


def steps_of(tensor: Tensor) -> tuple[int, ...]:
    """Bytes from an element to the next one along each axis."""
    sizes = accumulate((tensor.type.size_bytes, *reversed(tensor.shape[1:])), lambda step, length: step * length)
    return tuple(reversed(tuple(sizes)))[: len(tensor.shape)]


def block(
    subject: Subject, source: Tensor, target: Tensor, shape: Sequence[int], start: tuple[int, int],
    steps: tuple[Sequence[int], Sequence[int]], name: str = "input",
) -> Moves:
    """A block of ``shape``, from byte ``start[1]`` of ``source`` to byte ``start[0]`` of ``target``.

    ``steps``: bytes from an element to the next along each axis, in target and source. Axes that lie together are copied at
    once.
    """  # fmt: skip
    if not prod(shape):
        return ()
    size, axis = target.type.size_bytes, len(shape)
    while axis and (shape[axis - 1] == 1 or steps[0][axis - 1] == steps[1][axis - 1] == size):
        axis -= 1
        size *= shape[axis]
    loops = tuple(Loop(shape[i], steps[0][i], steps[1][i]) for i in range(axis) if shape[i] != 1)
    place = subject.value(source, name)
    if isinstance(place, Pointer):
        place = Pointer(source.name, start[1])
    elif start[1]:
        raise subject.refused(f"it takes a part of the constant {source.name!r}; allowed: all of it")
    return (Copy(Pointer(target.name, start[0]), place, size, loops),)


def reshape(subject: Subject) -> Moves:
    """A copy, where the plan has not put both tensors at one place."""
    source = subject.value(subject.input(), "input")
    return (Copy(Pointer(subject.output.name), source, subject.output.size_bytes),)


def same_coding(subject: Subject, *tensors: Tensor) -> None:
    """NetworkError unless stored values mean the same in all tensors and the output."""
    target = subject.output
    for tensor in tensors:
        if (tensor.type, tensor.quantization) != (target.type, target.quantization):
            raise subject.refused(f"{tensor.name!r} and {target.name!r} are quantised differently; allowed: the same")


def concatenation(subject: Subject) -> Moves:
    """Each input to its part of the output."""
    axis, target = subject.operator.axis, subject.output
    same_coding(subject, *subject.inputs)
    moves: Moves = ()
    place = 0
    for number, source in enumerate(subject.inputs):
        steps = steps_of(target), steps_of(source)
        moves += block(subject, source, target, source.shape, (place, 0), steps, f"input{number}")
        place += source.shape[axis] * steps_of(target)[axis]
    return moves


def split(subject: Subject) -> Moves:
    """Parts of the input to each output."""
    axis, source = subject.operator.axis, subject.input()
    moves: Moves = ()
    place = 0
    for target in subject.outputs:
        moves += block(subject, source, target, target.shape, (0, place), (steps_of(target), steps_of(source)))
        place += target.shape[axis] * steps_of(source)[axis]
    return moves


def cut(subject: Subject) -> Moves:
    """Elements of the input at equal distances along each axis."""
    operator, source, target = subject.operator, subject.input(), subject.output
    steps = steps_of(source)
    start = sum(begin * step for begin, step in zip(operator.begin, steps, strict=True))
    strides = [stride * step for stride, step in zip(operator.stride, steps, strict=True)]
    return block(subject, source, target, operator.size, (0, start), (shaped_steps(target, operator.size), strides))


def shaped_steps(tensor: Tensor, shape: Sequence[int]) -> tuple[int, ...]:
    """Bytes from an element to the next along the axes of ``shape``, in which the tensor's elements lie."""
    return tuple(tensor.type.size_bytes * prod(shape[i + 1 :]) for i in range(len(shape)))


def transpose(subject: Subject) -> Moves:
    """Elements in another order of axes."""
    source, target, permutation = subject.input(), subject.output, subject.operator.permutation
    steps = steps_of(source)
    return block(subject, source, target, target.shape, (0, 0), (steps_of(target), [steps[axis] for axis in permutation]))


def pad(subject: Subject) -> Moves:
    """``arm_pad_s8`` for images of int8 in long rows; else the value everywhere, then the input into its place."""
    source, target, operator = subject.input(), subject.output, subject.operator
    same_coding(subject, source)
    if subject.kernels.own and _pads_images(subject):
        edges = (dims("before", operator.before), dims("after", operator.after))
        size = dims("input", source.shape)
        return (Call("arm_pad_s8", (Pointer(source.name), Pointer(target.name), int(operator.value), size, *edges)),)
    start = sum(before * step for before, step in zip(operator.before, steps_of(target), strict=True))
    return fill(subject), *block(subject, source, target, source.shape, (start, 0), (steps_of(target), steps_of(source)))


def fill(subject: Subject) -> Call:
    """The padding's value everywhere: ``memset`` where its bytes are all alike, else ``nn_repeat``."""
    target = subject.output
    stored = np.array([subject.operator.value], target.type.value)
    first, *others = stored.tobytes()
    if set(others) <= {first}:
        return Call("memset", (Pointer(target.name), first, target.size_bytes), status=False, header="string.h")
    value = subject.constant("padding", stored, target.type.value)
    return Call("nn_repeat", (Pointer(target.name), value, target.type.size_bytes, target.elements), status=False, header=EXTRA)


LONG_ROW = 128
"""Bytes of a row from which on it is faster to write the edges alone than everything."""


def _pads_images(subject: Subject) -> bool:
    source, operator = subject.input(), subject.operator
    images = len(source.shape) == 4 and not operator.before[0] and not operator.after[0]
    return images and subject.types(source) == ("int8",) and not source.constant and prod(source.shape[2:]) >= LONG_ROW


def resize_nearest(subject: Subject) -> Moves:
    """``nn_resize_nearest``."""
    source, target, operator = subject.input(), subject.output, subject.operator
    same_coding(subject, source)
    arguments = (
        subject.value(source, "input"), dims("input", source.shape), subject.value(target), dims("output", target.shape),
        int(operator.align_corners), int(operator.half_pixel_centers), target.type.size_bytes,
    )  # fmt: skip
    return (Call("nn_resize_nearest", arguments, header=EXTRA),)

"""Matrix products of two tensors."""

from __future__ import annotations

import numpy as np

from mcusim.deploy.call import EXTRA, Argument, Call, Context, ScratchPointer, SizeCheck, Struct, aligned
from mcusim.deploy.rules.convolution import per_tensor
from mcusim.deploy.rules.subject import Subject, alike, bounds, dims, zero_of
from mcusim.network.operators import Activation

LAST_TWO = (0, 1, 3, 2)
"""The order of axes in which a matrix is turned over."""


def batch_matmul(subject: Subject) -> tuple[Call, ...]:
    """``arm_batch_matmul_s8`` or ``arm_batch_matmul_s16``, which want rows on the left and columns on the right; what lies
    otherwise is turned over."""
    left, right, target = subject.input(0), subject.input(1), subject.output
    kind = subject.among(alike(3), left, right, target)
    turned = subject.operator.transpose_left, not subject.operator.transpose_right
    calls, operands = zip(*(operand(subject, place, turned) for place in (0, 1)), strict=True)
    params = Struct("cmsis_nn_bmm_params", "bmm_params", (
        0, 0, (-zero_of(left, subject), -zero_of(right, subject), zero_of(target, subject), bounds(subject, Activation.NONE)),
    ))  # fmt: skip
    shapes = operand_shape(subject, 0, turned[0]), operand_shape(subject, 1, turned[1])
    sizes = SizeCheck(f"arm_fully_connected_{kind}_get_buffer_size", (dims("filter", (shapes[1][3], 1, 1, shapes[1][2])),))
    product = Call(
        f"arm_batch_matmul_{kind}",
        (Context(), params, per_tensor(subject, right), dims("left", shapes[0]), operands[0], dims("right", shapes[1]),
         operands[1], dims("output", subject.four_axes(target)), subject.value(target)),
        checks=(sizes,),
    )  # fmt: skip
    return *(call for call in calls if call is not None), product


def operand_shape(subject: Subject, place: int, turned: bool) -> tuple[int, ...]:
    """Four axes of an operand as the kernel sees it."""
    shape = subject.four_axes(subject.input(place))
    return tuple(shape[axis] for axis in LAST_TWO) if turned else shape


def operand(subject: Subject, place: int, turned: tuple[bool, bool]) -> tuple[Call | None, Argument]:
    """Where the kernel finds an operand, and the call that turns it over into scratch memory, if it takes one."""
    tensor, name = subject.input(place), ("left", "right")[place]
    if not turned[place]:
        return None, subject.value(tensor, name)
    if tensor.constant:
        return None, subject.constant(name, np.swapaxes(np.asarray(tensor.data), -1, -2), tensor.type.value)
    before = aligned(subject.input(0).size_bytes) if place and turned[0] else 0
    there = ScratchPointer(subject.c_type(tensor), tensor.size_bytes, before)
    order = Struct("cmsis_nn_transpose_params", "turned", (4, subject.constant("turned", LAST_TWO, "uint32")))
    arguments = (
        subject.value(tensor), dims(name, subject.four_axes(tensor)), there, dims(name, operand_shape(subject, place, True)),
        order, tensor.type.size_bytes,
    )  # fmt: skip
    return Call("nn_transpose", arguments, header=EXTRA), there

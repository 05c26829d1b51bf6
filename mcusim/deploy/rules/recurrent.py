"""Layers with a state, which is a variable of the network and stays in memory from one run to the next."""

from __future__ import annotations

import numpy as np

from mcusim.deploy.call import Call, Context, Struct, aligned
from mcusim.deploy.rules.subject import Subject, dims, limits_of, scale_of, zero_of
from mcusim.network import Tensor
from mcusim.network.fixed_point import Multiplier, quantize_multiplier
from mcusim.network.operators import Activation

STATE = 4
"""Place of the state among the inputs of an SVDF layer."""


def svdf(subject: Subject) -> tuple[Call, ...]:
    """``arm_svdf_state_s16_s8``."""
    source, feature, time, state, target = *(subject.input(i) for i in (0, 1, 2, STATE)), subject.output
    subject.require(("int8", "int8", "int16", "int16", "int8"), source, feature, time, state, target)
    if subject.operator.activation is not Activation.RELU:
        raise subject.refused(f"its activation is {subject.operator.activation.name}; allowed: RELU")
    batches, units = target.shape
    params = Struct("cmsis_nn_svdf_params", "svdf_params", (
        subject.operator.rank, zero_of(source, subject), zero_of(target, subject), limits_of(state), limits_of(target),
    ))  # fmt: skip
    quantizations = (
        Struct("cmsis_nn_per_tensor_quant_params", "input_quant", factor(subject, source, feature, state)),
        Struct("cmsis_nn_per_tensor_quant_params", "output_quant", factor(subject, state, time, target)),
    )
    shapes = dims("input", (*source.shape, 1, 1)), dims("state", state.shape), dims("feature", (*feature.shape, 1, 1))
    return (
        Call(
            "arm_svdf_state_s16_s8",
            (*contexts(subject, batches * feature.shape[0], batches * units), params, *quantizations,
             shapes[0], subject.value(source), shapes[1], subject.value(state),
             shapes[2], subject.weights(1, "feature_weights"), dims("time", (*time.shape, 1, 1)),
             subject.weights(2, "time_weights"), dims("bias", (units,)), subject.bias(3),
             dims("output", target.shape), subject.value(target)),
        ),
    )  # fmt: skip


def contexts(subject: Subject, *sums: int) -> tuple[Context, Context]:
    """Scratch memory for so many int32: none for our kernels, and CMSIS-NN has no function that tells it."""
    first, second = (0, 0) if subject.kernels.own else (4 * count for count in sums)
    return Context("input_scratch", first), Context("output_scratch", second, aligned(first))


def factor(subject: Subject, left: Tensor, right: Tensor, result: Tensor) -> Multiplier:
    """From products of two tensors to a third, computed in float32 as TensorFlow Lite does."""
    scales = (np.float32(scale_of(tensor, subject)) for tensor in (left, right, result))
    return quantize_multiplier(float(next(scales) * next(scales) / next(scales)))

"""Layers with a state, which is a variable of the network and stays in memory from one run to the next."""

from __future__ import annotations

from math import log2

import numpy as np

from mcusim.deploy.call import EXTRA, Call, Constant, Context, SizeCheck, Struct, aligned
from mcusim.deploy.rules.subject import Subject, dims, limits_of, scale_of, zero_of
from mcusim.network import Tensor
from mcusim.network.fixed_point import Multiplier, quantize_multiplier, wrap
from mcusim.network.operators import Activation
from mcusim.network.reference.recurrent import (
    CELL,
    CELL_STATE,
    FORGET,
    HIDDEN_STATE,
    INPUT,
    NORMALIZATIONS,
    OUTPUT,
    PEEPHOLES,
    PROJECTION,
    PROJECTION_BIAS,
    Gate,
)

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


GATES = {"input": INPUT, "forget": FORGET, "cell": CELL, "output": OUTPUT}
"""In the order in which ``nn_lstm_params`` has them."""
GATE_SCALE = 2.0**-12
CELL_POWERS = range(-15, -8)
"""Scales of cells, as powers of two: none to six bits before the point, as TensorFlow Lite's tanh of int16 takes them."""
LARGEST_CELL, LARGEST_HIDDEN = 32767, 127
HIDDEN = 4
"""Place of the hidden state before its projection among the intermediates."""


def lstm(subject: Subject) -> tuple[Call, ...]:
    """``nn_lstm_s8``."""
    source, hidden, cell = (subject.input(i) for i in (0, HIDDEN_STATE, CELL_STATE))
    subject.require(("int8", "int8", "int16", "int8"), source, hidden, cell, subject.output)
    if any(subject.optional_input(place) is not None for place in (*PEEPHOLES, *NORMALIZATIONS)):
        raise subject.refused("it has peepholes or layer normalisation; allowed: neither")
    params = lstm_params(subject, source, hidden, cell)
    arguments = (Context(), params, *(subject.value(tensor, "input") for tensor in (source, hidden, cell, subject.output)))
    return (Call("nn_lstm_s8", arguments, header=EXTRA, checks=(SizeCheck("nn_lstm_s8_get_buffer_size", (params,)),)),)


def lstm_params(subject: Subject, source: Tensor, hidden: Tensor, cell: Tensor) -> Struct:
    """``nn_lstm_params``."""
    operator, (first, second, inputs) = subject.operator, source.shape
    (batches, cells), steps = cell.shape, first if operator.time_major else second
    return Struct("nn_lstm_params", "params", (
        int(operator.time_major), batches, steps, inputs, cells, hidden.shape[1],
        -zero_of(source, subject), -zero_of(hidden, subject), *(gate_of(subject, *each) for each in GATES.items()),
        cell_power(subject, cell), clip(operator.cell_clip, cell, subject, LARGEST_CELL), *shown(subject, hidden),
    ))  # fmt: skip


def gate_of(subject: Subject, name: str, gate: Gate) -> tuple[object, ...]:
    """``nn_lstm_gate``; without weights of the input gate one that says so."""
    if subject.optional_input(gate.weights) is None:
        return None, None, None, (0, 0), (0, 0)
    weights = matrix(subject, gate.weights, f"{name}_weights"), matrix(subject, gate.recurrent, f"{name}_recurrent")
    scales = (gate_factor(subject, gate.weights, 0), gate_factor(subject, gate.recurrent, HIDDEN_STATE))
    return *weights, named_bias(subject, gate.bias, f"{name}_bias"), *scales


def matrix(subject: Subject, place: int, name: str) -> Constant:
    """Weights of int8 without a zero point."""
    tensor = subject.input(place)
    subject.require(("int8",), tensor)
    if zero_of(tensor, subject):
        raise subject.refused(f"weights {tensor.name!r} have a zero point; allowed: symmetric ones")
    return subject.weights(place, name)


def named_bias(subject: Subject, place: int, name: str) -> Constant | None:
    """A bias under a name of its own, None where it is left out."""
    return None if subject.optional_input(place) is None else subject.weights(place, name)


def gate_factor(subject: Subject, weights: int, source: int) -> Multiplier:
    """From products to a gate, computed in float32 as TensorFlow Lite does."""
    scales = (np.float32(scale_of(subject.input(place), subject)) for place in (weights, source))
    return quantize_multiplier(float(next(scales) * next(scales) / np.float32(GATE_SCALE)))


def cell_power(subject: Subject, cell: Tensor) -> int:
    """The power of two that the cells' scale is."""
    power = round(log2(scale_of(cell, subject)))
    if scale_of(cell, subject) != 2.0**power or power not in CELL_POWERS or zero_of(cell, subject):
        allowed = f"2**{CELL_POWERS[0]} to 2**{CELL_POWERS[-1]}, zero point 0"
        raise subject.refused(f"its cells have the scale {scale_of(cell, subject)}; allowed: a power of two, {allowed}")
    return power


def clip(real: float, tensor: Tensor, subject: Subject, largest: int) -> int:
    """A bound as stored values have it; 0 is none."""
    return int(min(real / scale_of(tensor, subject), largest))


def shown(subject: Subject, hidden: Tensor) -> tuple[object, ...]:
    """What ``nn_lstm_params`` says of the way from the cells to the hidden state, projection and all."""
    quantization = (*subject.operator.intermediates, *[None] * (HIDDEN + 1))[HIDDEN]
    if quantization is None:
        raise subject.refused(f"the quantisation of its hidden state (intermediate {HIDDEN}) is missing")
    inner, zero = np.float32(quantization.scale), quantization.zero_point
    scale = quantize_multiplier(float(np.float32(2.0**-15 / float(inner) * 2.0**-15)))
    if subject.optional_input(PROJECTION) is None:
        return scale, zero, None, None, (0, 0), 0
    weights = matrix(subject, PROJECTION, "projection")
    outer = np.float32(scale_of(subject.input(PROJECTION), subject)) * inner / np.float32(scale_of(hidden, subject))
    bias = projection_bias(subject, weights, zero)
    bound = clip(subject.operator.projection_clip, subject.output, subject, LARGEST_HIDDEN)
    return scale, -zero, weights, bias, quantize_multiplier(float(outer)), bound


def projection_bias(subject: Subject, weights: Constant, zero: int) -> Constant:
    """The projection's bias plus what the zero point in front of it adds (the reference kernel takes the zero point away)."""
    bias = named_bias(subject, PROJECTION_BIAS, "projection_bias")
    total = zero * weights.data.astype(np.int64).sum(1) + (0 if bias is None else bias.data.astype(np.int64))
    return subject.constant("projection_bias", wrap(total))


def factor(subject: Subject, left: Tensor, right: Tensor, result: Tensor) -> Multiplier:
    """From products of two tensors to a third, computed in float32 as TensorFlow Lite does."""
    scales = (np.float32(scale_of(tensor, subject)) for tensor in (left, right, result))
    return quantize_multiplier(float(next(scales) * next(scales) / next(scales)))

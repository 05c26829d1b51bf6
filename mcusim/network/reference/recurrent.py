"""Kernels with a state: SVDF and LSTM."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcusim.network.fixed_point import (
    FixedPoint,
    logistic,
    multiply,
    quantize_multiplier,
    rounding_shift_right,
    saturate,
    tanh,
    wrap,
)
from mcusim.network.operators import Activation
from mcusim.network.reference.call import Call, clamp_float, scale, zero_point
from mcusim.network.reference.elements import float_tanh, plain_logistic
from mcusim.network.tensor import ElementType

_STATE = 4


def svdf(call: Call) -> list[np.ndarray]:
    """Each filter: features of this input join those of the last T - 1, which are then weighted over time."""
    floats = call.tensor(0).type is ElementType.FLOAT32
    feature, time = call.value(1), call.value(2)
    x = call.value(0) if floats else call.integers(0)
    features = _dot(x, feature) if floats else _scaled_features(call, x @ feature.T.astype(np.int64))
    state = call.value(_STATE).reshape(x.shape[0], *time.shape)
    state = np.concatenate([state[:, :, 1:], features[:, :, None].astype(state.dtype)], 2)
    call.updates[call.tensor(_STATE).name] = state.reshape(call.tensor(_STATE).shape)
    kind = np.float32 if floats else np.int64
    y = np.zeros((x.shape[0], time.shape[0]), kind)
    for step in range(time.shape[1]):
        y += state[:, :, step].astype(kind) * time[:, step].astype(kind)
    parts = y.reshape(x.shape[0], -1, call.operator.rank)
    total = np.add.accumulate(parts, 2)[:, :, -1]
    bias = call.optional(3)
    total = total if bias is None else total + bias.astype(kind)
    return [clamp_float(total, call.operator.activation) if floats else _scaled_output(call, total)]


def _scaled_features(call: Call, sums: np.ndarray) -> np.ndarray:
    real = scale(call.tensor(0)) * scale(call.tensor(1)) / scale(call.tensor(_STATE))
    return saturate(multiply(wrap(sums), *quantize_multiplier(float(real))), 16)


def _scaled_output(call: Call, sums: np.ndarray) -> np.ndarray:
    """RELU is what a zero point at the least value does; nothing else is asked for."""
    if call.operator.activation is not Activation.RELU:
        raise call.error(f"its activation is {call.operator.activation.name}; of integers, RELU alone is supported")
    real = scale(call.tensor(_STATE)) * scale(call.tensor(2)) / scale(call.output)
    scaled = multiply(wrap(sums), *quantize_multiplier(float(real))) + zero_point(call.output)
    return saturate(scaled, 8).astype(np.int8)


def _dot(rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """rows @ matrix.T of float32, each sum one product after another."""
    total = np.zeros((rows.shape[0], matrix.shape[0]), np.float32)
    for column in range(rows.shape[1]):
        total += rows[:, column, None] * matrix[None, :, column]
    return total


@dataclass(frozen=True, slots=True)
class Gate:
    """Which inputs of the layer a gate reads."""

    weights: int
    recurrent: int
    bias: int


INPUT, FORGET, CELL, OUTPUT = Gate(1, 5, 12), Gate(2, 6, 13), Gate(3, 7, 14), Gate(4, 8, 15)
PEEPHOLES, NORMALIZATIONS = (9, 10, 11), (20, 21, 22, 23)
PROJECTION, PROJECTION_BIAS, HIDDEN_STATE, CELL_STATE = 16, 17, 18, 19


def lstm(call: Call) -> list[np.ndarray]:
    """Steps through time; without weights of an input gate that gate is 1 less the forget gate."""
    for index in (*PEEPHOLES, *NORMALIZATIONS):
        if call.optional(index) is not None:
            raise call.error("peepholes and layer normalisation are not supported")
    kernels = {ElementType.INT8: _lstm_8, ElementType.FLOAT32: _lstm_float}
    x = call.value(0)
    hidden, cell = call.value(HIDDEN_STATE), call.value(CELL_STATE)
    step = call.among(kernels)
    outputs = []
    for at in x if call.operator.time_major else x.swapaxes(0, 1):
        hidden, cell = step(at, hidden, cell)
        outputs.append(hidden)
    call.updates[call.tensor(HIDDEN_STATE).name] = hidden
    call.updates[call.tensor(CELL_STATE).name] = cell
    return [np.stack(outputs, 0 if call.operator.time_major else 1)]


def _lstm_float(call: Call):  # type: ignore[no-untyped-def]
    """A step of float32: (input, hidden, cell) -> (hidden, cell)."""
    coupled = call.optional(INPUT.weights) is None
    clip, projection_clip = call.operator.cell_clip, call.operator.projection_clip
    projection, projection_bias = call.optional(PROJECTION), call.optional(PROJECTION_BIAS)

    def gate(at: np.ndarray, hidden: np.ndarray, which: Gate) -> np.ndarray:
        return call.value(which.bias) + _dot(at, call.value(which.weights)) + _dot(hidden, call.value(which.recurrent))

    def step(at: np.ndarray, hidden: np.ndarray, cell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        forget = plain_logistic(gate(at, hidden, FORGET))
        entering = np.float32(1) - forget if coupled else plain_logistic(gate(at, hidden, INPUT))
        cell = forget * cell + float_tanh(gate(at, hidden, CELL)) * entering
        cell = np.clip(cell, np.float32(-clip), np.float32(clip)) if clip > 0 else cell
        hidden = plain_logistic(gate(at, hidden, OUTPUT)) * float_tanh(cell)
        if projection is not None:
            hidden = (np.float32(0) if projection_bias is None else projection_bias) + _dot(hidden, projection)
            if projection_clip > 0:
                hidden = np.clip(hidden, np.float32(-projection_clip), np.float32(projection_clip))
        return hidden, cell

    return step


def _product(a: np.ndarray, b: np.ndarray, shift: int) -> np.ndarray:
    return wrap(rounding_shift_right(a * b, shift), 16)


def _lstm_8(call: Call):  # type: ignore[no-untyped-def]
    """A step of 8 bit inputs and outputs, 16 bit gates (3 integer bits) and 16 bit cell state (a power of two)."""
    coupled = call.optional(INPUT.weights) is None
    power = int(np.round(np.log2(scale(call.tensor(CELL_STATE)))))
    clip = int(min(call.operator.cell_clip / float(scale(call.tensor(CELL_STATE))), 32767))
    finish = _hidden(call)

    def gate(at: np.ndarray, hidden: np.ndarray, which: Gate) -> FixedPoint:
        y = _gate_part(call, at, which.weights, 0, call.optional(which.bias))
        y = saturate(y + _gate_part(call, hidden, which.recurrent, HIDDEN_STATE, None), 16)
        return FixedPoint(y, 3, 16)

    def step(at: np.ndarray, hidden: np.ndarray, cell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        forget = logistic(gate(at, hidden, FORGET)).raw
        entering = 32767 - forget if coupled else logistic(gate(at, hidden, INPUT)).raw
        kept = _product(forget, cell.astype(np.int64), 15)
        cell = saturate(kept + _product(entering, tanh(gate(at, hidden, CELL)).raw, 30 + power), 16)
        cell = np.clip(cell, -clip, clip) if clip > 0 else cell
        shown = tanh(FixedPoint(cell, 15 + power, 16)).raw
        return finish(logistic(gate(at, hidden, OUTPUT)).raw * shown), cell.astype(np.int16)

    return step


def _gate_part(call: Call, x: np.ndarray, weights: int, source: int, bias: np.ndarray | None) -> np.ndarray:
    """Weights times an 8 bit vector, on the scale 2**-12 of gates; saturated to 16 bits."""
    real = np.float32(scale(call.tensor(weights)) * scale(call.tensor(source)) / np.float32(2.0**-12))
    centred = x.astype(np.int64) - zero_point(call.tensor(source))
    sums = centred @ call.value(weights).T.astype(np.int64) + (0 if bias is None else bias.astype(np.int64))
    return saturate(multiply(wrap(sums), *quantize_multiplier(float(real))), 16)


def _hidden(call: Call):  # type: ignore[no-untyped-def]
    """From output gate times tanh of the cell to the hidden state."""
    intermediates = call.operator.intermediates
    quantization = intermediates[4] if len(intermediates) > 4 else None
    if quantization is None:
        raise call.error("the quantisation of its hidden state (intermediate 4) is missing")
    inner = np.float32(2.0**-15 / float(np.float32(quantization.scale)) * 2.0**-15)
    factor = quantize_multiplier(float(inner))
    projection, bias = call.optional(PROJECTION), call.optional(PROJECTION_BIAS)
    if projection is None:
        return lambda product: saturate(multiply(product, *factor) + quantization.zero_point, 8).astype(np.int8)
    outer = scale(call.tensor(PROJECTION)) * np.float32(quantization.scale) / scale(call.tensor(HIDDEN_STATE))
    clip = int(min(call.operator.projection_clip / float(scale(call.output)), 127))

    def projected(product: np.ndarray) -> np.ndarray:
        # The zero point is subtracted on the way into 8 bits, where it may saturate, and added again with the bias.
        inside = saturate(multiply(product, *factor) - quantization.zero_point, 8)
        offset = quantization.zero_point * projection.astype(np.int64).sum(1)
        sums = inside @ projection.T.astype(np.int64) + offset + (0 if bias is None else bias.astype(np.int64))
        hidden = multiply(wrap(sums), *quantize_multiplier(float(outer))) + zero_point(call.tensor(HIDDEN_STATE))
        hidden = saturate(hidden, 8)
        return (np.clip(hidden, -clip, clip) if clip > 0 else hidden).astype(np.int8)

    return projected

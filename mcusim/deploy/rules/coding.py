"""Layers that change how values are stored, and functions of single elements, which are tables of what the twin computes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from mcusim.deploy.call import EXTRA, Call, Constant, Copy, Pointer, Struct
from mcusim.deploy.rules.subject import Subject, bounds, scale_of, zero_of
from mcusim.network import ElementType, Network, Tensor
from mcusim.network.fixed_point import Multiplier, quantize_multiplier
from mcusim.network.operators import Activation, Function
from mcusim.network.reference import Rules, run
from mcusim.network.reference.elements import LOGISTIC_POWERS, TANH_POWERS, table_factor

E = ElementType
BYTES = (E.INT8, E.UINT8)
STORED = (*BYTES, E.INT16)
LOOKUPS = {E.INT8: "nn_lookup_s8", E.UINT8: "nn_lookup_u8"}
SUFFIXES = {E.INT8: "s8", E.UINT8: "u8", E.INT16: "s16", E.FLOAT32: "f32"}
"""Element types in the names of kernels."""
REQUANTIZE = {
    (E.INT8, E.INT8): "nn_requantize_s8",
    (E.UINT8, E.UINT8): "nn_requantize_u8",
    (E.UINT8, E.INT8): "nn_requantize_u8_s8",
    (E.INT8, E.UINT8): "nn_requantize_s8_u8",
    (E.INT8, E.INT16): "nn_requantize_s8_s16",
    (E.INT16, E.INT8): "nn_requantize_s16_s8",
    (E.INT16, E.INT16): "nn_requantize_s16",
}
"""Kernels from integers to integers."""
APART = 128
"""What the zero points of int8 and uint8 differ by where the stored values differ in their top bits only."""

Moves = tuple[Call | Copy, ...]


def unary(subject: Subject) -> Moves:
    """``nn_lookup_s8`` or ``nn_lookup_u8``, with a table of what the layer makes of each byte; int16 has kernels of its own."""
    kinds: Mapping[tuple[str, ...], E] = {(kind.value, kind.value): kind for kind in (*LOOKUPS, E.INT16)}
    kind, function = subject.among(kinds, subject.input(), subject.output), subject.operator.function
    if kind in LOOKUPS:
        return (element_wise(subject, LOOKUPS[kind], table(subject)),)
    if function not in FUNCTIONS_16:
        allowed = ", ".join(each.value for each in FUNCTIONS_16)
        raise subject.refused(f"there is no kernel of int16 for {function.value}; there are kernels for {allowed}")
    return (FUNCTIONS_16[function](subject),)


def table(subject: Subject) -> Constant:
    """The answers of the twin; its rules are those of the kernels in use (mcusim.network.reference.Rules)."""
    every = {tensor.name: replace(tensor, shape=(256,), data=None) for tensor in (subject.input(), subject.output)}
    layer = subject.layer
    network = Network(subject.network.name, every, (layer,), layer.inputs, layer.outputs)
    values = np.arange(256, dtype=np.uint8).view(subject.input().type.value)
    made = run(network, {layer.inputs[0]: values}, rules=Rules.LITE if subject.kernels.own else Rules.MICRO)
    return subject.constant("table", made[layer.outputs[0]], subject.output.type.value)


def element_wise(subject: Subject, function: str, *between: Constant | float) -> Call:
    """A call of ``function`` with input, what is ``between``, and output; a table goes before the count, numbers after it."""
    tables = [each for each in between if isinstance(each, Constant)]
    numbers = [each for each in between if not isinstance(each, Constant)]
    target = subject.output
    arguments = subject.value(subject.input(), "input"), *tables, target.elements, *numbers, Pointer(target.name)
    return Call(function, arguments, status=False, header=EXTRA)


def quantize(subject: Subject) -> Moves:
    """Floats to integers, or integers to another scale."""
    source, target = subject.input(), subject.output
    if source.type is E.FLOAT32 and target.type in STORED:
        return (convert(subject, "quantize", target),)
    if (source.type, target.type) in REQUANTIZE:
        return (requantize(subject),)
    met = ", ".join(subject.types(source, target))
    pairs = ", ".join(f"{one.value} to {other.value}" for one, other in REQUANTIZE)
    raise subject.refused(f"its tensors are {met}; there are kernels for float32 to int8, uint8, int16, and for {pairs}")


def dequantize(subject: Subject) -> Moves:
    """Integers to floats."""
    source = subject.input()
    if source.type not in STORED:
        raise subject.refused(f"its input is {source.type.value}; there are kernels for int8, uint8 and int16")
    return (convert(subject, "dequantize", source),)


def convert(subject: Subject, verb: str, integers: Tensor) -> Call:
    """``nn_quantize_f32_s8``, ``nn_dequantize_s8_f32`` and their like; ``integers``: the tensor that is no float."""
    function = f"nn_{verb}_{SUFFIXES[subject.input().type]}_{SUFFIXES[subject.output.type]}"
    return element_wise(subject, function, scale_of(integers, subject), zero_of(integers, subject))


def requantize(subject: Subject) -> Call | Copy:
    """A copy, flipped bits, or ``nn_requantize_s8`` and its like."""
    source, target = subject.input(), subject.output
    scales, zeros = (scale_of(source, subject), scale_of(target, subject)), (zero_of(source, subject), zero_of(target, subject))
    if source.type is target.type and scales[0] == scales[1] and zeros[0] == zeros[1]:
        return Copy(Pointer(target.name), subject.value(source, "input"), target.size_bytes)
    if {source.type, target.type} == set(BYTES) and scales[0] == scales[1] and abs(zeros[0] - zeros[1]) == APART:
        return element_wise(subject, "nn_flip_top_bits")
    factor = quantize_multiplier(scales[0] / scales[1])
    limits = bounds(subject, Activation.NONE)
    params = Struct("nn_requantize_params", "params", (-zeros[0], zeros[1], *factor, limits))
    return before_input(element_wise(subject, REQUANTIZE[source.type, target.type]), params)


def ratio(subject: Subject, factor: float = 1.0) -> Multiplier:
    """From the input's scale to the output's, times a factor, in float32 as TensorFlow Lite has it."""
    source, target = (np.float32(scale_of(tensor, subject)) for tensor in (subject.input(), subject.output))
    return quantize_multiplier(float(source * np.float32(factor) / target))


def bounded(subject: Subject, activation: Activation) -> Call:
    """``nn_requantize_s16``, which is what ReLU and its kin are."""
    zeros = -zero_of(subject.input(), subject), zero_of(subject.output, subject)
    params = Struct("nn_requantize_params", "params", (*zeros, *ratio(subject), bounds(subject, activation)))
    return before_input(element_wise(subject, "nn_requantize_s16"), params)


def leaky(subject: Subject) -> Call:
    """``nn_leaky_relu_s16``; the sign of alpha is its multiplier's."""
    alpha = subject.operator.alpha
    zeros = -zero_of(subject.input(), subject), zero_of(subject.output, subject)
    slope = ratio(subject, abs(alpha))
    signed = -slope.value if alpha < 0 else slope.value
    params = Struct("nn_leaky_relu_params", "params", (*zeros, *ratio(subject), signed, slope.shift))
    return before_input(element_wise(subject, "nn_leaky_relu_s16"), params)


def before_input(call: Call, params: Struct) -> Call:
    """The call with parameters in front."""
    return replace(call, arguments=(params, *call.arguments))


def sigmoid(subject: Subject, powers: tuple[int, ...], function: int) -> Call:
    """``nn_activation_s16``; ``function``: a value of ``arm_nn_activation_type``."""
    source, target = subject.input(), subject.output
    factor = table_factor(np.float32(scale_of(source, subject)), powers)
    arguments = subject.value(source, "input"), Pointer(target.name), target.elements, *factor, function
    return Call("nn_activation_s16", arguments, status=False, header=EXTRA)


ARM_SIGMOID, ARM_TANH = 0, 1

FUNCTIONS_16: Mapping[Function, Callable[[Subject], Call]] = {
    Function.RELU: partial(bounded, activation=Activation.RELU),
    Function.RELU6: partial(bounded, activation=Activation.RELU6),
    Function.RELU_N1_TO_1: partial(bounded, activation=Activation.RELU_N1_TO_1),
    Function.LEAKY_RELU: leaky,
    Function.LOGISTIC: partial(sigmoid, powers=LOGISTIC_POWERS, function=ARM_SIGMOID),
    Function.TANH: partial(sigmoid, powers=TANH_POWERS, function=ARM_TANH),
}
"""Functions of int16."""

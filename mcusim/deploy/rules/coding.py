"""Layers that change how values are stored, and functions of single elements, which are tables of what the twin computes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mcusim.deploy.call import Call, Constant, Copy, Pointer, Struct
from mcusim.deploy.rules.elementwise import EXTRA
from mcusim.deploy.rules.subject import Subject, scale_of, zero_of
from mcusim.network import ElementType, Network
from mcusim.network.fixed_point import quantize_multiplier
from mcusim.network.reference import Rules, run

E = ElementType
BYTES = (E.INT8, E.UINT8)
SUFFIXES = {E.INT8: "s8", E.UINT8: "u8", E.INT16: "s16", E.FLOAT32: "f32"}
"""Element types in the names of kernels."""
REQUANTIZED = ((E.INT8, E.INT16), (E.INT16, E.INT8), (E.INT16, E.INT16))
"""Pairs of types, of which one has 16 bits, with a kernel."""
STORED = (E.INT8, E.UINT8, E.INT16)

Moves = tuple[Call | Copy, ...]


def unary(subject: Subject) -> Moves:
    """``nn_lookup_8``."""
    source, target = subject.input(), subject.output
    if source.type not in BYTES or source.type is not target.type:
        met = ", ".join(subject.types(source, target))
        raise subject.refused(f"its tensors are {met}; there is a kernel for int8, int8 and for uint8, uint8")
    return (lookup(subject),)


def lookup(subject: Subject) -> Call:
    """The call that replaces every byte by what a table has for it."""
    place = subject.value(subject.input(), "input")
    arguments = place, table(subject), Pointer(subject.output.name), subject.output.elements
    return Call("nn_lookup_8", arguments, status=False, header=EXTRA)


def table(subject: Subject) -> Constant:
    """What the layer makes of each byte. The rules are those of the kernels in use (mcusim.network.reference.call.Rules)."""
    every = {tensor.name: replace(tensor, shape=(256,), data=None) for tensor in (subject.input(), subject.output)}
    layer = subject.layer
    network = Network(subject.network.name, every, (layer,), layer.inputs, layer.outputs)
    values = np.arange(256, dtype=np.uint8).view(subject.input().type.value)
    made = run(network, {layer.inputs[0]: values}, rules=Rules.LITE if subject.kernels.own else Rules.MICRO)
    return subject.constant("table", made[layer.outputs[0]], subject.output.type.value)


def quantize(subject: Subject) -> Moves:
    """Floats to integers, or integers to another scale."""
    source, target = subject.input(), subject.output
    if source.type is E.FLOAT32 and target.type in STORED:
        return (convert(subject, "quantize", target),)
    if source.type in BYTES and target.type in BYTES:
        return (between_bytes(subject),)
    if (source.type, target.type) in REQUANTIZED:
        return (requantize(subject),)
    met = ", ".join(subject.types(source, target))
    pairs = ", ".join(f"{one.value} to {other.value}" for one, other in REQUANTIZED)
    raise subject.refused(f"its tensors are {met}; there are kernels for float32 to integers, between bytes, and for {pairs}")


def dequantize(subject: Subject) -> Moves:
    """Integers to floats."""
    source = subject.input()
    if source.type not in STORED:
        raise subject.refused(f"its input is {source.type.value}; there are kernels for int8, uint8 and int16")
    return (convert(subject, "dequantize", source),)


def convert(subject: Subject, verb: str, integers: object) -> Call:
    """``nn_quantize_f32_s8``, ``nn_dequantize_s8_f32`` and their like; ``integers``: the tensor that is no float."""
    source, target = subject.input(), subject.output
    tensor = source if integers is source else target
    function = f"nn_{verb}_{SUFFIXES[source.type]}_{SUFFIXES[target.type]}"
    place = subject.value(source, "input")
    arguments = place, scale_of(tensor, subject), zero_of(tensor, subject), Pointer(target.name), target.elements
    return Call(function, arguments, status=False, header=EXTRA)


def between_bytes(subject: Subject) -> Call | Copy:
    """A copy, flipped bits or a table, from one kind of byte to another."""
    source, target = subject.input(), subject.output
    place = subject.value(source, "input")
    if scale_of(source, subject) == scale_of(target, subject):
        apart = abs(zero_of(source, subject) - zero_of(target, subject))
        if source.type is target.type and not apart:
            return Copy(Pointer(target.name), place, target.size_bytes)
        if source.type is not target.type and apart == 128:
            return Call("nn_flip_top_bits", (place, Pointer(target.name), target.elements), status=False, header=EXTRA)
    return lookup(subject)


def requantize(subject: Subject) -> Call:
    """``nn_requantize_s8_s16`` and its like."""
    source, target = subject.input(), subject.output
    factor = quantize_multiplier(scale_of(source, subject) / scale_of(target, subject))
    fields = -zero_of(source, subject), zero_of(target, subject), *factor
    params = Struct("nn_requantize_params", "params", fields)
    function = f"nn_requantize_{SUFFIXES[source.type]}_{SUFFIXES[target.type]}"
    arguments = params, subject.value(source, "input"), Pointer(target.name), target.elements
    return Call(function, arguments, status=False, header=EXTRA)

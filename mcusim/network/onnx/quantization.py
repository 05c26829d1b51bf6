"""Scales and zero points: QuantizeLinear and DequantizeLinear, and operators that work on stored integers.

Quantised models are read as float ones whose tensors have scales: what lies between DequantizeLinear and QuantizeLinear is
computed in integers by lowering.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mcusim.network import operators as ops
from mcusim.network.builder import Constant, Operand
from mcusim.network.layout import Value
from mcusim.network.limits import axis_of
from mcusim.network.network import Unsupported
from mcusim.network.onnx.view import Item, Stored, Translation, View
from mcusim.network.tensor import Quantization


def scales_of(view: View, scale: int, zero: int, rank: int, kind: str | None = None) -> tuple[Quantization, str]:
    """Scales as for int8, and the type that the file stores in."""
    steps = view.constant(scale, "scale").reshape(-1).astype(np.float64)
    zeros = view.constant(zero, "zero point") if view.optional(zero) is not None else None
    stored = kind or ("uint8" if zeros is None else str(zeros.dtype))
    if stored not in ("int8", "uint8", "int32"):
        raise Unsupported(f"quantisation to {stored} is not supported; int8 and uint8 are")
    points = np.zeros(1, np.int64) if zeros is None else zeros.reshape(-1).astype(np.int64)
    points = points - (128 if stored == "uint8" else 0)
    points = np.broadcast_to(points, steps.shape) if points.size == 1 else points
    if points.shape != steps.shape or not np.all((steps > 2.0**-60) & (steps < 2.0**60)):
        raise Unsupported(f"its {steps.size} scales (positive numbers are allowed) and {points.size} zero points are no pairs")
    if view.get("block_size", 0):
        raise Unsupported("scales for each block are not supported")
    axis = axis_of(int(view.get("axis", 1)), rank) if steps.size > 1 else None
    return Quantization(tuple(steps.tolist()), tuple(int(p) for p in points), axis), stored


def along(scales: Quantization, values: Sequence[float], rank: int) -> np.ndarray:
    shape = [1] * rank
    if scales.axis is not None:
        shape[scales.axis] = -1
    return np.array(values, np.float64).reshape(shape if scales.axis is not None else ())


def dequantized(view: View, index: int, scale: int, zero: int) -> Operand:
    item = view.item(index)
    if isinstance(item, Stored) and isinstance(item.operand, Value):
        scales, _ = scales_of(view, scale, zero, len(item.shape), item.type)
        return annotated(view, item, scales)
    if isinstance(item, Stored):
        return item.operand
    if isinstance(item, Value):
        raise Unsupported(f"its input {index} is of real numbers")
    kind = str(item.data.dtype)
    scales, _ = scales_of(view, scale, zero, item.data.ndim, kind)
    if scales.axis is not None and item.data.shape[scales.axis] != len(scales.scales):
        raise Unsupported(f"it has {len(scales.scales)} scales along axis {scales.axis} of {item.data.shape}")
    stored = item.data.astype(np.float64) - (128 if kind == "uint8" else 0)
    real = (stored - along(scales, scales.zero_points, stored.ndim)) * along(scales, scales.scales, stored.ndim)
    return Constant(item.name, real, None if kind == "int32" else scales)


def annotated(view: View, item: Stored, scales: Quantization) -> Value:
    """The real values of a stored tensor, whose scales are noted if this is the first to say them."""
    value, known = item.operand, item.scales or view.builder.annotations.get(item.operand.name)
    assert isinstance(value, Value)
    if known is not None and known != scales:
        raise Unsupported(f"{value.name!r} is stored with the scale {known.scales[0]:g} and read with {scales.scales[0]:g}")
    if len(scales.scales) > 1:
        raise Unsupported("scales of each channel are supported for constants only")
    view.builder.annotations[value.name] = scales
    return value


def quantized(view: View, operand: Operand, scales: Quantization, kind: str, output: str) -> Stored:
    """Real numbers as stored: a constant is rounded, a value goes on under a name that has the scales."""
    if isinstance(operand, Constant):
        least = -128
        steps, zeros = (along(scales, v, operand.data.ndim) for v in (scales.scales, scales.zero_points))
        rounded = np.clip(np.round(operand.data / steps) + zeros, least, 127)
        return Stored(Constant(operand.name, (rounded - zeros) * steps, scales), scales, kind)
    if len(scales.scales) > 1:
        raise Unsupported("scales of each channel are supported for constants only")
    builder = view.builder
    if builder.annotations.get(operand.name) == scales:
        return Stored(operand, scales, kind)
    (name,) = builder.emit(ops.Reshape(builder.tensors[operand.name].shape), [operand.name], output)
    builder.annotations[name] = scales
    return Stored(replace(operand, name=name), scales, kind)


def quantize(view: View) -> list[Item]:
    x = view.operand(0)
    scales, kind = scales_of(view, 1, 2, len(x.shape))
    return [quantized(view, x, scales, kind, view.output)]


def dequantize(view: View) -> list[Item]:
    return [dequantized(view, 0, 1, 2)]


def on_stored(translate: Translation) -> Translation:
    """An operator that moves elements or chooses among them, on stored integers too: their scales go with them."""

    def result(view: View) -> list[Item]:
        first = view.optional(0)
        if not isinstance(first, Stored):
            return translate(view)
        if any(isinstance(x, Stored) and x.scales != first.scales for x in view.inputs):
            raise Unsupported("it joins integers of different scales")
        inputs = tuple(x.operand if isinstance(x, Stored) else x for x in view.inputs)
        made = translate(replace(view, inputs=inputs))
        scales = first.scales or view.builder.annotations.get(first.operand.name)
        if scales is None:
            raise Unsupported("it works on integers whose scale is not known yet")
        for item in made:
            assert not isinstance(item, Stored)
            if isinstance(item, Value):
                view.builder.annotations[item.name] = scales
        return [Stored(item, scales, first.type) for item in made if not isinstance(item, Stored)]

    return result

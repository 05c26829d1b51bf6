"""ONNX operators that vanish on constants, or of which only the shapes matter: a table from names to their values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from mcusim.network.limits import axis_of
from mcusim.network.network import Unsupported
from mcusim.network.onnx.file import NUMBERS
from mcusim.network.onnx.view import View, ranges

MAX_FOLDED_ELEMENTS = 1 << 22
"""Folding is for arithmetic on shapes and for weights; what is larger is refused."""


@dataclass(frozen=True, slots=True)
class Fold:
    """The value of an operator whose inputs are constants, or of which only the shapes matter."""

    value: Callable[[View], np.ndarray]
    needs_shapes_only: bool = False


def _elements(view: View) -> list[np.ndarray]:
    arrays = [view.constant(i, "input") for i in range(len(view.inputs))]
    if prod(np.broadcast_shapes(*(a.shape for a in arrays))) > MAX_FOLDED_ELEMENTS:
        raise Unsupported(f"arithmetic on constants of more than {MAX_FOLDED_ELEMENTS} elements is not supported")
    return arrays


def _elementwise(function: Callable[..., Any]) -> Fold:
    return Fold(lambda view: np.asarray(function(*_elements(view))))


def _quotient(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    if left.dtype.kind != "f":
        if not np.all(right):
            raise Unsupported("it divides by zero")
        return (np.sign(left) * np.sign(right) * (np.abs(left) // np.abs(right))).astype(left.dtype)
    return left / right


def _shape(view: View) -> np.ndarray:
    shape = view.item(0).shape
    return np.array(shape[view.get("start", 0) : view.get("end", len(shape))], np.int64)


def _filled(view: View) -> np.ndarray:
    shape = view.whole(0, "shape")
    value = view.get("value")
    value = np.zeros(1, np.float32) if value is None else np.asarray(value)
    if not 0 <= prod(shape) <= MAX_FOLDED_ELEMENTS or value.size != 1 or len(shape) > 8:
        raise Unsupported(f"a constant of shape {tuple(shape)} is not made")
    return np.full(shape, value.reshape(-1)[0])


def _constant(view: View) -> np.ndarray:
    for name in ("value", "value_float", "value_floats", "value_int", "value_ints"):
        value = view.get(name)
        if value is not None:
            kind = None if name == "value" else np.float32 if "float" in name else np.int64
            return np.asarray(value, kind)
    raise Unsupported("its value is of a kind that is not supported")


def _range(view: View) -> np.ndarray:
    start, limit, step = (view.number(i, "bounds") for i in range(3))
    if not step or abs((limit - start) / step) > MAX_FOLDED_ELEMENTS:
        raise Unsupported(f"a range from {start} to {limit} by {step} is not made")
    return np.arange(start, limit, step).astype(view.constant(0, "bounds").dtype)


def _taken(view: View) -> np.ndarray:
    data, indices = view.constant(0, "input"), view.constant(1, "indices")
    if indices.size * data.size > MAX_FOLDED_ELEMENTS:
        raise Unsupported("it gathers too many constant elements")
    return np.take(data, indices, axis_of(view.get("axis", 0), data.ndim))


def _cut(view: View) -> np.ndarray:
    data, taken = view.constant(0, "input"), ranges(view)
    return data[np.ix_(*(list(taken.get(axis, range(size))) for axis, size in enumerate(data.shape)))]


def _joined(view: View) -> np.ndarray:
    arrays = [view.constant(i, "input") for i in range(len(view.inputs))]
    if sum(a.size for a in arrays) > MAX_FOLDED_ELEMENTS:
        raise Unsupported("it joins too many constant elements")
    return np.concatenate(arrays, axis_of(view.get("axis", 0), arrays[0].ndim))


def _kind(view: View) -> np.ndarray:
    kind = NUMBERS.get(view.get("to", 0))
    if kind is None:
        raise Unsupported(f"it casts to type {view.get('to', 0)}; supported are {', '.join(NUMBERS.values())}")
    return view.constant(0, "input").astype(kind)


def _stretched(view: View) -> np.ndarray:
    data = view.constant(0, "input")
    shape = np.broadcast_shapes(data.shape, tuple(view.whole(1, "shape")))
    if prod(shape) > MAX_FOLDED_ELEMENTS:
        raise Unsupported(f"a constant of shape {shape} is not made")
    return np.broadcast_to(data, shape)


def _product(view: View) -> np.ndarray:
    data, axes = view.constant(0, "input"), view.listed("axes", 1, "axes")
    along = tuple({axis_of(a, data.ndim) for a in axes}) if axes else None
    return np.asarray(np.prod(data, along, keepdims=bool(view.get("keepdims", 1))))


FOLDS: dict[str, Fold] = {
    "Shape": Fold(_shape, needs_shapes_only=True),
    "Size": Fold(lambda view: np.array(prod(view.item(0).shape), np.int64), needs_shapes_only=True),
    "Constant": Fold(_constant, needs_shapes_only=True),
    "ConstantOfShape": Fold(_filled),
    "Range": Fold(_range),
    "Gather": Fold(_taken),
    "Slice": Fold(_cut),
    "Concat": Fold(_joined),
    "Cast": Fold(_kind),
    "Expand": Fold(_stretched),
    "Add": _elementwise(np.add),
    "Sub": _elementwise(np.subtract),
    "Mul": _elementwise(np.multiply),
    "Div": _elementwise(_quotient),
    "Min": _elementwise(np.minimum),
    "Max": _elementwise(np.maximum),
    "Equal": _elementwise(np.equal),
    "Where": _elementwise(np.where),
    "Floor": _elementwise(np.floor),
    "Ceil": _elementwise(np.ceil),
    "Sqrt": _elementwise(np.sqrt),
    "Neg": _elementwise(np.negative),
    "ReduceProd": Fold(_product),
}
"""Operators that vanish on constants: what shape arithmetic consists of."""

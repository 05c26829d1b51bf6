"""Operators that vanish on constants, or of which only the shapes matter: a table from names to their values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite

from mcusim.network.limits import axis_of
from mcusim.network.network import Unsupported
from mcusim.network.tflite.cutting import strided
from mcusim.network.tflite.shaping import expanded, new_shape, squeezed
from mcusim.network.tflite.view import View


@dataclass(frozen=True, slots=True)
class Fold:
    """The value of an operator whose inputs are constants, or of which only the shapes matter."""

    value: Callable[[View], np.ndarray]
    needs_shapes_only: bool = False


def _cut(view: View) -> np.ndarray:
    data = view.constant(0, "input")
    cut = strided(view, data.shape)
    index = [
        [first + i * step for i in range(size)]
        for first, size, step in zip(cut.slice.begin, cut.slice.size, cut.slice.stride, strict=True)
    ]
    return data[np.ix_(*index)].reshape(cut.shape)


def _packed(view: View) -> np.ndarray:
    axis = axis_of(view.options(tflite.PackOptions).Axis(), len(view.input(0).shape) + 1)
    if sum(view.input(i).elements for i in range(len(view.inputs))) > 4096:
        raise Unsupported("it packs more than 4096 constant elements")
    return np.stack([view.constant(i, "input") for i in range(len(view.inputs))], axis)


def _joined(view: View) -> np.ndarray:
    axis = axis_of(view.options(tflite.ConcatenationOptions).Axis(), len(view.input(0).shape))
    return np.concatenate([view.constant(i, "input") for i in range(len(view.inputs))], axis)


def _gathered(view: View) -> np.ndarray:
    options = view.options(tflite.GatherOptions)
    data = view.constant(0, "input")
    axis = axis_of(options.Axis(), data.ndim)
    if options.BatchDims():
        raise Unsupported("a gather with batch dimensions is not supported")
    if view.input(1).elements * data.size > 1 << 20:
        raise Unsupported("it gathers too many constant elements")
    return np.take(data, view.constant(1, "indices"), axis)


def _elementwise(function: Callable[..., Any]) -> Fold:
    """Wrapping arithmetic on two constants of whole numbers."""

    def value(view: View) -> np.ndarray:
        left, right = view.constant(0, "left side"), view.constant(1, "right side")
        if left.dtype.kind != "i" or left.dtype.itemsize < 4:
            raise Unsupported("arithmetic on constants that are no whole numbers is not supported")
        if left.size * right.size > 1 << 20:
            raise Unsupported("arithmetic on large constants is not supported")
        return np.asarray(function(left, right))

    return Fold(value)


def _reshaped(shape: Callable[[View], tuple[int, ...]]) -> Fold:
    return Fold(lambda view: view.constant(0, "input").reshape(shape(view)))


def _product(view: View) -> np.ndarray:
    data = view.constant(0, "input")
    axes = tuple({axis_of(axis, data.ndim) for axis in view.whole(1, "axes")})
    return np.prod(data, axes, keepdims=bool(view.options(tflite.ReducerOptions).KeepDims()))


FOLDS: dict[str, Fold] = {
    "SHAPE": Fold(lambda view: np.array(view.input(0).shape), needs_shapes_only=True),
    "RANK": Fold(lambda view: np.array(len(view.input(0).shape)), needs_shapes_only=True),
    "STRIDED_SLICE": Fold(_cut),
    "PACK": Fold(_packed),
    "CONCATENATION": Fold(_joined),
    "GATHER": Fold(_gathered),
    "CAST": Fold(lambda view: view.constant(0, "input")),
    "RESHAPE": _reshaped(new_shape),
    "SQUEEZE": _reshaped(squeezed),
    "EXPAND_DIMS": _reshaped(expanded),
    "ADD": _elementwise(np.add),
    "SUB": _elementwise(np.subtract),
    "MUL": _elementwise(np.multiply),
    "REDUCE_PROD": Fold(_product),
}
"""Operators that vanish on constants: what shape arithmetic consists of."""

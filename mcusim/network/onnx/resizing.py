"""Resize and Upsample: nearest elements, by the indices that ONNX's rules give."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mcusim.network.builder import Constant
from mcusim.network.network import Unsupported
from mcusim.network.onnx.view import Item, View

COORDINATES: dict[str, Callable[[np.ndarray, float, int, int], np.ndarray]] = {
    "asymmetric": lambda i, f, n, m: i / f,
    "half_pixel": lambda i, f, n, m: (i + 0.5) / f - 0.5,
    "pytorch_half_pixel": lambda i, f, n, m: (i + 0.5) / f - 0.5 if m > 1 else i * 0.0,
    "align_corners": lambda i, f, n, m: i * (n - 1) / (m - 1) if m > 1 else i * 0.0,
}
"""Where output i lies in the input: (i, scale, size of the input, size of the output)."""
ROUNDINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "floor": np.floor,
    "ceil": np.ceil,
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
}


def resize(view: View) -> list[Item]:
    x = view.value(0)
    if view.get("mode", "nearest") != "nearest":
        raise Unsupported(f"its mode is {view.get('mode')}; nearest is supported")
    old = view.node.name == "Upsample" or view.opset < 11
    sizes, factors = _sizes(view, x.shape, old)
    if len(sizes) != len(x.shape) or tuple(sizes[:2]) != x.shape[:2] or not all(0 < n <= 4096 for n in sizes[2:]):
        raise Unsupported(f"it resizes {x.shape} to {tuple(sizes)}; height and width can be resized")
    rule = "asymmetric" if old else view.get("coordinate_transformation_mode", "half_pixel")
    rounding = "floor" if old else view.get("nearest_mode", "round_prefer_floor")
    if rule not in COORDINATES or rounding not in ROUNDINGS:
        raise Unsupported(f"its rules {rule} and {rounding} are not supported")
    places = [
        np.clip(ROUNDINGS[rounding](COORDINATES[rule](np.arange(m), f, n, m)), 0, n - 1).astype(np.int64)
        for n, m, f in zip(x.shape[2:], sizes[2:], factors[2:], strict=True)
    ]
    return [view.builder.resize(view.output, x, places)]


def _sizes(view: View, shape: Sequence[int], old: bool) -> tuple[list[int], list[float]]:
    """The new length of each axis, and its scale; one of them is stated. ``old``: as Upsample and early versions state it."""
    scales = view.optional(1 if old else 2)
    sizes = None if old else view.listed("", 3, "sizes")
    factors = view.get("scales")
    if isinstance(scales, Constant) and scales.data.size:
        factors = [float(s) for s in scales.data.reshape(-1)]
    if sizes is None and (factors is None or len(factors) != len(shape) or not all(0 < f < 4096 for f in factors)):
        raise Unsupported("it has neither sizes nor a scale for each axis that are constant")
    sizes = sizes or [int(n * f) for n, f in zip(shape, factors, strict=True)]
    return sizes, factors or [m / n for n, m in zip(shape, sizes, strict=True)]

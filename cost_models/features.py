"""Features: what the time of a layer grows with, counted from its row of the table. Kinds: which layers grow alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from cost_models.layers import CODES, OPERATORS, is_float

Column = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class Kind:
    """Layers of one operator for which ``holds`` is true of the row: they go one way through the kernels."""

    name: str
    operator: str
    holds: Column


def _pointwise(table: np.ndarray) -> np.ndarray:
    return _dense(table) & (table["kernel_height"] * table["kernel_width"] == 1)


def _dense(table: np.ndarray) -> np.ndarray:
    """Read in place by kernels with the DSP extension (``nn_goes_in_place`` of nn_convolve.h)."""
    return (table["groups"] == 1) & (table["input_channels"] % 4 == 0)


def _ungrouped(table: np.ndarray) -> np.ndarray:
    return np.asarray(table["groups"] == 1)


def _few(table: np.ndarray) -> np.ndarray:
    """Fewer than four outputs in a group: kernels that make four at a time leave them to plain loops."""
    return np.asarray(table["output_channels"] < 4 * table["groups"])


def _single(table: np.ndarray) -> np.ndarray:
    return np.asarray(table["output_channels"] == table["input_channels"])


def _strided(table: np.ndarray) -> np.ndarray:
    return _three(table) & (table["stride_width"] > 1)


def _three(table: np.ndarray) -> np.ndarray:
    return _single(table) & (table["kernel_height"] == 3) & (table["kernel_width"] == 3)


def _any(table: np.ndarray) -> np.ndarray:
    return np.ones(len(table), bool)


KINDS: tuple[Kind, ...] = (
    *(Kind(f"{name} float", name, is_float) for name in OPERATORS),
    Kind("Conv2D few outputs", "Conv2D", _few),
    Kind("Conv2D pointwise", "Conv2D", _pointwise),
    Kind("Conv2D in place", "Conv2D", _dense),
    Kind("Conv2D gathered", "Conv2D", _ungrouped),
    Kind("DepthwiseConv2D 3x3 strided", "DepthwiseConv2D", _strided),
    Kind("DepthwiseConv2D 3x3", "DepthwiseConv2D", _three),
    Kind("DepthwiseConv2D", "DepthwiseConv2D", _single),
    *(Kind(f"{name} other" if name in ("Conv2D", "DepthwiseConv2D") else name, name, _any) for name in OPERATORS),
)
"""All kinds; a row is of the first one of its operator that holds. Every row has one."""

KIND_NAMES = tuple(kind.name for kind in KINDS)

_BY_OPERATOR = {
    CODES[name]: [place for place, kind in enumerate(KINDS) if kind.operator == name] for name in OPERATORS
}  # fmt: skip


def kinds_of(table: np.ndarray) -> np.ndarray:
    """The kind of each row, as a place in KINDS."""
    found = np.full(len(table), -1)
    for code in np.unique(table["operator"]):
        rows = np.flatnonzero(table["operator"] == code)
        for place in reversed(_BY_OPERATOR[int(code)]):
            found[rows[KINDS[place].holds(table[rows])]] = place
    return found


def pixels(table: np.ndarray) -> np.ndarray:
    """Rows times columns of the output."""
    return table["output_height"].astype(np.float64) * table["output_width"]


def depth(table: np.ndarray) -> np.ndarray:
    """Values that a window holds for one output element."""
    taps = table["kernel_height"].astype(np.float64) * table["kernel_width"]
    return np.asarray(taps * table["input_channels"] / np.maximum(table["groups"], 1))


def edge(table: np.ndarray) -> np.ndarray:
    """Output pixels whose window reaches into the padding, about."""
    rows = (table["padding_top"] + table["padding_bottom"]) / np.maximum(table["stride_height"], 1)
    columns = (table["padding_left"] + table["padding_right"]) / np.maximum(table["stride_width"], 1)
    rows, columns = np.minimum(rows, table["output_height"]), np.minimum(columns, table["output_width"])
    return np.asarray(pixels(table) - (table["output_height"] - rows) * (table["output_width"] - columns))


CACHED_BYTES = 4096
"""The data cache of the smallest Cortex-M7 here. What is larger is read again from memory where a layer reads it again."""

FEATURES: Mapping[str, Column] = {
    "calls": lambda t: np.ones(len(t)),
    "output rows": lambda t: t["output_height"].astype(np.float64),
    "pixels": pixels,
    "elements": lambda t: pixels(t) * t["output_channels"],
    "channels": lambda t: t["output_channels"].astype(np.float64),
    "input bytes": lambda t: t["input_bytes"].astype(np.float64),
    "weight bytes": lambda t: t["weight_bytes"].astype(np.float64),
    "MACs": lambda t: t["macs"].astype(np.float64),
    "window values": lambda t: pixels(t) * depth(t),
    "window rows": lambda t: pixels(t) * t["kernel_height"],
    "window row elements": lambda t: pixels(t) * t["kernel_height"] * t["output_channels"],
    "odd outputs": lambda t: pixels(t) * depth(t) * (t["output_channels"] % 4),
    "odd depth": lambda t: pixels(t) * t["output_channels"] * (depth(t) % 4),
    "odd pixels": lambda t: t["output_channels"] * depth(t) * (pixels(t) % 2),
    "window elements": lambda t: pixels(t) * t["kernel_height"] * t["kernel_width"] * t["output_channels"],
    "MACs of many weights": lambda t: t["macs"] * (t["weight_bytes"] > CACHED_BYTES).astype(np.float64),
    "quads of channels": lambda t: (t["output_channels"] + 3) // 4 * 1.0,
    "odd channels": lambda t: pixels(t) * (t["output_channels"] % 4),
    "odd taps": lambda t: pixels(t) * t["kernel_height"] * t["kernel_width"] * (t["output_channels"] % 4),
    "row ends": lambda t: t["output_height"].astype(np.float64) * t["output_channels"],
    "odd columns": lambda t: t["output_height"].astype(np.float64) * t["output_channels"] * (t["output_width"] % 4),
    "MACs of large inputs": lambda t: t["macs"] * (t["input_bytes"] > CACHED_BYTES).astype(np.float64),
    "large inputs": lambda t: t["input_bytes"] * (t["input_bytes"] > CACHED_BYTES).astype(np.float64),
    "edge": edge,
    "edge elements": lambda t: edge(t) * t["output_channels"],
}
"""All are counts of 0 and more, so that coefficients that are not negative make costs that grow with each of them."""


def features_of(table: np.ndarray) -> np.ndarray:
    """A row for each layer, a column for each of FEATURES."""
    return np.stack([column(table) for column in FEATURES.values()], axis=1)

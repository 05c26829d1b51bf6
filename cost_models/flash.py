"""Flash of networks: constants, kernels and what they call, the code around them; from tables of sizes of what compilers made.

Constants are exact, and so is which kernels are there and what they take. The code that calls them is not: compilers make it
of a whole network at once, so that what a call takes depends on those before it. It is told by kernel, as builds of samples
have it on average, and the deviation is that of those builds. Kernels of uint8 are told as those of int8, which take a little
more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from cost_models.errors import CostModelError
from cost_models.estimates import Estimate
from cost_models.layers import OPERATORS, Layers

SIZES = Path(__file__).with_name("sizes.json")
SCHEMA = "cost_models.sizes/1"

USUAL: Mapping[str, str] = {
    "Conv2D": "arm_convolve_wrapper_s8", "DepthwiseConv2D": "arm_depthwise_conv_wrapper_s8",
    "TransposeConv2D": "arm_transpose_conv_wrapper_s8", "FullyConnected": "arm_fully_connected_per_channel_s8",
    "Binary add": "arm_elementwise_add_s8", "Binary sub": "nn_sub_s8", "Binary mul": "arm_elementwise_mul_s8",
    "Binary minimum": "arm_minimum_s8", "Binary maximum": "arm_maximum_s8", "Pool2D average": "arm_avgpool_s8",
    "Pool2D max": "arm_max_pool_s8", "Reduce mean": "nn_mean_s8", "Reduce sum": "nn_mean_s8", "Reduce max": "nn_reduce_max_s8",
    "Reduce min": "nn_reduce_min_s8", "Pad": "arm_pad_s8", "ResizeNearest": "nn_resize_nearest", "Softmax": "arm_softmax_s8",
    "Quantize": "nn_requantize_s8", "Dequantize": "nn_dequantize_s8_f32", "BatchMatMul": "arm_batch_matmul_s8",
    "Svdf": "arm_svdf_state_s16_s8", "UnidirectionalLstm": "nn_lstm_s8", "Concatenation": "memcpy", "Reshape": "memcpy",
    "Split": "memcpy", "Slice": "memcpy", "Transpose": "memcpy",
    **{name: "nn_lookup_s8" for name in OPERATORS if name.startswith("Unary")},
}  # fmt: skip
"""Kernels of int8 by operator, as the rules of mcusim.deploy choose them."""

ODD: Mapping[str, str] = {
    "FullyConnected": "arm_fully_connected_s8", "Binary add": "nn_add_s8", "Binary mul": "nn_mul_s8", "Pad": "memset",
}  # fmt: skip
"""Where the step is odd: one scale for all outputs, shapes that differ, a Pad of other things than images."""

WIDE: Mapping[str, str] = {
    "TransposeConv2D": "nn_transpose_conv_s16", "FullyConnected": "nn_fully_connected_s16", "Binary minimum": "nn_minimum_s16",
    "Binary maximum": "nn_maximum_s16", "Reduce max": "nn_reduce_max_s16", "Reduce min": "nn_reduce_min_s16",
    "Unary relu": "nn_requantize_s16", "Unary relu6": "nn_requantize_s16", "Unary relu_n1_to_1": "nn_requantize_s16",
    "Unary leaky_relu": "nn_leaky_relu_s16", "Unary logistic": "nn_activation_s16", "Unary tanh": "nn_activation_s16",
    **{name: kernel.replace("_s8", "_s16") for name, kernel in USUAL.items() if name.startswith((
        "Conv2D", "Depthwise", "Binary add", "Binary sub", "Binary mul", "Pool2D", "Reduce mean", "Reduce sum", "Softmax",
        "BatchMatMul",
    ))},
}  # fmt: skip
"""Kernels of int16."""

FLOAT: Mapping[str, str] = {
    "Quantize": "nn_quantize_f32_s8", "Dequantize": "nn_dequantize_s8_f32", "Conv2D": "nn_convolve_f32",
    "DepthwiseConv2D": "nn_depthwise_conv_f32", "FullyConnected": "nn_fully_connected_f32",
    "Pool2D average": "nn_average_pool_f32", "Pool2D max": "nn_max_pool_f32", "Binary add": "nn_add_f32",
    "Binary sub": "nn_sub_f32", "Binary mul": "nn_mul_f32", "Binary minimum": "nn_minimum_f32",
    "Binary maximum": "nn_maximum_f32", "Unary relu": "nn_clamp_f32", "Unary relu6": "nn_clamp_f32",
    "Unary relu_n1_to_1": "nn_clamp_f32", "Unary leaky_relu": "nn_leaky_relu_f32", "Unary logistic": "nn_logistic_f32",
    "Unary hard_swish": "nn_hard_swish_f32", "Unary silu": "nn_silu_f32", "Softmax": "nn_softmax_f32",
    "Reduce mean": "nn_mean_f32", "Reduce sum": "nn_sum_f32", "Reduce max": "nn_reduce_max_f32",
    "Reduce min": "nn_reduce_min_f32",
}  # fmt: skip
"""Kernels with floats at one end, and those of floats."""

KERNELS = tuple(sorted({*USUAL.values(), *ODD.values(), *WIDE.values(), *FLOAT.values()}))

LONG_ROW = 128
"""Bytes of a row from which on a Pad has a kernel of its own (mcusim.deploy.rules.shaping)."""


def _column(chosen: Mapping[str, str]) -> np.ndarray:
    return np.array([KERNELS.index({**USUAL, **chosen}[name]) for name in OPERATORS])


_PLACES = np.stack([_column(each) for each in ({}, ODD, WIDE, FLOAT)])


def kernels_of(layers: Layers) -> np.ndarray:
    """The kernel of each layer, as a place in KERNELS; -1 for one without code."""
    table = layers.table
    odd = np.zeros(len(table), bool) if layers.arenas is None else layers.arenas.steps["odd"].copy()
    odd |= (table["operator"] == OPERATORS.index("Pad")) & (table["input_width"] * table["input_channels"] < LONG_ROW)
    way = np.select([table["element_bytes"] == 4, table["element_bytes"] == 2, odd], [3, 2, 1], 0)
    found = _PLACES[way, table["operator"]]
    free = table["operator"] == OPERATORS.index("Reshape") if layers.arenas is None else layers.arenas.steps["free"]
    return np.where(free, -1, found)


def calls_of(layers: Layers) -> np.ndarray:
    """How often each network calls each of KERNELS: a row for each network."""
    kernels = kernels_of(layers)
    there = kernels >= 0
    places = layers.owners[there] * len(KERNELS) + kernels[there]
    return np.bincount(places, minlength=len(layers) * len(KERNELS)).reshape(len(layers), len(KERNELS))


@dataclass(frozen=True, slots=True)
class Target:
    """What a compiler makes for a core. ``sections``: alignment and bytes of each, in the order in which they are linked.

    ``kernels``: the sections of each of KERNELS and of what it calls. ``calls``: bytes around a call of each. ``deviation``:
    of sums of those, in bytes. ``known``: bytes of sets of kernels that were asked for.
    """

    sections: tuple[tuple[int, int], ...]
    kernels: tuple[tuple[int, ...], ...]
    calls: tuple[float, ...]
    deviation: float
    known: dict[bytes, int] = field(default_factory=dict, compare=False, repr=False)

    def code_bytes(self, calls: np.ndarray) -> np.ndarray:
        """Kernels and calls of each network; ``calls`` as ``calls_of`` has them."""
        there = calls > 0
        linked = [self._linked(row.tobytes(), each) for row, each in zip(np.packbits(there, axis=1), there, strict=True)]
        return np.asarray(linked + calls @ np.array(self.calls))

    def _linked(self, key: bytes, there: np.ndarray) -> int:
        if key not in self.known:
            self.known[key] = self.linked_bytes(np.flatnonzero(there))
        return self.known[key]

    def linked_bytes(self, kernels: np.ndarray) -> int:
        """Bytes of some kernels and of what they call."""
        place = MIDDLE
        for number in sorted({number for kernel in kernels for number in self.kernels[kernel]}):
            alignment, size = self.sections[number]
            place = -(-place // alignment) * alignment + size
        return place - MIDDLE


MIDDLE = 16
"""Where the kernels begin, beyond a multiple of the largest alignment, for all that is known."""


def flash_bytes(layers: Layers, target: Target, frame_bytes: float) -> Estimate:
    """Code and constants of each network. ``frame_bytes``: of what a board's firmware has beside its network."""
    constants = about_constants(layers.table) if layers.arenas is None else layers.arenas.steps["constant_bytes"]
    values = target.code_bytes(calls_of(layers)) + layers.per_network(constants) + frame_bytes
    spread = target.deviation * np.sqrt(layers.counts / USUAL_LAYERS)
    return Estimate(values, np.maximum(spread, target.deviation))


def about_constants(table: np.ndarray) -> np.ndarray:
    """Bytes of the arrays of each layer, as the row tells them: all have biases, and no two layers the same arrays."""
    channels = np.where(np.isin(table["operator"], CHANNELED), table["output_channels"], 0).astype(np.int64)
    bias = _arrays(np.minimum(4 * channels, table["weight_bytes"]))
    weights = _arrays(table["weight_bytes"] - np.minimum(4 * channels, table["weight_bytes"]))
    return weights + bias + 2 * _arrays(4 * channels) + np.where(np.isin(table["operator"], LOOKED_UP), 256, 0)


def _arrays(sizes: np.ndarray) -> np.ndarray:
    return np.asarray(-(-sizes // 16) * 16)


CHANNELED = [OPERATORS.index(name) for name in ("Conv2D", "DepthwiseConv2D", "TransposeConv2D", "FullyConnected")]
"""Operators with a multiplier and a shift for each output channel."""

LOOKED_UP = [place for place, name in enumerate(OPERATORS) if name.startswith("Unary")]

USUAL_LAYERS = 8.0
"""Layers of a sample, about; errors of calls add up as if they were independent."""


@cache
def tables() -> dict[str, Any]:
    """The tables as shipped."""
    plain: dict[str, Any] = json.loads(SIZES.read_bytes())
    if plain["schema"] != SCHEMA:
        raise CostModelError(f"{SIZES}: {plain['schema']}; allowed: {SCHEMA}")
    return plain


@cache
def target_of(name: str) -> Target:
    """The target of a core."""
    plain = tables()["targets"][name]
    kernels = tuple(tuple(plain["kernels"].get(kernel, ())) for kernel in KERNELS)
    calls = tuple(float(plain["calls"].get(kernel, plain["call"])) for kernel in KERNELS)
    return Target(tuple((a, s) for a, s in plain["sections"]), kernels, calls, float(plain["deviation"]))

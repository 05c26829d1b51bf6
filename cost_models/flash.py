"""Flash of networks: constants, kernels, the code around them; from tables of sizes of what compilers made.

Exact: constants, names and descriptions (``labels.py``), which kernels are there, what they take, and what they call.

Not exact: the code that calls them. Compilers make one function of all layers and share registers, addresses and numbers
between them, and from some size of that function on marks are no longer written out in it. It is told by kernel, as builds of
samples have it on average, with less for each call beyond those that are written out; the deviation is that of those builds.
Nor are gaps between sections, which depend on where that code ends. Kernels of uint8 are told as those of int8, which take a
little more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from cost_models.arena import USUAL_ENDS_BYTES, USUAL_LABEL_BYTES
from cost_models.errors import CostModelError
from cost_models.estimates import Estimate
from cost_models.layers import OPERATORS, Layers

SIZES = Path(__file__).with_name("sizes.json")
SCHEMA = "cost_models.sizes/2"

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
    "Quantize": "nn_flip_top_bits",
}  # fmt: skip
"""Where the step is odd: one scale for all outputs, shapes that differ, a Pad of other things than images. Bytes whose top bits
change only."""

TURNED = "nn_transpose"
"""What a BatchMatMul calls too where an operand has to be turned over first."""

WIDE: Mapping[str, str] = {
    "TransposeConv2D": "nn_transpose_conv_s16", "FullyConnected": "nn_fully_connected_s16", "Binary minimum": "nn_minimum_s16",
    "Binary maximum": "nn_maximum_s16", "Reduce max": "nn_reduce_max_s16", "Reduce min": "nn_reduce_min_s16",
    "Unary relu": "nn_requantize_s16", "Unary relu6": "nn_requantize_s16", "Unary relu_n1_to_1": "nn_requantize_s16",
    "Unary leaky_relu": "nn_leaky_relu_s16", "Unary logistic": "nn_activation_s16", "Unary tanh": "nn_activation_s16",
    "Quantize": "nn_requantize_s8_s16",
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

KERNELS = tuple(sorted({*USUAL.values(), *ODD.values(), *WIDE.values(), *FLOAT.values(), TURNED}))

ENDS = ("several inputs", "several outputs", "inputs of floats")
"""What the code around a network depends on (main.c.j2 of mcusim.deploy): whether a network has each of them."""

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
    odd |= (table["operator"] == OPERATORS.index("Quantize")) & (table["scales"] == 0)
    way = np.select([table["element_bytes"] == 4, table["element_bytes"] == 2, odd], [3, 2, 1], 0)
    found = _PLACES[way, table["operator"]]
    free = table["operator"] == OPERATORS.index("Reshape") if layers.arenas is None else layers.arenas.steps["free"]
    return np.where(free, -1, found)


def calls_of(layers: Layers) -> np.ndarray:
    """How often each network calls each of KERNELS: a row for each network."""
    kernels = kernels_of(layers)
    there = kernels >= 0
    places = layers.owners[there] * len(KERNELS) + kernels[there]
    calls = np.bincount(places, minlength=len(layers) * len(KERNELS)).reshape(len(layers), len(KERNELS))
    if layers.arenas is not None:
        turned = (layers.table["operator"] == OPERATORS.index("BatchMatMul")) & (layers.arenas.steps["scratch_bytes"] > 0)
        calls[:, KERNELS.index(TURNED)] += layers.per_network(turned.astype(np.int64))
    return calls


def ends_of(layers: Layers) -> np.ndarray:
    """Which of ENDS each network has: a row of truth values for each."""
    if layers.arenas is None:
        return np.zeros((len(layers), len(ENDS)), bool)
    steps = layers.arenas.steps
    counts = (layers.per_network(steps[name].astype(np.int64)) for name in ("inputs", "outputs", "floats"))
    return np.column_stack([count > least for count, least in zip(counts, (1, 1, 0), strict=True)])


def stored_bytes(layers: Layers) -> np.ndarray:
    """Constants and labels of each network."""
    if layers.arenas is None:
        return constant_bytes(layers) + USUAL_LABEL_BYTES * layers.counts + USUAL_ENDS_BYTES
    return constant_bytes(layers) + layers.per_network(layers.arenas.steps["label_bytes"])


def constant_bytes(layers: Layers) -> np.ndarray:
    """Constants of each network."""
    if layers.arenas is None:
        return layers.per_network(about_constants(layers.table))
    return layers.per_network(layers.arenas.steps["constant_bytes"])


def beyond(calls: np.ndarray, inlined: int) -> np.ndarray:
    """How many calls of each network there are beyond ``inlined``: compilers stop to write out marks where a function grows."""
    return np.maximum(calls.sum(axis=1) - inlined, 0)


@dataclass(frozen=True, slots=True)
class Target:
    """What a compiler makes for a core. ``sections``: alignment and bytes of each, in the order in which they are linked.

    ``kernels``: the sections of each of KERNELS and of what it calls. ``calls``: bytes around a call of each. ``ends``: of each
    of ENDS. ``deep``: how many calls a compiler writes out in full, and bytes of each beyond. ``deviation``: of sums of those
    in networks of few layers, in bytes. ``known``: bytes of sets of kernels that were asked for.
    """

    sections: tuple[tuple[int, int], ...]
    kernels: tuple[tuple[int, ...], ...]
    calls: tuple[float, ...]
    ends: tuple[float, ...]
    deep: tuple[int, float]
    deviation: float
    known: dict[bytes, int] = field(default_factory=dict, compare=False, repr=False)

    def code_bytes(self, calls: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Kernels and calls of each network; ``calls`` and ``ends`` as ``calls_of`` and ``ends_of`` have them."""
        around = calls @ np.array(self.calls) + ends @ np.array(self.ends) + beyond(calls, self.deep[0]) * self.deep[1]
        return np.asarray(self.kernel_bytes(calls) + around)

    def kernel_bytes(self, calls: np.ndarray) -> np.ndarray:
        """Kernels of each network, and what they call."""
        there = calls > 0
        linked = [self._linked(row.tobytes(), each) for row, each in zip(np.packbits(there, axis=1), there, strict=True)]
        return np.array(linked)

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
    values = target.code_bytes(calls_of(layers), ends_of(layers)) + stored_bytes(layers) + frame_bytes
    return Estimate(values, target.deviation * growth(layers.counts))


def growth(counts: np.ndarray) -> np.ndarray:
    """How many times larger than in networks of few layers errors are: those of calls add up as if they were independent."""
    return np.asarray(np.sqrt(np.maximum(counts / USUAL_LAYERS, 1)))


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
"""Layers of a sample, about."""


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
    ends = tuple(float(plain["ends"][name]) for name in ENDS)
    deep = int(plain["deep"][0]), float(plain["deep"][1])
    return Target(tuple((a, s) for a, s in plain["sections"]), kernels, calls, ends, deep, float(plain["deviation"]))

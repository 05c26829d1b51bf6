"""The arenas of many networks: one after the other for a few, compiled and by all cores for more."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from cost_models.arena import STEP, TENSOR, USUAL_ENDS_BYTES, USUAL_LABEL_BYTES, Arenas
from cost_models.flash import about_constants
from cost_models.layers import CODES, LAYER, Layers
from cost_models.packing import chances
from cost_models.ram import arena_of
from cost_models.warmth import Warmth
from mcusim.network import ElementType

NETWORKS = Warmth("cost_models.native", 64, 4000)

Row = namedtuple("Row", LAYER.names or ())  # type: ignore[misc]
Step = namedtuple("Step", STEP.names or ())  # type: ignore[misc]
Tensor = namedtuple("Tensor", TENSOR.names or ())  # type: ignore[misc]


def chained(layers: Layers) -> Layers:
    """Layers of which each reads what the one before it has written and nothing else, with the arenas that follow from that.

    Of networks without branches, one image at a time; exact where rows say which scales do not fit (``unfit_channels``).
    """
    starts = layers.starts + np.arange(len(layers))
    table, count = layers.table, len(layers.table) + len(layers)
    places, ends = np.delete(np.arange(count), starts), np.append(starts[1:], count) - 1
    own = np.arange(len(table)) - np.repeat(layers.starts, layers.counts)
    tensors, steps = np.zeros(count, TENSOR), np.zeros(len(table), STEP)
    tensors["bytes"][starts], tensors["bytes"][places] = table["input_bytes"][layers.starts], table["output_bytes"]
    tensors["first"][starts], tensors["first"][places] = -1, own
    tensors["last"] = tensors["first"] + 1
    tensors["last"][ends] -= 1
    elements = table["output_height"].astype(np.int64) * table["output_width"] * table["output_channels"]
    first = table[layers.starts]
    inputs = first["input_height"].astype(np.int64) * first["input_width"] * first["input_channels"]
    tensors["element_bytes"][starts] = tensors["bytes"][starts] // np.maximum(inputs, 1)
    tensors["element_bytes"][places] = table["output_bytes"] // np.maximum(elements, 1)
    steps["source"], steps["target"], steps["other"], steps["batches"] = own, own + 1, -1, 1
    steps["constant_bytes"], steps["label_bytes"] = about_constants(table), USUAL_LABEL_BYTES
    steps["label_bytes"][layers.starts] += USUAL_ENDS_BYTES
    steps["inputs"][layers.starts], steps["outputs"][layers.starts + layers.counts - 1] = 1, 1
    steps["floats"][layers.starts] = tensors["element_bytes"][starts] == ElementType.FLOAT32.size_bytes
    steps["free"] = table["operator"] == CODES["Reshape"]
    scaled = np.isin(table["operator"], (CODES["Conv2D"], CODES["DepthwiseConv2D"])) & (table["unfit_channels"] > 0)
    steps["odd"] = scaled | ((table["operator"] == CODES["FullyConnected"]) & (table["scales"] == 1))
    whole = np.ones(count, bool)
    whole[places] = ~steps["free"]
    tensors["body"] = np.maximum.accumulate(np.where(whole, np.arange(count), 0)) - np.repeat(starts, layers.counts + 1)
    return replace(layers, arenas=Arenas(tensors, starts, steps))


def arena_bytes(layers: Layers, dsp: bool) -> np.ndarray:
    """Bytes of the arena of each network, in one memory. ``dsp``: for a core with the DSP extension."""
    assert layers.arenas is not None
    if not NETWORKS.pays(len(layers)):
        return plain_arena_bytes(layers, layers.arenas, dsp)
    from cost_models.native import arena_bytes as compiled

    return compiled(layers, layers.arenas, dsp)


def plain_arena_bytes(layers: Layers, arenas: Arenas, dsp: bool) -> np.ndarray:
    """The same, without numba."""
    rows = [Row._make(row) for row in layers.table.tolist()]
    steps, tensors = [Step._make(row) for row in arenas.steps.tolist()], [Tensor._make(row) for row in arenas.tensors.tolist()]
    own, there = _slices(layers.starts, len(rows)), _slices(arenas.starts, len(tensors))
    found = [arena_of(rows[a], steps[a], tensors[b], dsp, DRAWN) for a, b in zip(own, there, strict=True)]
    return np.array(found, np.int64)


def _slices(starts: np.ndarray, end: int) -> list[slice]:
    return [slice(a, b) for a, b in pairwise([*starts.tolist(), end])]


class Drawn(Sequence[Sequence[int]]):
    """``chances`` by the number of bodies, drawn when they are asked for."""

    def __len__(self) -> int:
        return 1 << 62

    def __getitem__(self, bodies):  # type: ignore[no-untyped-def]
        return chances(bodies)


DRAWN = Drawn()

"""Arenas: what the memory planner asks of networks beside their layers, as tables of tensors and of steps.

Made of a network by ``cost_models.buffers.arenas_of``, or by hand: a search that changes shapes changes ``bytes`` and leaves
the rest as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cost_models.errors import CostModelError

TENSOR = np.dtype(
    [(name, np.int64) for name in ("bytes", "offset")]
    + [(name, np.int32) for name in ("first", "last", "body", "element_bytes")]
)  # fmt: skip
"""A row for each tensor that needs memory. ``first`` and ``last``: the layers that write it and that read it last, by their
places in the network; -1 for what the caller writes, the last layer for what stays. ``body``: the first of those tensors with
which it shares memory, as views do, by its place in the network, itself for most; ``offset``: bytes from where the lowest of
them begins.
"""

STEP = np.dtype(
    [(name, np.int64) for name in ("scratch_bytes", "constant_bytes", "label_bytes")]
    + [(name, np.int32) for name in ("target", "source", "other", "batches", "inputs", "outputs")]
    + [(name, np.bool_) for name in ("odd", "free", "floats")]
)  # fmt: skip
"""A row for each layer. ``target``, ``source``, ``other``: the tensors that are its output, its first input, and the second
one where it works element by element; by their places in the network, -1 for none. ``batches``: images in the input.
``scratch_bytes``: what does not follow from the row of the layer. ``odd``: its kernel does not go its usual way (a
convolution with a scale that nn_scale.h is not right for, a fully connected layer with one scale, operands of different
shapes, a Pad of other things than images of int8). ``constant_bytes``: of arrays in flash, each rounded up to 16, those of
earlier layers not among them. ``free``: it has no code, since its output lies in its input.

Flash alone asks for the rest. ``label_bytes``: of names and descriptions (``cost_models.labels``). ``inputs``, ``floats``: how
many inputs the network has, and whether floats are among them, at its first layer; ``outputs``: its outputs, at its last one.
"""


RECORD_BYTES = 28
"""``struct network_tensor`` of network.h, which describes an input or an output."""

USUAL_LABEL_BYTES, USUAL_ENDS_BYTES = 16, 2 * (RECORD_BYTES + 8) + 36
"""Labels of a layer, and of a network beside its layers, where no names are known; one input, one output."""


@dataclass(frozen=True, slots=True)
class Arenas:
    """``tensors``: array of TENSOR, of one network after the other; ``starts[i]``: the first row of network i.

    ``steps``: array of STEP, a row for each row of the table of layers.
    """

    tensors: np.ndarray
    starts: np.ndarray
    steps: np.ndarray

    def __post_init__(self) -> None:
        if self.tensors.dtype != TENSOR or self.steps.dtype != STEP:
            raise CostModelError(
                f"arenas of {self.tensors.dtype} and {self.steps.dtype}; expected cost_models.TENSOR and cost_models.STEP"
            )

    def selected(self, networks: Sequence[int], rows: np.ndarray) -> Arenas:
        """Some of the networks; ``rows``: those of their layers."""
        ends = np.append(self.starts[1:], len(self.tensors))
        parts = [self.tensors[self.starts[i] : ends[i]] for i in networks]
        return Arenas(_joined(parts, TENSOR), _starts(parts), self.steps[rows])


def joined_arenas(parts: Sequence[Arenas]) -> Arenas:
    """Those of several tables in one."""
    before = _starts([part.tensors for part in parts])
    starts = [part.starts + offset for part, offset in zip(parts, before, strict=True)]
    return Arenas(
        _joined([part.tensors for part in parts], TENSOR), np.concatenate([*starts, np.zeros(0, np.int64)]),
        _joined([part.steps for part in parts], STEP),
    )  # fmt: skip


def _joined(parts: Sequence[np.ndarray], kind: np.dtype) -> np.ndarray:
    return np.concatenate(parts) if parts else np.zeros(0, kind)


def _starts(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.cumsum([0, *map(len, parts)])[:-1]

"""Sparse weights: matrices of which only what is not zero is kept, those of int8 as ``nn_sparse_weights`` of nn_extra.h has it.

An entry is a step, 0 to 255, from the place of the entry before (of a row's first entry: from its first input), and a value.
Gaps wider than a step have entries of value 0 on their way. Two formats:

``rows``   an entry for each weight that is not zero: 2 bytes, where 16-bit indices make 3.
``fours``  an entry for each input and four outputs one of whose weights is not zero: 5 bytes for four weights. For networks
           that were pruned in such blocks; of others it keeps many zeros.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

LONGEST_STEP = 255
MOST_ENTRIES = 0xFFFF
"""Of a row: counts are uint16."""

FORMATS: Mapping[str, int] = {"rows": 1, "fours": 4}
"""Outputs that an entry has weights of."""
MULTIPLES: Mapping[str, int] = {"rows": 1, "fours": 4}
"""What the number of a row's entries is a multiple of: the kernel of ``fours`` takes four at once."""
LONG, LONG_MULTIPLE = 32, 4
"""The same where rows have so many entries: each begins at a word then, for 3 bytes at most."""


@dataclass(frozen=True, slots=True)
class SparseWeights:
    """``counts``: uint16, entries of each row (of each four); ``steps``: uint8; ``values``: as nn_extra.h orders them."""

    format: str
    outputs: int
    depth: int
    counts: np.ndarray
    steps: np.ndarray
    values: np.ndarray

    @property
    def size_bytes(self) -> int:
        """Bytes of all three tables."""
        return self.counts.nbytes + self.steps.nbytes + self.values.nbytes


def encoded(weights: np.ndarray, form: str) -> SparseWeights | None:
    """``weights`` ([outputs, depth]) in a format of ``FORMATS``; None where a row has too many entries for its count.

    Kernels there are for int8. Values of other types are kept as they are: one of float32 takes 5 bytes with its step.
    """
    outputs, depth = weights.shape
    blocks = _blocks(weights, FORMATS[form])
    row, place = np.nonzero(blocks.any(axis=2))
    left = blocks[row, place]
    gaps, crowded = _gaps(row, place), _crowded(left, form)
    fillers = np.maximum(gaps - 1, 0) // LONGEST_STEP + crowded
    counts = np.bincount(row, weights=fillers + 1, minlength=len(blocks)).astype(np.int64)
    padding = -counts % (LONG_MULTIPLE if counts.sum() >= LONG * counts.size else MULTIPLES[form])
    if np.any(counts + padding > MOST_ENTRIES):
        return None
    at = np.cumsum(fillers + 1) - 1 + (np.cumsum(padding) - padding)[row]
    steps = _only_fillers(counts, padding)
    steps[at] = gaps - (fillers - crowded) * LONGEST_STEP
    steps[at[crowded] - 1] = 0
    values = np.zeros((steps.size, FORMATS[form]), weights.dtype)
    values[at] = left
    return SparseWeights(form, outputs, depth, (counts + padding).astype(np.uint16), steps, _ordered(values))


def _gaps(row: np.ndarray, place: np.ndarray) -> np.ndarray:
    """From each entry's place to that of the one before in its row, or to the row's beginning."""
    return np.where(np.diff(row, prepend=-1) != 0, place, np.diff(place, prepend=0))


def _crowded(values: np.ndarray, form: str) -> np.ndarray:
    """Entries of -128 behind one of -128: they get a filler between, since two such products need more than 16 bits."""
    least = (values[:, 0] == -128) & (form == "rows") & (values.dtype == np.int8)
    return least & np.concatenate([[False], least])[:-1]


def _only_fillers(counts: np.ndarray, padding: np.ndarray) -> np.ndarray:
    """The longest step for all entries of each row, and steps of 0 behind them."""
    kinds = np.tile(np.array([LONGEST_STEP, 0], np.uint8), len(counts))
    return np.repeat(kinds, np.stack([counts, padding], axis=1).reshape(-1))


def _blocks(weights: np.ndarray, outputs: int) -> np.ndarray:
    """[rows, depth, outputs of a row]: zeros for outputs that the last row lacks."""
    full = np.pad(weights, ((0, -len(weights) % outputs), (0, 0)))
    return full.reshape(-1, outputs, weights.shape[1]).transpose(0, 2, 1)


def _ordered(values: np.ndarray) -> np.ndarray:
    """Of fours, two entries a and b as a0 a1 b0 b1 a2 a3 b2 b3, so that SXTB16 makes pairs of one output."""
    return values.reshape(-1, 2, 2, 2).transpose(0, 2, 1, 3).reshape(-1) if values.shape[1] == 4 else values.reshape(-1)


def decoded(sparse: SparseWeights) -> np.ndarray:
    """The weights again, [outputs, depth], entry by entry: the slow twin of ``encoded``."""
    width, entry = FORMATS[sparse.format], 0
    weights = np.zeros((len(sparse.counts) * width, sparse.depth), sparse.values.dtype)
    for row, count in enumerate(sparse.counts.tolist()):
        place = 0
        for _ in range(count):
            place += int(sparse.steps[entry])
            for output in range(width):
                weights[row * width + output, place] += sparse.values[_place_of(entry, output, width)]
            entry += 1
    return weights[: sparse.outputs]


def _place_of(entry: int, output: int, width: int) -> int:
    return entry if width == 1 else entry // 2 * 8 + output // 2 * 4 + entry % 2 * 2 + output % 2


def kept_bytes(array: np.ndarray) -> np.ndarray:
    """An array as the program has it: C knows none without elements."""
    return array if array.size else np.zeros(1, array.dtype)

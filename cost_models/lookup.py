"""Lookup: measured layers of each kind; a new one costs about what those nearest to it do, for its size.

The ratios of ``cost_models.ratios`` are kept of some layers and interpolated between the logarithms of their sizes, by inverse
distances (D. Shepard, A two-dimensional interpolation function for irregularly-spaced data, 1968). Not modelled: what is sudden
between two layers that were met.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from cost_models.packed import as_kept, packed, unpacked
from cost_models.ratios import RatioModel

SIZES = (
    "output pixels", "output channels", "input channels of a group", "window", "stride", "input bytes", "run bytes", "clamps",
    "padding", "unfit channels", "input channels in fours", "output channels in fours",
)  # fmt: skip
"""What layers of a kind are told apart by; all of what may be 0 is counted from 1."""

POWER = 4
"""Of the distance, that a neighbour's weight falls with."""

TINY = 1e-9
"""Added to squares of distances: a layer that was met has the ratio that was met."""

DIGITS = 5
"""To which logarithms are rounded when they are met, so that a file holds them as they are."""

AT_ONCE = 1 << 22
"""Distances that are held in memory at a time."""


def sizes_of(table: np.ndarray) -> np.ndarray:
    """Whole numbers from 1 up, [rows, SIZES]. Fours: the greatest common divisor with 4."""
    row = {name: table[name].astype(np.int64) for name in table.dtype.names or ()}
    columns = (
        row["output_height"] * row["output_width"], row["output_channels"], row["input_channels"] // row["groups"],
        row["kernel_height"] * row["kernel_width"], row["stride_height"] * row["stride_width"], 1 + row["input_bytes"],
        1 + row["run_bytes"], 1 + row["clamps"],
        1 + row["padding_top"] + row["padding_bottom"] + row["padding_left"] + row["padding_right"], 1 + row["unfit_channels"],
        np.gcd(row["input_channels"], 4), np.gcd(row["output_channels"], 4),
    )  # fmt: skip
    return np.maximum(np.stack(columns, axis=1), 1)


def squares_between(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Squares of distances, [left, right]."""
    squares = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2 * left @ right.T
    return np.asarray(np.maximum(squares, 0))


@dataclass(frozen=True, slots=True)
class Grid:
    """``starts``: the first row of each slot, and the number of rows. ``sizes``, [rows, SIZES]; ``met``, [quantities, rows]:
    logarithms of ratios.
    """

    neighbours: int
    starts: np.ndarray
    sizes: np.ndarray
    met: np.ndarray

    def logs(self, table: np.ndarray, slots: np.ndarray) -> np.ndarray:
        """Of each row."""
        made, places, points = np.zeros((len(self.met), len(table))), np.log2(sizes_of(table)), np.log2(self.sizes)
        for slot in np.unique(slots[slots >= 0]):
            known = slice(self.starts[slot], self.starts[slot + 1])
            rows, count = np.flatnonzero(slots == slot), len(points[known])
            for part in np.array_split(rows, len(rows) * count // AT_ONCE + 1) if count else ():
                made[:, part] = _between(places[part], points[known], self.met[:, known], min(self.neighbours, count))
        return made

    def plain(self) -> dict[str, Any]:
        """Sizes as they are: a table that can be read."""
        return {
            "neighbours": self.neighbours, "starts": packed(self.starts), "sizes": packed(self.sizes, 12),
            "logs": packed(self.met, DIGITS),
        }  # fmt: skip


def _between(places: np.ndarray, points: np.ndarray, met: np.ndarray, count: int) -> np.ndarray:
    squares = squares_between(places, points)
    near = np.argpartition(squares, count - 1, axis=1)[:, :count]
    weights = (np.take_along_axis(squares, near, 1) + TINY) ** (-POWER / 2)
    return np.einsum("rn,qrn->qr", weights / weights.sum(axis=1, keepdims=True), met[:, near])


class Lookup(RatioModel):
    """``rows``: layers that are kept, of all kinds together. ``neighbours``: of them, those that a new one is told from."""

    name: ClassVar[str] = "lookup"

    def __init__(self, rows: int = 4500, neighbours: int = 8) -> None:
        super().__init__()
        self.rows = rows
        self.neighbours = neighbours

    def learn(self, table: np.ndarray, slots: np.ndarray, logs: np.ndarray, kinds: int) -> Grid:
        """Of each kind all layers, or those that lie far from each other."""
        sizes, counts = sizes_of(table), np.bincount(slots, minlength=kinds)
        limit = level(counts, self.rows)
        kept = [thinned(sizes[slots == slot], logs[:, slots == slot], limit) for slot in range(kinds)]
        starts = np.cumsum([0, *(len(each) for each, _ in kept)])
        every, met = np.concatenate([each for each, _ in kept]), np.concatenate([met for _, met in kept], axis=1)
        return Grid(self.neighbours, starts, every, as_kept(met, DIGITS))

    @classmethod
    def read_ratios(cls, plain: Mapping[str, Any], quantities: int, kinds: int) -> Grid:
        """The grid that ``Grid.plain`` wrote."""
        starts, neighbours = unpacked(plain["starts"], kinds + 1).astype(np.int64), int(plain["neighbours"])
        sizes = unpacked(plain["sizes"], -1, len(SIZES))
        if starts[0] != 0 or starts[-1] != len(sizes) or (np.diff(starts) < 0).any() or (sizes < 1).any():
            raise ValueError("rows of a lookup that do not lie one kind after the other, or have sizes below 1")
        if neighbours < 1:
            raise ValueError(f"a lookup of {neighbours} neighbours")
        return Grid(neighbours, starts, sizes, unpacked(plain["logs"], quantities, len(sizes)))


def level(counts: np.ndarray, total: int) -> int:
    """The most that each may have so that all together have ``total`` at most; but 1 at least."""
    least, most = 1, max(int(counts.max(initial=1)), 1)
    while least < most:
        middle = (least + most + 1) // 2
        least, most = (middle, most) if np.minimum(counts, middle).sum() <= total else (least, middle - 1)
    return least


def thinned(sizes: np.ndarray, met: np.ndarray, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """At most ``limit`` of the sizes, each with the mean of what was met nearest to it.

    The next is the one that lies furthest from those before (T. F. Gonzalez, Clustering to minimize the maximum intercluster
    distance, 1985).
    """
    if not len(sizes):
        return sizes, met
    places, kept, nearest, squares = np.log2(sizes), [0], np.zeros(len(sizes), np.int64), np.full(len(sizes), np.inf)
    while True:
        fresh = ((places - places[kept[-1]]) ** 2).sum(axis=1)
        nearest[fresh < squares] = len(kept) - 1
        squares = np.minimum(squares, fresh)
        if len(kept) == limit or squares.max() == 0:
            break
        kept.append(int(np.argmax(squares)))
    return sizes[kept], np.stack([np.bincount(nearest, each) / np.bincount(nearest) for each in met])

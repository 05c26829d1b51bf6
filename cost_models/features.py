"""Features: kinds and terms of whole tables of layers, by plain functions where they are few and compiled ones where many."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator
from typing import Any

import numpy as np

from cost_models.errors import CostModelError
from cost_models.kinds import FIRST, FIRST_OF_KIN, KINDRED, WIDTH
from cost_models.layers import LAYER
from cost_models.terms import sound, terms
from cost_models.warmth import Warmth

FEW = 1500
"""Rows up to which plain functions take less time than it takes to load compiled ones."""

ROWS = Warmth("cost_models.fast", FEW + 1, 100_000)

KIN_OF = tuple({other for other, first in enumerate(KINDRED) if first == KINDRED[kind]} for kind in range(len(KINDRED)))

Row: Any = namedtuple("Row", LAYER.names or ())  # type: ignore[misc]  # fields are those of LAYER


ONE = np.zeros(1, np.int64)
"""Where networks start: all rows are of one."""


def counted(table: np.ndarray, dsp: bool, starts: np.ndarray = ONE) -> tuple[np.ndarray, np.ndarray]:
    """The kind of each row, a place in ``cost_models.kinds.KINDS``, and its terms, [rows, WIDTH].

    ``starts``: the first row of each network.
    """
    return (counted_fast if ROWS.pays(len(table)) else counted_plainly)(table, dsp, starts)


def counted_plainly(table: np.ndarray, dsp: bool, starts: np.ndarray = ONE) -> tuple[np.ndarray, np.ndarray]:
    """The slow twin: a row after the other."""
    kinds, out, begins, met = np.zeros(len(table), np.int64), [], set(starts.tolist()), set[int]()
    for place, row in enumerate(rows_of(table)):
        found = [0.0] * WIDTH
        kind = kinds[place] = terms(row, dsp, found) if sound(row) else -1
        met = set() if place in begins else met
        if kind >= 0 and kind not in met:
            found[FIRST_OF_KIN if met & KIN_OF[kind] else FIRST] = 1.0
        met.add(kind)
        out.append(found)
    _check(table, kinds)
    return kinds, np.array(out, np.float64).reshape(-1, WIDTH)


def counted_fast(table: np.ndarray, dsp: bool, starts: np.ndarray = ONE) -> tuple[np.ndarray, np.ndarray]:
    """The same, compiled."""
    from cost_models import fast

    kinds, out = np.zeros(len(table), np.int64), np.zeros((len(table), WIDTH))
    fast.count(table, dsp, fast.blocks_of(starts, len(table)), starts, kinds, out)
    _check(table, kinds)
    return kinds, out


def priced(
    table: np.ndarray, dsp: bool, starts: np.ndarray, coefficients: np.ndarray, largest: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Kinds; sums of terms times ``coefficients`` [quantities, kinds, WIDTH]; whether no term is above ``largest`` [kinds,
    WIDTH].
    """
    if ROWS.pays(len(table)):
        from cost_models import fast

        kinds, values = np.zeros(len(table), np.int64), np.zeros((len(coefficients), len(table)))
        inside = np.zeros(len(table), bool)
        blocks = fast.blocks_of(starts, len(table))
        fast.price(table, dsp, blocks, starts, coefficients, largest, kinds, values, inside)
        _check(table, kinds)
        return kinds, values, inside
    kinds, found = counted_plainly(table, dsp, starts)
    values = np.einsum("rw,qrw->qr", found, coefficients[:, kinds])
    return kinds, values, np.asarray((found <= largest[kinds]).all(axis=1))


def rows_of(table: np.ndarray) -> Iterator[Any]:
    """Rows with their fields by name."""
    return map(Row._make, table.tolist())


def _check(table: np.ndarray, kinds: np.ndarray) -> None:
    if (kinds < 0).any():
        place = int(np.argmin(kinds))
        met = ", ".join(f"{name} {value}" for name, value in zip(table.dtype.names or (), table[place].tolist(), strict=True))
        raise CostModelError(f"row {place} of a layer table: {met}; allowed: sizes of 1 and more, and groups that fit channels")

"""Features: kinds and terms of whole tables of layers, by plain functions where they are few and compiled ones where many."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator
from typing import Any

import numpy as np

from cost_models.errors import CostModelError
from cost_models.kinds import WIDTH
from cost_models.layers import LAYER
from cost_models.terms import sound, terms

FEW = 1500
"""Rows up to which plain functions take less time than it takes to load compiled ones."""

Row: Any = namedtuple("Row", LAYER.names or ())  # type: ignore[misc]  # fields are those of LAYER


def counted(table: np.ndarray, dsp: bool) -> tuple[np.ndarray, np.ndarray]:
    """The kind of each row, a place in ``cost_models.kinds.KINDS``, and its terms, [rows, WIDTH]."""
    if len(table) > FEW:
        return counted_fast(table, dsp)
    return counted_plainly(table, dsp)


def counted_plainly(table: np.ndarray, dsp: bool) -> tuple[np.ndarray, np.ndarray]:
    """The slow twin: a row after the other."""
    kinds, out = np.zeros(len(table), np.int64), []
    for place, row in enumerate(rows_of(table)):
        found = [0.0] * WIDTH
        kinds[place] = terms(row, dsp, found) if sound(row) else -1
        out.append(found)
    _check(table, kinds)
    return kinds, np.array(out, np.float64).reshape(-1, WIDTH)


def counted_fast(table: np.ndarray, dsp: bool) -> tuple[np.ndarray, np.ndarray]:
    """The same, compiled."""
    from cost_models import fast

    kinds, out = np.zeros(len(table), np.int64), np.zeros((len(table), WIDTH))
    fast.count(table, dsp, kinds, out)
    _check(table, kinds)
    return kinds, out


def priced(
    table: np.ndarray, dsp: bool, coefficients: np.ndarray, largest: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Kinds; sums of terms times ``coefficients`` [quantities, kinds, WIDTH]; whether no term is above ``largest`` [kinds,
    WIDTH].
    """
    if len(table) > FEW:
        from cost_models import fast

        kinds, values = np.zeros(len(table), np.int64), np.zeros((len(coefficients), len(table)))
        inside = np.zeros(len(table), bool)
        fast.price(table, dsp, coefficients, largest, kinds, values, inside)
        _check(table, kinds)
        return kinds, values, inside
    kinds, found = counted_plainly(table, dsp)
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

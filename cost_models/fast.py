"""Fast: the functions of ``cost_models.terms``, compiled by numba from the same source, over whole tables.

Imported for large tables only: numba takes longer to load than small ones take without it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

import numba
import numpy as np

from cost_models import terms
from cost_models.kinds import FIRST, FIRST_OF_KIN, KINDRED, WIDTH
from mcusim.numba_cache import cache_directory, cached

SOURCES = ("operators.py", "kinds.py", "layers.py", "terms.py", "fast.py")
CACHE_DIRECTORY = cache_directory("cost-models", [Path(__file__).parent / name for name in SOURCES])

BLOCK = 2048
"""Rows that a thread counts at a time, or somewhat more."""


def native(**options: Any) -> Callable[..., Any]:
    """``numba.njit``, kept on disk."""
    return cached(numba.njit(cache=True, error_model="numpy", **options), CACHE_DIRECTORY)


def compiled(module: Any) -> dict[str, Callable[..., Any]]:
    """The functions of a module, each compiled with those before it in place of the plain ones."""
    known = dict(vars(module))
    for name, function in vars(module).items():
        if isinstance(function, FunctionType) and function.__module__ == module.__name__:
            known[name] = native()(FunctionType(function.__code__, known, name, function.__defaults__))
    return known


_compiled = compiled(terms)
OWN, KIN = range(2)
KIND_COUNT = len(KINDRED)
_kindred = np.array(KINDRED)
_terms, _sound = _compiled["terms"], _compiled["sound"]


def blocks_of(starts: np.ndarray, rows: int) -> np.ndarray:
    """Bounds of blocks of whole networks, as places in ``starts``."""
    return np.unique(np.append(np.searchsorted(starts, np.arange(0, rows, BLOCK)), len(starts)))


@native()
def count_row(row: Any, dsp: bool, met: np.ndarray, network: int, out: np.ndarray) -> int:
    """The kind of a row, -1 where it is not sound, and its terms in ``out``, zeros before. ``met``, [2, kinds]: in which
    network each kind was met last, and each first one of a KIN.
    """
    kind = _terms(row, dsp, out) if _sound(row) else -1
    if kind >= 0 and met[OWN, kind] != network:
        out[FIRST_OF_KIN if met[KIN, _kindred[kind]] == network else FIRST] = 1.0
        met[OWN, kind] = met[KIN, _kindred[kind]] = network
    return kind


def _count(
    table: np.ndarray, dsp: bool, blocks: np.ndarray, starts: np.ndarray, kinds: np.ndarray, out: np.ndarray
) -> None:  # fmt: skip
    """Kinds and terms of each row; ``out``, [rows, WIDTH], holds zeros before. The kind of a row that is not sound is -1."""
    for block in numba.prange(len(blocks) - 1):
        met = np.full((2, KIND_COUNT), -1)
        for network in range(blocks[block], blocks[block + 1]):
            end = starts[network + 1] if network + 1 < len(starts) else len(table)
            for row in range(starts[network], end):
                kinds[row] = count_row(table[row], dsp, met, network, out[row])


@native()
def price_row(counted: np.ndarray, coefficients: np.ndarray, largest: np.ndarray, values: np.ndarray) -> bool:
    """Sums in ``values``; whether no term is above the largest."""
    within = True
    for quantity in range(len(coefficients)):
        total = 0.0
        for term in range(WIDTH):
            total += counted[term] * coefficients[quantity, term]
        values[quantity] = total
    for term in range(WIDTH):
        within = within and counted[term] <= largest[term]
    return within


def _price(
    table: np.ndarray, dsp: bool, blocks: np.ndarray, starts: np.ndarray, coefficients: np.ndarray, largest: np.ndarray,
    kinds: np.ndarray, values: np.ndarray, inside: np.ndarray,
) -> None:  # fmt: skip
    """Kinds of rows, sums of their terms times ``coefficients`` [quantities, kinds, WIDTH], and whether each term is at most
    that of ``largest`` [kinds, WIDTH].
    """
    for block in numba.prange(len(blocks) - 1):
        counted, met = np.empty(WIDTH), np.full((2, KIND_COUNT), -1)
        for network in range(blocks[block], blocks[block + 1]):
            end = starts[network + 1] if network + 1 < len(starts) else len(table)
            for row in range(starts[network], end):
                counted[:] = 0.0
                kind = kinds[row] = count_row(table[row], dsp, met, network, counted)
                if kind >= 0:
                    inside[row] = price_row(counted, coefficients[:, kind], largest[kind], values[:, row])


class Shared:
    """A function over blocks: by all cores for many of them, and for one without waking any."""

    def __init__(self, function: Callable[..., None]) -> None:
        self.by_one, self.by_all = native()(function), native(parallel=True)(function)

    def __call__(self, table: np.ndarray, dsp: bool, blocks: np.ndarray, *others: np.ndarray) -> None:
        (self.by_one if len(blocks) <= 2 else self.by_all)(table, dsp, blocks, *others)


count, price = Shared(_count), Shared(_price)

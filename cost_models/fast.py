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
from cost_models.kinds import WIDTH
from mcusim.numba_cache import cache_directory, cached

SOURCES = ("operators.py", "kinds.py", "layers.py", "terms.py", "fast.py")
CACHE_DIRECTORY = cache_directory("cost-models", [Path(__file__).parent / name for name in SOURCES])

BLOCK = 2048
"""Rows that a thread counts at a time."""


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
_terms, _sound = _compiled["terms"], _compiled["sound"]


@native(parallel=True)
def count(table: np.ndarray, dsp: bool, kinds: np.ndarray, out: np.ndarray) -> None:
    """Kinds and terms of each row; ``out``, [rows, WIDTH], holds zeros before. The kind of a row that is not sound is -1."""
    for row in numba.prange(len(table)):
        kinds[row] = _terms(table[row], dsp, out[row]) if _sound(table[row]) else -1


@native(parallel=True)
def price(
    table: np.ndarray, dsp: bool, coefficients: np.ndarray, largest: np.ndarray, kinds: np.ndarray, values: np.ndarray,
    inside: np.ndarray,
) -> None:  # fmt: skip
    """Kinds of rows, sums of their terms times ``coefficients`` [quantities, kinds, WIDTH], and whether each term is at most
    that of ``largest`` [kinds, WIDTH].
    """
    blocks = (len(table) + BLOCK - 1) // BLOCK
    for block in numba.prange(blocks):
        counted = np.empty(WIDTH)
        for row in range(block * BLOCK, min((block + 1) * BLOCK, len(table))):
            counted[:] = 0.0
            kind = _terms(table[row], dsp, counted) if _sound(table[row]) else -1
            kinds[row] = kind
            if kind < 0:
                continue
            within = True
            for quantity in range(len(coefficients)):
                total = 0.0
                for term in range(WIDTH):
                    total += counted[term] * coefficients[quantity, kind, term]
                values[quantity, row] = total
            for term in range(WIDTH):
                within = within and counted[term] <= largest[kind, term]
            inside[row] = within

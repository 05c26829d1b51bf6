"""Native: ``ram``, ``kernels`` and ``packing`` compiled by numba, for many networks at once. Only imported where that pays.

The functions are those that run as they stand for one network. What is compiled is kept in the user's cache folder, under the
state of the files that it is made of.
"""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any

import numba
import numpy as np
from numba import config
from numba.extending import overload, register_jitable

from cost_models import arena, kernels, layers, packing, ram
from cost_models.arena import Arenas
from cost_models.layers import Layers

SOURCES = (kernels, packing, ram)
CHUNK = 512
"""Networks that a thread takes at once."""


def arena_bytes(layers: Layers, arenas: Arenas, dsp: bool) -> np.ndarray:
    """See ``cost_models.arenas``."""
    rows, tensors = np.append(layers.starts, len(layers.table)), np.append(arenas.starts, len(arenas.tensors))
    bodies = int((np.diff(rows) + np.diff(tensors)).max(initial=0))
    drawn = _drawn(1 << bodies.bit_length())
    found = np.zeros(len(layers), np.int64)
    table, steps, there = (np.require(each, requirements=("C", "W")) for each in (layers.table, arenas.steps, arenas.tensors))

    def run(first: int) -> None:
        part = slice(first, first + CHUNK + 1)
        _run(table, steps, there, rows[part], tensors[part], dsp, drawn, found[first : first + CHUNK])

    if len(found) <= CHUNK:
        run(0)
        return found
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(run, range(0, len(found), CHUNK)))
    return found


@cache
def _drawn(bodies: int) -> np.ndarray:
    """Chances by the number of bodies, below ``bodies``."""
    return np.array([packing.chances(max(count, 1)) for count in range(bodies)])


def _directory() -> str:
    digest = hashlib.sha256(numba.__version__.encode())
    for module in (*SOURCES, layers, arena):
        digest.update(Path(str(module.__file__)).read_bytes())
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return str(base / "mcusim" / f"arenas-{digest.hexdigest()[:16]}")


def _registered() -> None:
    for module in SOURCES:
        own = [each for each in vars(module).values() if isinstance(each, FunctionType) and each.__module__ == module.__name__]
        for function in own:
            if function is not packing.numbers:
                register_jitable(function)


@overload(packing.numbers)
def _numbers(count):  # type: ignore[no-untyped-def]  # numba compares signatures, annotations and all
    return lambda count: np.zeros(count, np.int64)


def _arenas(
    table: np.ndarray, steps: np.ndarray, tensors: np.ndarray, layers: np.ndarray, starts: np.ndarray, dsp: bool,
    drawn: Any, found: np.ndarray,
) -> None:  # fmt: skip
    for n in range(len(found)):
        rows, there = slice(layers[n], layers[n + 1]), slice(starts[n], starts[n + 1])
        found[n] = ram.arena_of(table[rows], steps[rows], tensors[there], dsp, drawn)


def _compiled() -> Any:
    _registered()
    before = getattr(config, "CACHE_DIR", "")
    setattr(config, "CACHE_DIR", _directory())  # noqa: B010  numba fills its config at import
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy")(_arenas)
    finally:
        setattr(config, "CACHE_DIR", before)  # noqa: B010


_run = _compiled()

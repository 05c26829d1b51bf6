"""numba decorators whose disk cache is keyed by all native sources together: their code is inlined across files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

from mcusim.numba_cache import cache_directory, cached

SOURCES = (
    "../pricing/memory.py", "layout.py", "memory_access.py", "facts_native.py", "memory_native.py", "native.py", "page_fill.py",
)  # fmt: skip

CACHE_DIRECTORY = cache_directory("native", [Path(__file__).parent / name for name in SOURCES])


def native(function: Callable[..., Any]) -> Any:
    """``numba.njit`` with the shared cache."""
    return cached(numba.njit(cache=True, error_model="numpy"), CACHE_DIRECTORY)(function)


def native_callback(signature: Any) -> Callable[..., Any]:
    """``numba.cfunc`` with the shared cache."""
    return cached(numba.cfunc(signature, cache=True, forceinline=True, error_model="numpy"), CACHE_DIRECTORY)

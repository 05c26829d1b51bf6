"""numba decorators whose disk cache is keyed by all native sources together.

numba keys a cached function by its own file only; native code here is inlined across files and shares layout.py, so a cache
directory named by the hash of all of them keeps stale code out. It also works where the package directory is read-only.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba import config

SOURCES = (
    "../pricing/memory.py", "layout.py", "memory_access.py", "facts_native.py", "memory_native.py", "native.py", "page_fill.py",
)  # fmt: skip


def _fingerprint() -> str:
    digest = hashlib.sha256(numba.__version__.encode())
    for name in SOURCES:
        digest.update((Path(__file__).parent / name).read_bytes())
    return digest.hexdigest()[:16]


def _directory() -> str:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    for root in (base, Path(tempfile.gettempdir()) / f"cache-{os.getuid()}"):
        path = root / "mcusim" / f"native-{_fingerprint()}"
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(path, os.W_OK):
            return str(path)
    return ""


CACHE_DIRECTORY = _directory()


def _cached(decorator: Callable[..., Any]) -> Callable[..., Any]:
    def decorate(function: Callable[..., Any]) -> Any:
        before = getattr(config, "CACHE_DIR", "")
        setattr(config, "CACHE_DIR", CACHE_DIRECTORY)  # noqa: B010  numba fills its config at import
        try:
            return decorator(function)
        finally:
            setattr(config, "CACHE_DIR", before)  # noqa: B010

    return decorate


def native(function: Callable[..., Any]) -> Any:
    """``numba.njit`` with the shared cache."""
    return _cached(numba.njit(cache=True, error_model="numpy"))(function)


def native_callback(signature: Any) -> Callable[..., Any]:
    """``numba.cfunc`` with the shared cache."""
    return _cached(numba.cfunc(signature, cache=True, forceinline=True, error_model="numpy"))

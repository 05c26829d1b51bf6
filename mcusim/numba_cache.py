"""numba functions kept on disk in a folder that is named by the hash of all sources they are made of.

numba keys a cached function by its own file only; where functions of several files are compiled into each other, a folder for
each state of all of them keeps stale code out. It also works where the package directory is read-only.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numba
from numba import config


def _fingerprint(sources: Sequence[Path]) -> str:
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def cache_directory(name: str, sources: Sequence[Path]) -> str:
    """A folder for what is compiled of ``sources``; "" where none can be written."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    for root in (base, Path(tempfile.gettempdir()) / f"cache-{os.getuid()}"):
        path = root / "mcusim" / f"{name}-{_fingerprint(sources)}"
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(path, os.W_OK):
            return str(path)
    return ""


def cached(decorator: Callable[..., Any], directory: str) -> Callable[..., Any]:
    """A decorator of numba whose functions are kept in ``directory``."""

    def decorate(function: Callable[..., Any]) -> Any:
        before = getattr(config, "CACHE_DIR", "")
        setattr(config, "CACHE_DIR", directory)  # noqa: B010  numba fills its config at import
        try:
            return decorator(function)
        finally:
            setattr(config, "CACHE_DIR", before)  # noqa: B010

    return decorate

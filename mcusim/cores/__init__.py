"""One module per core, each a table with its sources. ``load`` is the only way in."""

from __future__ import annotations

from importlib import import_module

from mcusim.cores.core import Core, ExceptionTiming, Table, Timing
from mcusim.errors import UnsupportedError

NAMES = ("m0", "m0plus", "m3", "m4", "m7", "m33")
"""Every core there is."""

__all__ = ["NAMES", "Core", "ExceptionTiming", "Table", "Timing", "load"]


def load(name: str) -> Core:
    """Core of that name; raises UnsupportedError with the names there are."""
    if name not in NAMES:
        raise UnsupportedError(f"unknown core {name!r}; available: {', '.join(NAMES)}")
    core: Core = import_module(f"mcusim.cores.{name}").CORE
    return core

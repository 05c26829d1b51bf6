"""A folder of the user for what can be made again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """``$MCUSIM_CACHE``, else ``mcusim`` below ``$XDG_CACHE_HOME`` or ``~/.cache``."""
    named = os.environ.get("MCUSIM_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "mcusim"

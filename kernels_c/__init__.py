"""The C side of mcusim: int8 kernels, startup, linker template, marks, and the compiler that builds them."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent
"""Folder of the C files: ``include/``, ``src/``, ``demo/`` and ``cortex_m.ld.in``."""


def source(name: str) -> Path:
    """Path of one C file of this package, such as ``"src/marks.c"``; FileNotFoundError where there is none."""
    path = ROOT / name
    if not path.is_file():
        raise FileNotFoundError(f"kernels_c has no file {name}")
    return path

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


def kernels() -> list[Path]:
    """Paths of the C files with the int8 kernels, in the order of their names; a linker drops what is not called."""
    return sorted(path for pattern in ("arm_*.c", "nn_*.c") for path in (ROOT / "src").glob(pattern))

"""C code of ours built for this computer, so that it can be called with thousands of random arguments."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from kernels_c import ROOT
from tests.support.firmware import KEPT


def host_library(sources: Sequence[Path]) -> ctypes.CDLL:
    """A shared library of ``sources``; the headers are those of kernels_c."""
    found = shutil.which("cc") or shutil.which("gcc")
    command = [found] if found else [sys.executable, "-m", "ziglang", "cc"]
    headers = sorted((ROOT / "include").glob("*.h"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in [*sources, *headers])).hexdigest()[:20]
    library = KEPT / f"host_{digest}.so"
    if not library.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        draft = library.with_suffix(f".{os.getpid()}.so")
        flags = ["-O1", "-g", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-std=gnu11", f"-I{ROOT / 'include'}"]
        subprocess.run([*command, *flags, *map(str, sources), "-o", str(draft)], check=True)
        draft.replace(library)
    return ctypes.CDLL(str(library))

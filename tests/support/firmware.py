"""Test firmware: built once for each content of sources, options and compiler, and kept under build/."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import pytest

from kernels_c import ROOT as KERNELS
from kernels_c.toolchain import CONSOLE, Compiler, Layout, find_compiler

REPOSITORY = Path(__file__).resolve().parents[2]
FIRMWARE = REPOSITORY / "tests" / "firmware"
KEPT = REPOSITORY / "build" / "test_firmware"

DEFAULT_LAYOUT = Layout()

SEMIHOSTING = """
static int call(int operation, const void *parameter) {
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = parameter;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}
"""
"""In C: a call of semihosting, by Arm IHI 0100."""

compiler = lru_cache(maxsize=None)(find_compiler)


def build_firmware(
    sources: str | Path | Sequence[str | Path],
    core: str,
    *,
    flags: Sequence[str] = ("-O2",),
    defines: Mapping[str, object] | None = None,
    layout: Layout = DEFAULT_LAYOUT,
    library: str = "none",
    compiler_name: str = "",
    console: Sequence[str] = CONSOLE,
    fpu: str = "",
) -> Path:
    """Path of the ELF of one or more sources for ``core``.

    A source is a path, or a name in tests/firmware (``"svc.c"``) or in kernels_c (``"src/marks.c"``). Two processes may
    build the same program at once: the finished file is put in place in one step.
    """
    files = [find(source) for source in ([sources] if isinstance(sources, str | Path) else sources)]
    chosen = compiler(compiler_name)
    if library not in chosen.libraries:
        pytest.skip(f"{chosen.name} has no {library}")
    options = (core, tuple(flags), sorted((defines or {}).items()), layout, library, str(files), console, fpu)
    place = KEPT / fingerprint(chosen, files, options)
    elf = place / f"{files[0].stem}.elf"
    if not elf.exists():
        draft = place / f"{os.getpid()}" / elf.name
        built = {"layout": layout, "library": library, "console": console, "fpu": fpu}
        chosen.compile(files, draft, core, flags=flags, defines=defines, **built)
        draft.replace(elf)
    return elf


def build_text(text: str, core: str, *, suffix: str = ".c", **options: object) -> Path:
    """Path of the ELF of a program given as text: C, or assembly with ``suffix=".S"``."""
    KEPT.mkdir(parents=True, exist_ok=True)
    path = KEPT / f"text_{hashlib.sha256(text.encode()).hexdigest()[:16]}{suffix}"
    if not path.exists():
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(text)
        draft.replace(path)
    return build_firmware(path, core, **options)  # type: ignore[arg-type]


def find(source: str | Path) -> Path:
    """A test's own file before one of kernels_c."""
    for folder in (Path(), FIRMWARE, KERNELS):
        if (folder / source).is_file():
            return (folder / source).resolve()
    raise FileNotFoundError(f"{source} is neither in {FIRMWARE} nor in {KERNELS}")


def fingerprint(chosen: Compiler, files: Sequence[Path], options: tuple[object, ...]) -> str:
    """Changes with anything that the ELF could depend on."""
    digest = hashlib.sha256(repr((chosen.name, chosen.version, options)).encode())
    own = (path for folder in (KERNELS, FIRMWARE) for path in folder.rglob("*") if path.suffix in (".h", ".in", ".py"))
    for path in sorted({*files, *own, *(KERNELS / "src").glob("*.c")}):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:20]

"""Objects that many programs share (kernels, start-up, console), compiled once and kept in the user's cache folder."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from kernels_c import ROOT, source
from kernels_c.toolchain import LIBRARIES, STARTUP, Compiler
from mcusim.deploy.cache import cache_folder
from mcusim.deploy.kernels import EXTRAS, KernelError, Kernels, extra_functions

OTHERS = ("marks.c", "memory.c", "newlib_calls.c", "startup.c")
"""Files of kernels_c/src that are no kernels, besides the consoles (uart_...)."""
FLOAT_ENDINGS = ("_f16.c", "_f32.c")
"""Sources of CMSIS-NN that need CMSIS-DSP's types."""


@dataclass(frozen=True)
class Recipe:
    """Sources, and all that their objects depend on besides the compiler."""

    sources: tuple[Path, ...]
    core: str
    fpu: str
    flags: tuple[str, ...]
    includes: tuple[Path, ...] = ()
    defines: Mapping[str, object] = field(default_factory=dict)

    def digest(self, compiler: Compiler) -> str:
        """Changes with anything that the objects could depend on."""
        flags = compiler.object_flags(self.core, self.flags, self.defines, (), self.fpu)
        own = [flag for flag in flags if not flag.startswith("-I")]
        digest = hashlib.sha256(repr((compiler.name, compiler.version, own)).encode())
        folders = [ROOT / "include", ROOT / "libc", *self.includes]
        headers = sorted(path for folder in folders for path in folder.rglob("*.h"))
        for path in (*self.sources, *headers):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()[:20]


def objects(recipe: Recipe, compiler: Compiler) -> tuple[Path, ...]:
    """Objects of a recipe, from the cache or newly compiled. Two processes may do so at once: a folder appears as a whole."""
    folder = cache_folder() / "objects" / recipe.digest(compiler)
    names = _names(recipe.sources)
    if not folder.is_dir():
        draft = folder.with_name(f"{folder.name}.{os.getpid()}")
        draft.mkdir(parents=True, exist_ok=True)
        try:
            _compile_all(recipe, compiler, draft, names)
            _publish(draft, folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return tuple(folder / name for name in names)


def _names(sources: Sequence[Path]) -> list[str]:
    """An object's name for each source; those of different folders may be called alike."""
    return [f"{number:03d}_{path.stem}.o" for number, path in enumerate(sources)]


def _compile_all(recipe: Recipe, compiler: Compiler, folder: Path, names: Sequence[str]) -> None:
    def compile_one(pair: tuple[Path, str]) -> None:
        compiler.compile_object(
            pair[0], folder / pair[1], recipe.core, flags=recipe.flags, defines=recipe.defines, includes=recipe.includes,
            fpu=recipe.fpu,
        )  # fmt: skip

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile_one, zip(recipe.sources, names, strict=True)))


def _publish(draft: Path, folder: Path) -> None:
    try:
        draft.rename(folder)
    except OSError:
        if not folder.is_dir():  # not the other process, which was faster
            raise


def kernel_sources(kernels: Kernels) -> tuple[Path, ...]:
    """C files of a kernel library; CMSIS-NN goes without its floating-point kernels."""
    if kernels.cmsis_nn is None:
        return own_kernels()
    found = sorted((kernels.cmsis_nn / "Source").rglob("*.c"))
    chosen = tuple(path for path in found if not path.name.endswith(FLOAT_ENDINGS))
    if not chosen:
        raise KernelError(f"{kernels.cmsis_nn} is no checkout of CMSIS-NN: no C files below Source")
    theirs = {path.name for path in chosen}
    return (*chosen, *(path for path in extra_kernels() if path.name not in theirs))


@cache
def own_kernels() -> tuple[Path, ...]:
    """Our kernels, and nothing else of kernels_c/src."""
    found = sorted((ROOT / "src").glob("*.c"))
    return tuple(path for path in found if path.name not in OTHERS and not path.name.startswith("uart_"))


def extra_kernels() -> tuple[Path, ...]:
    """Kernels of ours that CMSIS-NN has no counterpart of, and what they call."""
    return needed_kernels(extra_functions())


def needed_kernels(functions: Iterable[str]) -> tuple[Path, ...]:
    """Files of our kernels that define ``functions`` (those that are ours), and what these call in turn."""
    places = {name: path for path in own_kernels() for name in defined(path)}
    needed: dict[Path, None] = {}
    pending = [places[name] for name in functions if name in places]
    while pending:
        path = pending.pop()
        if path not in needed:
            needed[path] = None
            pending += [places[word] for word in _words(path) if word in places]
    return tuple(sorted(needed))


DEFINED = re.compile(r"^(?!static\b)[A-Za-z_][^\n;=]*?\b((?:arm|nn)_\w+)[(\[]", re.MULTILINE)
"""Names of functions and tables at the start of their definitions."""
BY_MACRO = re.compile(r"^[A-Z][A-Z0-9_]*\(((?:arm|nn)_\w+)", re.MULTILINE)
"""Names of functions that a macro defines: ``TILES(nn_depthwise_tiles_1, ...)``."""


def defined(path: Path) -> list[str]:
    """Names of the functions and tables that a file of ours defines."""
    text = path.read_text()
    return [*DEFINED.findall(text), *BY_MACRO.findall(text)]


def _words(path: Path) -> Iterable[str]:
    """Names of kernels in a file, and in the bodies of functions of the headers that it includes."""
    text = path.read_text()
    for name in re.findall(r'#include "(\w+\.h)"', text):
        header = ROOT / "include" / name
        if header.is_file() and name not in API:
            text += "".join(line for line in header.read_text().splitlines(keepends=True) if line.startswith(" "))
    return set(re.findall(r"\b(?:arm|nn)_\w+", text))


API = ("arm_nnfunctions.h", *EXTRAS)
"""Headers without functions of their own."""


def kernel_includes(kernels: Kernels) -> tuple[Path, ...]:
    """Folders of the headers of a kernel library, besides those of kernels_c."""
    return () if kernels.cmsis_nn is None else (kernels.cmsis_nn / "Include",)


def system_sources(console: Sequence[str], board: Sequence[str]) -> tuple[Path, ...]:
    """Start-up, console, C library, marks, and what the board needs."""
    return tuple(source(name) for name in (*STARTUP, *console, *LIBRARIES["none"], "src/marks.c", *board))

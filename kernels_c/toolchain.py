"""The cross compiler: the one place that knows which one there is and how it is called."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from kernels_c import ROOT, source
from kernels_c.layout import GENERIC, MAIN, Bank, Layout
from mcusim.errors import McusimError

__all__ = [
    "GENERIC", "MAIN", "TARGETS", "Bank", "Compiler", "Layout", "Target", "ToolchainError", "find_compiler", "target_of",
]  # fmt: skip


class ToolchainError(McusimError):
    """No cross compiler was found, or it refused a program."""


@dataclass(frozen=True)
class Target:
    """What the compilers call a core: CPU name and FPU ("" means none, and the soft-float ABI)."""

    gcc_cpu: str
    zig_cpu: str
    fpu: str = ""


# FPU of each core's usual configuration: Cortex-M4/M7/M33 Technical Reference Manuals, chapter "FPU".
TARGETS: Mapping[str, Target] = {
    "m0": Target("cortex-m0", "cortex_m0"),
    "m0plus": Target("cortex-m0plus", "cortex_m0plus"),
    "m3": Target("cortex-m3", "cortex_m3"),
    "m4": Target("cortex-m4", "cortex_m4", "fpv4-sp-d16"),
    "m7": Target("cortex-m7", "cortex_m7", "fpv5-d16"),
    "m33": Target("cortex-m33", "cortex_m33", "fpv5-sp-d16"),
}

OTHER_FPUS = {("m7", "single"): "fpv5-sp-d16"}
"""FPUs that are not the core's usual one."""

ALWAYS = ("-Wall", "-Wextra", "-g", "-std=gnu11", "-ffunction-sections", "-fdata-sections")

EXACT = ("-fhosted", "-ffp-contract=off")
"""Of programs with kernels. A memcpy of four bytes has to become a load, and kernels rely on it; zig assumes otherwise for a
bare machine. Products of float32 are rounded before they are added (nn_float.h); GCC fuses the two unless told."""

STARTUP = ("src/startup.c",)
CONSOLE = ("src/uart_text.c", "src/uart_semihosting.c")
LIBRARIES: Mapping[str, tuple[str, ...]] = {"none": ("src/memory.c",), "newlib": ("src/newlib_calls.c",)}
"""Own sources that take the place of a C library, or serve it."""


@dataclass(frozen=True)
class Compiler:
    """A C compiler for Cortex-M: ``name`` is ``"gcc"`` or ``"zig"``; ``libraries`` the C libraries it brings along."""

    name: str
    version: str
    command: tuple[str, ...]
    libraries: frozenset[str] = frozenset({"none"})

    def compile(
        self,
        sources: Sequence[Path | str],
        output: Path | str,
        core: str,
        *,
        flags: Sequence[str] = ("-O2",),
        defines: Mapping[str, object] | None = None,
        layout: Layout = GENERIC,
        library: str = "none",
        console: Sequence[str] = CONSOLE,
        fpu: str = "",
    ) -> Path:
        """Path of the ELF built from ``sources`` (paths, or names of files in kernels_c) for ``core``.

        ``fpu`` is ``"single"`` or ``"double"`` where it is not the core's usual one.
        Startup code, console and library are linked with it. Writes the linker script to ``output`` + ``.ld``. Raises
        ToolchainError with the compiler's message, and leaves no ELF behind then.
        """
        if library not in self.libraries:
            known = ", ".join(sorted(self.libraries))
            raise ToolchainError(f"{self.name} has no C library {library!r}; it has: {known}")
        output = Path(output)
        output.parent.mkdir(parents=True, exist_ok=True)
        script = output.with_name(output.name + ".ld")
        script.write_text(layout.script())
        own = [source(name) for name in (*STARTUP, *console, *LIBRARIES[library])]
        macros = [f"-D{name}={value}" for name, value in (defines or {}).items()]
        files = [str(path) for path in (*map(locate, sources), *own)]
        linking = [*self.link_flags(library), f"-Wl,-T,{script}", "-Wl,--entry=Reset_Handler", "-Wl,--gc-sections"]
        options = [*self.target_flags(core, fpu), *ALWAYS, *flags, *macros, f"-I{ROOT / 'include'}"]
        run([*self.command, *options, *files, *linking, "-o", str(output)], output)
        return output

    def compile_object(
        self,
        file: Path,
        output: Path,
        core: str,
        *,
        flags: Sequence[str] = ("-O2",),
        defines: Mapping[str, object] | None = None,
        includes: Sequence[Path] = (),
        fpu: str = "",
    ) -> Path:
        """Path of the object made from one source, C or assembly. Raises ToolchainError with the compiler's message."""
        options = self.object_flags(core, flags, defines, includes, fpu)
        run([*self.command, *options, "-c", str(file), "-o", str(output)], output)
        return output

    def object_flags(
        self, core: str, flags: Sequence[str], defines: Mapping[str, object] | None, includes: Sequence[Path], fpu: str = ""
    ) -> list[str]:
        """All options of ``compile_object`` but the files; folders in ``includes`` are searched before that of kernels_c."""
        folders = [*includes, ROOT / "include", *([] if self.has_headers else [ROOT / "libc"])]
        macros = [f"-D{name}={value}" for name, value in (defines or {}).items()]
        return [*self.target_flags(core, fpu), *ALWAYS, *EXACT, *flags, *macros, *(f"-I{folder}" for folder in folders)]

    @property
    def has_headers(self) -> bool:
        """Whether the headers of a C library come with it; kernels_c/libc stands in where not."""
        return "newlib" in self.libraries

    def link(
        self, objects: Sequence[Path], output: Path, core: str, script: Path, *, fpu: str = "", overlapping: bool = False
    ) -> Path:
        """Path of the ELF of ``objects``, laid out by the linker script ``script``; no C library takes part.

        ``overlapping``: memories may reach into one another, as for a program that is measured and not run.
        """
        linking = [*self.link_flags("none"), f"-Wl,-T,{script}", "-Wl,--entry=Reset_Handler", "-Wl,--gc-sections"]
        linking += ["-Wl,--no-check-sections"] * overlapping
        run([*self.command, *self.target_flags(core, fpu), *map(str, objects), *linking, "-o", str(output)], output)
        return output

    def target_flags(self, core: str, fpu: str = "") -> list[str]:
        """Options that choose the core, and its FPU where it is not the usual one."""
        target = target_of(core, fpu)
        if self.name == "zig":
            abi = "eabihf" if target.fpu else "eabi"
            cpu = target.zig_cpu + ZIG_FPU[target.fpu]
            # UBSan and the stack protector are on by default there and need a runtime that a bare machine lacks.
            return ["-target", f"thumb-freestanding-{abi}", f"-mcpu={cpu}", "-fno-sanitize=all", "-fno-stack-protector",
                    "-fomit-frame-pointer"]
        floats = [f"-mfpu={target.fpu}", "-mfloat-abi=hard"] if target.fpu else ["-mfloat-abi=soft"]
        return [f"-mcpu={target.gcc_cpu}", "-mthumb", "-masm-syntax-unified", *floats]

    def link_flags(self, library: str) -> list[str]:
        """Options that choose the libraries."""
        if library == "newlib":
            return ["-nostartfiles", "--specs=nano.specs", "-u", "_printf_float"]
        # Copies of a few bytes become loads and stores (-fbuiltin); a C library is missing all the same.
        # zig adds its own compiler-rt unless -nostdlib is said, and has no C library to add for a bare machine.
        return ["-ffreestanding", "-fbuiltin", *(["-nostdlib", "-lgcc"] if self.name == "gcc" else [])]


# LLVM's features of each FPU: for a bare machine zig's CPU models (0.17) have none unless told.
ZIG_FPU = {"": "", "fpv4-sp-d16": "+vfp4d16sp", "fpv5-sp-d16": "+fp_armv8d16sp", "fpv5-d16": "+fp_armv8d16"}


def target_of(core: str, fpu: str = "") -> Target:
    """What the compilers call ``core`` with an FPU; ToolchainError for a core that nobody described."""
    if core not in TARGETS:
        raise ToolchainError(f"no compiler target for core {core!r}; there are: {', '.join(TARGETS)}")
    target = TARGETS[core]
    return replace(target, fpu=OTHER_FPUS[core, fpu]) if (core, fpu) in OTHER_FPUS else target


def locate(file: Path | str) -> Path:
    """A path as it is; a plain name inside kernels_c where no such file stands here."""
    path = Path(file)
    return path if path.exists() else source(str(file))


def run(command: Sequence[str], output: Path) -> None:
    """Run a compiler; its words become the error's."""
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        output.unlink(missing_ok=True)
        raise ToolchainError(f"cannot build {output.name}:\n{answer.stderr.strip() or answer.stdout.strip()}")


def find_compiler(name: str = "") -> Compiler:
    """The cross compiler to use: arm-none-eabi-gcc where installed, else the ``ziglang`` package's clang.

    ``name`` (or the environment variable MCUSIM_COMPILER) asks for ``"gcc"`` or ``"zig"``. Raises ToolchainError where
    there is none.
    """
    wanted = name or os.environ.get("MCUSIM_COMPILER", "")
    if wanted not in ("", *FINDERS):
        raise ToolchainError(f"no compiler is called {wanted!r}; there are: {', '.join(FINDERS)}")
    for finder in [FINDERS[wanted]] if wanted else FINDERS.values():
        compiler = finder()
        if compiler is not None:
            return compiler
    raise ToolchainError(
        f"no cross compiler{f' {wanted}' if wanted else ''} found: install arm-none-eabi-gcc (Debian package "
        "gcc-arm-none-eabi), or `pip install ziglang`"
    )


def find_gcc() -> Compiler | None:
    """arm-none-eabi-gcc on the PATH."""
    path = shutil.which("arm-none-eabi-gcc")
    if path is None:
        return None
    nano = ask(path, "-mcpu=cortex-m4", "-mthumb", "-print-file-name=nano.specs")
    libraries = frozenset({"none", "newlib"} if Path(nano).is_absolute() else {"none"})
    return Compiler("gcc", ask(path, "-dumpfullversion"), (path,), libraries)


def find_zig() -> Compiler | None:
    """The clang inside the ``ziglang`` wheel of this Python."""
    if importlib.util.find_spec("ziglang") is None:
        return None
    command = (sys.executable, "-m", "ziglang")
    return Compiler("zig", ask(*command, "version"), (*command, "cc"))


def ask(*command: str) -> str:
    """What a command prints, stripped; it is run again when its file has changed."""
    return _asked(command, os.stat(command[0]).st_mtime_ns)


@cache
def _asked(command: tuple[str, ...], changed: int) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


FINDERS = {"gcc": find_gcc, "zig": find_zig}

"""Scratch memory of kernels, in bytes: asked of the kernels' own ``..._get_buffer_size`` functions.

They answer for the core that they were compiled for, so they are asked as compiled: linked into a small image, which is kept
in the cache folder, and called there on an emulated core. That holds for our kernels as for any release of CMSIS-NN.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

from kernels_c import source
from kernels_c.toolchain import Compiler, Layout
from mcusim.deploy.cache import cache_folder
from mcusim.deploy.call import Argument, Constant, SizeCheck, Struct
from mcusim.deploy.kernels import EXTRAS, KernelError
from mcusim.deploy.library import Recipe, objects
from mcusim.program.elf_file import PT_LOAD, STT_FUNC, parse

Sizes = Callable[[SizeCheck], int]
"""Bytes of scratch memory that a check asks for."""

ENDINGS = "_buffer_size", "_walk"
PAGE = 0x1000
RETURN = 0x1000_0000
"""Where the functions return to: no code is there, and none runs."""
STRUCTS, STACK, RAM_BYTES = 0x2000_0000, 0x2010_0000, 0x10_0000
LIMIT = 10_000_000
"""Instructions that an answer can take to work out."""


class TargetSizes:
    """Calls size functions of an image, one after the other. The emulated core starts with the first question."""

    def __init__(self, image: Path) -> None:
        self.image = image
        self.core: Any = None
        self.functions: dict[str, int] = {}

    def __call__(self, check: SizeCheck) -> int:
        """The answer to a check. KernelError for a function that the kernels lack."""
        return self.ask(check.function, check.arguments)

    def ask(self, function: str, arguments: Sequence[Argument]) -> int:
        """What a function answers; structures and constants are there for it. KernelError for one that the kernels lack."""
        if self.core is None:
            self._start()
        if function not in self.functions:
            raise KernelError(f"the kernels have no function {function}")
        return self._call(self.functions[function], arguments)

    def _start(self) -> None:
        import unicorn

        self.core = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        self.core.ctl_set_cpu_model(unicorn.arm_const.UC_CPU_ARM_CORTEX_M33)
        file = parse(str(self.image), self.image.read_bytes())
        self.functions = {symbol.name: symbol.st_value for symbol in file.symbols() if symbol.st_info & 0xF == STT_FUNC}
        loaded = [s for s in file.program_headers if s.p_type == PT_LOAD and s.p_filesz and s.p_vaddr < STRUCTS]
        code = [(s.p_vaddr, file.need(s.p_offset, s.p_filesz, "a segment")) for s in loaded]
        end = max(address + len(data) for address, data in code)
        self.core.mem_map(0, end + -end % PAGE)
        for address, data in code:
            self.core.mem_write(address, data)
        self.core.mem_map(STRUCTS, RAM_BYTES)

    def _call(self, function: int, arguments: Sequence[Argument]) -> int:
        from unicorn import arm_const as registers

        data = Packed(STRUCTS)
        words = [data.word(argument) for argument in arguments]
        self.core.mem_write(STRUCTS, bytes(data.bytes))
        self.core.mem_write(STACK - 64, struct.pack(f"<{len(words[4:])}i", *words[4:]))
        names = registers.UC_ARM_REG_R0, registers.UC_ARM_REG_R1, registers.UC_ARM_REG_R2, registers.UC_ARM_REG_R3
        for name, word in zip(names, words, strict=False):
            self.core.reg_write(name, word)
        self.core.reg_write(registers.UC_ARM_REG_SP, STACK - 64)
        self.core.reg_write(registers.UC_ARM_REG_LR, RETURN | 1)
        self.core.emu_start(function | 1, RETURN, count=LIMIT)
        return int(self.core.reg_read(registers.UC_ARM_REG_R0))


class Packed:
    """Structures and constants as ``bytes`` of memory from ``address`` on."""

    def __init__(self, address: int) -> None:
        self.address, self.bytes = address, bytearray()

    def word(self, value: object) -> int:
        """A value as a 32-bit word: a number, or the address of what it points to, put behind all that is there. None is 0."""
        match value:
            case None:
                return 0
            case Struct(fields=fields):
                return self._put(b"".join(struct.pack("<I", word & 0xFFFFFFFF) for word in self._words(fields)))
            case Constant(data=data):
                return self._put(data.tobytes())
        return int(value)  # type: ignore[call-overload, no-any-return]

    def _words(self, fields: Sequence[object]) -> list[int]:
        return [word for f in fields for word in (self._words(f) if isinstance(f, tuple) else [self.word(f)])]

    def _put(self, data: bytes) -> int:
        place = self.address + len(self.bytes)
        self.bytes += data + bytes(-len(data) % 4)
        return place


def sizes_on_target(recipe: Recipe, compiler: Compiler, functions: Sequence[str]) -> TargetSizes:
    """Answers of the kernels of a recipe. ``functions``: names of theirs, of which those that tell sizes or walks are kept."""
    folder = cache_folder() / "sizes"
    kept = sorted(name for name in functions if name.endswith(ENDINGS))
    image = folder / f"{recipe.digest(compiler)}_{crc32(' '.join(kept).encode()):08x}.elf"
    if not image.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        _link(recipe, compiler, kept, image)
    return TargetSizes(image)


def _link(recipe: Recipe, compiler: Compiler, functions: Sequence[str], image: Path) -> None:
    draft = image.with_suffix(f".{os.getpid()}")
    text, script, made = (draft.with_suffix(f".{os.getpid()}{ending}") for ending in (".c", ".ld", ".o"))
    kept = ", ".join(f"(const void *){name}" for name in functions)
    includes = "".join(f'#include "{header}"\n' for header in ("arm_nnfunctions.h", *EXTRAS, "nn_walks.h"))
    text.write_text(
        f"{includes}const void *const *Reset_Handler(void)\n"
        f"{{\n    static const void *const kept[] = {{{kept}}};\n    return kept;\n}}\n"
    )
    script.write_text(Layout().script())
    memory = objects(Recipe((source("src/memory.c"),), recipe.core, recipe.fpu, recipe.flags), compiler)
    try:
        compiler.compile_object(text, made, recipe.core, flags=recipe.flags, includes=recipe.includes, fpu=recipe.fpu)
        compiler.link([made, *objects(recipe, compiler), *memory], draft, recipe.core, script, fpu=recipe.fpu)
        draft.replace(image)
    finally:
        for path in (text, script, made):
            path.unlink(missing_ok=True)

"""Firmware: a network as a program for a board, and what it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kernels_c.toolchain import MAIN, Layout
from mcusim.deploy.generate import MAIN_ARENA, Sources
from mcusim.errors import McusimError, ProgramError
from mcusim.program.elf_file import PT_LOAD, SHF_ALLOC, SHF_WRITE, ElfFile, parse

KERNELS = ".kernels"
"""Section of kernels that start-up code copies to RAM; there is none where they run in flash."""
SWITCH = "network_switch"
FEED_RESET, FEED_KEEP = 1, 2
"""Read samples from inputs.bin: variables are reset before each, or keep their values."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes by kind. ``code`` is all of flash but the weights; ``static`` is what else takes RAM than arena and weights: data,
    and kernels that are copied there.

    ``memories``: those of each memory that holds data, by name, the stack's reserve among them where the stack lies.
    """

    code: int
    weights: int
    static: int
    arena: int
    stack_reserve: int
    weights_in_ram: int = 0
    memories: tuple[tuple[str, int], ...] = ()

    @property
    def flash(self) -> int:
        """Bytes of flash."""
        return self.code + self.weights

    @property
    def ram(self) -> int:
        """Bytes of RAM, the stack's reserve among them."""
        return self.static + self.arena + self.stack_reserve + self.weights_in_ram

    @property
    def main(self) -> int:
        """Bytes of the main RAM."""
        return dict(self.memories).get(MAIN, 0)

    def lacking(self, layout: Layout) -> tuple[tuple[str, int, int], ...]:
        """Memories that are too small: name, bytes needed, bytes there."""
        named = (("RAM" if name == MAIN else name, need, layout.bank(name).bytes) for name, need in self.memories)
        return tuple(row for row in (("flash", self.flash, layout.room_bytes), *named) if row[1] > row[2])


class TooLarge(McusimError):
    """A network takes more flash or RAM than the board has; ``sizes`` say what it takes."""

    def __init__(self, board: str, sizes: Sizes, layout: Layout) -> None:
        self.sizes, self.layout = sizes, layout
        told = [f"{name} {need:,} bytes of {room:,}, {need - room:,} too many" for name, need, room in sizes.lacking(layout)]
        parts = f"arena {sizes.arena:,}, stack {sizes.stack_reserve:,}, constants {sizes.weights:,}, code {sizes.code:,}"
        super().__init__(f"the network does not fit on {board}: {'; '.join(told)} ({parts})")


@dataclass(frozen=True, slots=True)
class Firmware:
    """A program of a network for a board. ``flags`` are all those of the kernels."""

    sources: Sources
    elf: Path
    board: str
    compiler: str
    flags: tuple[str, ...]
    sizes: Sizes


def sizes_of(elf: Path, sources: Sources, layout: Layout) -> Sizes:
    """Sizes of a program built with ``layout``."""
    file = _parsed(elf)
    written = sum(s.sh_size for s in file.section_headers if s.sh_flags & SHF_ALLOC and s.sh_flags & SHF_WRITE)
    loaded = sum(segment.p_filesz for segment in file.program_headers if segment.p_type == PT_LOAD)
    objects = {symbol.name: symbol.st_size for symbol in file.symbols()}
    arena = sum(size for name, size in objects.items() if name == MAIN_ARENA or name.startswith(f"{MAIN_ARENA}_"))
    weights = sum(objects.get(array.name, 0) for array in sources.arrays)
    in_ram = weights if sources.placement.in_ram else 0
    kernels = sum(s.sh_size for name, s in zip(file.section_names, file.section_headers, strict=True) if name == KERNELS)
    taken = dict(_taken(file, layout))
    taken[layout.stack] += layout.stack_bytes
    static, memories = written + kernels - arena - in_ram, tuple(taken.items())
    return Sizes(loaded - weights, weights, static, arena, layout.stack_bytes, in_ram, memories)


def taken_bytes(elf: Path, layout: Layout) -> Mapping[str, int]:
    """What sections take of each memory that holds data, by its name; without the stack."""
    return _taken(_parsed(elf), layout)


def _taken(file: ElfFile, layout: Layout) -> Mapping[str, int]:
    homes = dict.fromkeys((".data", ".bss", ".noinit"), MAIN)
    homes |= {f".{bank.name}{ending}": bank.name for bank in layout.banks for ending in ("", "_bss", "_noinit")}
    homes |= {KERNELS: layout.kernels} if layout.kernels else {}
    taken = dict.fromkeys((MAIN, *(bank.name for bank in layout.banks)), 0)
    for name, section in zip(file.section_names, file.section_headers, strict=True):
        if name in homes:
            taken[homes[name]] += section.sh_size
    return taken


def _parsed(elf: Path) -> ElfFile:
    return parse(str(elf), elf.read_bytes())


def fed(elf: Path, output: Path, *, keep_state: bool = False, runs: int = 1) -> Path:
    """A copy of a program that reads its samples from the file inputs.bin by semihosting; nothing else in it differs."""
    file = _parsed(elf)
    address = next((symbol.st_value for symbol in file.symbols() if symbol.name == SWITCH), None)
    place = None if address is None else _file_offset(file, address)
    if place is None:
        raise ProgramError(f"{elf}: no symbol {SWITCH}; it was not generated by mcusim")
    data = bytearray(file.image)
    data[place : place + 4] = (FEED_KEEP if keep_state else FEED_RESET).to_bytes(4, "little")
    data[place + 4 : place + 8] = runs.to_bytes(4, "little")
    output.write_bytes(data)
    return output


def _file_offset(file: ElfFile, address: int) -> int | None:
    for segment in file.program_headers:
        if segment.p_type == PT_LOAD and segment.p_vaddr <= address < segment.p_vaddr + segment.p_filesz:
            return segment.p_offset + address - segment.p_vaddr
    return None

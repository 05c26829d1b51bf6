"""The tables of a 32-bit little-endian Arm ELF file, checked before anything is sized by them.

Read here with ``struct`` and not with pyelftools: a damaged file must cost bounded time and memory and say at which
byte it is wrong, and twenty thousand symbols must take milliseconds. pyelftools decodes the DWARF line table
(``lines``) and is the twin that the tests compare with. Names of constants: System V ABI, chapters 4 and 5; ELF for the
Arm Architecture.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from mcusim.errors import ProgramError

EI_CLASS, EI_DATA = 4, 5
ELFCLASS32, ELFDATA2LSB = 1, 1
EM_ARM = 40
ET_EXEC = 2
PT_LOAD, PF_X, PF_W = 1, 1, 2
SHT_SYMTAB, SHT_NOBITS = 2, 8
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR, SHF_COMPRESSED = 1, 2, 4, 0x800
STT_FUNC = 2
SHN_UNDEF, SHN_ABS, SHN_XINDEX = 0, 0xFFF1, 0xFFFF
PN_XNUM = 0xFFFF

HEADER = struct.Struct("<16sHHIIIIIHHHHHH")
PROGRAM_HEADER = struct.Struct("<8I")
SECTION_HEADER = struct.Struct("<10I")
SYMBOL = struct.Struct("<IIIBBH")

LIMIT_SECTIONS = 65_535
LIMIT_SYMBOLS = 1_000_000
LIMIT_NAME_BYTES = 128 << 20
"""Bounds of what is read from one file; the largest firmware seen has 1/20 of each."""

TYPE_NAMES = {
    0: "ET_NONE: no type",
    1: "ET_REL: an object file that is not linked",
    3: "ET_DYN: a shared object or position-independent program",
    4: "ET_CORE: a core dump",
}


class ProgramHeader(NamedTuple):
    """One entry of the program header table (Elf32_Phdr)."""

    p_type: int
    p_offset: int
    p_vaddr: int
    p_paddr: int
    p_filesz: int
    p_memsz: int
    p_flags: int
    p_align: int


class SectionHeader(NamedTuple):
    """One entry of the section header table (Elf32_Shdr)."""

    sh_name: int
    sh_type: int
    sh_flags: int
    sh_addr: int
    sh_offset: int
    sh_size: int
    sh_link: int
    sh_info: int
    sh_addralign: int
    sh_entsize: int


class RawSymbol(NamedTuple):
    """One entry of a symbol table (Elf32_Sym) with its name looked up."""

    name: str
    st_value: int
    st_size: int
    st_info: int
    st_shndx: int


@dataclass(frozen=True)
class ElfFile:
    """Header tables of one file; all of them lie inside ``image``."""

    path: str
    image: bytes
    entry: int
    program_headers: tuple[ProgramHeader, ...]
    section_headers: tuple[SectionHeader, ...]
    section_names: tuple[str, ...]

    def need(self, offset: int, size: int, what: str) -> bytes:
        """The bytes of ``what``, or ProgramError where the file ends before them."""
        return need(self.path, self.image, offset, size, what)

    def symbols(self) -> Iterator[RawSymbol]:
        """Entries of the symbol table, without the undefined and the nameless ones."""
        tables = [header for header in self.section_headers if header.sh_type == SHT_SYMTAB]
        if len(tables) > 1:  # System V ABI, chapter 4: "may have only one section of each type"
            raise ProgramError(f"{self.path}: {len(tables)} symbol tables, allowed: one")
        for table in tables:
            count = table.sh_size // SYMBOL.size
            if count > LIMIT_SYMBOLS:
                raise ProgramError(f"{self.path}: {count} symbols, allowed: up to {LIMIT_SYMBOLS}")
            data = self.need(table.sh_offset, count * SYMBOL.size, "the symbol table")
            rows = [row for row in SYMBOL.iter_unpack(data) if row[0] and row[5] != SHN_UNDEF]
            names = names_at(self.path, self._strings(table), (row[0] for row in rows))
            for name, (_, st_value, st_size, st_info, _, st_shndx) in zip(names, rows, strict=True):
                yield RawSymbol(name, st_value, st_size, st_info, st_shndx)

    def _strings(self, table: SectionHeader) -> bytes:
        if table.sh_link >= len(self.section_headers):
            count = len(self.section_headers)
            raise ProgramError(f"{self.path}: the symbol table links to section {table.sh_link} of {count} sections")
        strings = self.section_headers[table.sh_link]
        return self.need(strings.sh_offset, strings.sh_size, "the symbol names")


def need(path: str, image: bytes, offset: int, size: int, what: str) -> bytes:
    """The ``size`` bytes of ``image`` at ``offset``, or ProgramError that tells where the file ends."""
    if offset + size > len(image):
        raise ProgramError(f"{path}: truncated at byte {len(image)}: {what} takes bytes {offset} to {offset + size}")
    return image[offset : offset + size]


def names_at(path: str, strings: bytes, offsets: Iterable[int]) -> Iterator[str]:
    """The zero-terminated names at ``offsets`` of a string table; empty where an offset lies outside."""
    left = LIMIT_NAME_BYTES
    for offset in offsets:
        end = strings.find(b"\0", offset)
        name = strings[offset : end if end >= 0 else len(strings)]
        left -= len(name)
        if left < 0:
            raise ProgramError(f"{path}: names of more than {LIMIT_NAME_BYTES} bytes together")
        yield name.decode("utf-8", "replace")


def parse(path: str, image: bytes) -> ElfFile:
    """The header tables of ``image``; ProgramError when it is no executable for a Cortex-M or is damaged."""
    _check_identity(path, image)
    header = HEADER.unpack(need(path, image, 0, HEADER.size, "the ELF header"))
    _, e_type, _, _, e_entry, e_phoff, e_shoff, _, _, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx = header
    if e_type != ET_EXEC:
        met = TYPE_NAMES.get(e_type, f"type {e_type:#x}")
        raise ProgramError(f"{path}: not an executable ({met}); allowed: ET_EXEC, a linked program")
    if e_phnum == 0 or e_phoff == 0:
        raise ProgramError(f"{path}: no loadable segment (the file has no program header table)")
    if e_phnum == PN_XNUM:
        raise ProgramError(f"{path}: {e_phnum} or more program headers; allowed: up to {PN_XNUM - 1}")
    rows = _table(path, image, PROGRAM_HEADER, "program header", e_phoff, e_phentsize, e_phnum)
    program_headers = tuple(ProgramHeader(*row) for row in rows)
    section_headers = _section_headers(path, image, e_shoff, e_shentsize, e_shnum)
    names = _section_names(path, image, section_headers, e_shstrndx)
    return ElfFile(path, image, e_entry, program_headers, section_headers, names)


def _check_identity(path: str, image: bytes) -> None:
    if image[:4] != b"\x7fELF":
        raise ProgramError(f"{path}: not an ELF file (it begins with {image[:4].hex(' ') or 'nothing'})")
    identity = need(path, image, 0, 20, "the ELF identification")
    order = "little" if identity[EI_DATA] == ELFDATA2LSB else "big"
    machine = int.from_bytes(identity[18:20], order)  # type: ignore[arg-type]
    if machine != EM_ARM:
        raise ProgramError(f"{path}: an ELF file for machine {_machine_name(machine)}, allowed: EM_ARM (32-bit Arm)")
    if identity[EI_CLASS] != ELFCLASS32:
        raise ProgramError(f"{path}: ELF class {identity[EI_CLASS]} (64-bit is 2), allowed: 1 (32-bit)")
    if order != "little":
        raise ProgramError(f"{path}: a big-endian ELF file, allowed: little-endian")


def _machine_name(machine: int) -> str:
    from elftools.elf.enums import ENUM_E_MACHINE

    names = [name for name, number in ENUM_E_MACHINE.items() if number == machine and name != "_default_"]
    return names[0] if names else f"{machine:#x}"


def _table(
    path: str, image: bytes, row: struct.Struct, what: str, offset: int, entry_size: int, count: int
) -> Iterator[tuple[int, ...]]:
    if entry_size != row.size:
        raise ProgramError(f"{path}: a {what} of {entry_size} bytes, allowed: {row.size}")
    return row.iter_unpack(need(path, image, offset, row.size * count, f"the {what} table"))


def _section_headers(path: str, image: bytes, offset: int, entry_size: int, count: int) -> tuple[SectionHeader, ...]:
    if offset == 0:
        return ()
    if count == 0:  # System V ABI, chapter 4: the number stands in sh_size of section 0
        first = next(_table(path, image, SECTION_HEADER, "section header", offset, entry_size, 1))
        count = SectionHeader(*first).sh_size
    if count > LIMIT_SECTIONS:
        raise ProgramError(f"{path}: {count} sections, allowed: up to {LIMIT_SECTIONS}")
    return tuple(
        SectionHeader(*row) for row in _table(path, image, SECTION_HEADER, "section header", offset, entry_size, count)
    )


def _section_names(path: str, image: bytes, headers: tuple[SectionHeader, ...], index: int) -> tuple[str, ...]:
    if not headers:
        return ()
    if index == SHN_XINDEX:
        index = headers[0].sh_link
    if index == SHN_UNDEF:
        return ("",) * len(headers)
    if index >= len(headers):
        raise ProgramError(f"{path}: section names in section {index}, but there are {len(headers)} sections")
    strings = need(path, image, headers[index].sh_offset, headers[index].sh_size, "the section names")
    return tuple(names_at(path, strings, (header.sh_name for header in headers)))

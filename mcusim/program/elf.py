"""ELF files: what is loaded where, and what it is called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mcusim.errors import ProgramError
from mcusim.program import elf_file
from mcusim.program.elf_file import ElfFile, ProgramHeader, RawSymbol, SectionHeader
from mcusim.program.lines import LIMIT_BYTES, LineTable
from mcusim.program.program import Section, Segment, Symbol

LIMIT_MEMORY_BYTES = 512 << 20
"""Largest segment, and largest sum of segments: the span of one region of the Cortex-M memory map (code, SRAM)."""

ADDRESS_SPACE = 1 << 32

_KINDS = {0: "label", 1: "object", 2: "function"}
"""STT_NOTYPE, STT_OBJECT, STT_FUNC; sections, files and thread-local symbols are no places."""

_BINDINGS = {0: "local", 1: "global", 2: "weak"}

_MAPPING = re.compile(r"\$([atd])(\..*)?$")
"""Mapping symbols, ELF for the Arm Architecture, 4.5.5."""

_NO_PLACE = re.compile(r"\$[a-z](\..*)?$|\.L|BuildAttributes\$\$|Lib\$\$Request|__ARM_use_|__tagsym\$\$")
"""Other bookkeeping symbols: older mapping symbols ($v, $m, $x ...), and what armlink notes for itself."""

_RESERVED_NAMES = {
    ".stack": "stack",
    ".stack_dummy": "stack",
    ".heap": "heap",
    "ARM_LIB_STACK": "stack",
    "ARM_LIB_HEAP": "heap",
    "ARM_LIB_STACKHEAP": "stack",
    "CSTACK": "stack",
    "HEAP": "heap",
}
"""Sections that reserve memory and hold nothing: GNU startup files; armlink scatter files; IAR blocks."""


@dataclass(frozen=True, slots=True)
class ElfContent:
    """What an ELF file contributes to a Program."""

    segments: tuple[Segment, ...]
    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]
    mapping: tuple[tuple[int, str], ...]
    entry: int
    lines: LineTable


def read(path: str, image: bytes) -> ElfContent:
    """Content of the ELF file ``image``; ProgramError where it is damaged or not for a Cortex-M."""
    file = elf_file.parse(path, image)
    loads = _load_headers(file)
    raw_symbols = list(file.symbols())
    return ElfContent(
        segments=tuple(_segments(file, loads)),
        sections=tuple(_sections(file, loads)),
        symbols=tuple(sorted(_symbols(raw_symbols), key=lambda symbol: symbol.address)),
        mapping=tuple(sorted(_mapping(raw_symbols))),
        entry=file.entry,
        lines=_lines(file),
    )


def _load_headers(file: ElfFile) -> list[ProgramHeader]:
    loads = [header for header in file.program_headers if header.p_type == elf_file.PT_LOAD and header.p_memsz]
    for number, header in enumerate(loads):
        _check_load_header(file, number, header)
    if not any(header.p_filesz for header in loads):
        raise ProgramError(f"{file.path}: no loadable segment (no PT_LOAD program header has bytes in the file)")
    total = sum(header.p_memsz for header in loads)
    if total > LIMIT_MEMORY_BYTES:
        raise ProgramError(f"{file.path}: segments of {total} bytes together, allowed: up to {LIMIT_MEMORY_BYTES}")
    return _with_physical_addresses(loads)


def _check_load_header(file: ElfFile, number: int, header: ProgramHeader) -> None:
    name = f"{file.path}: loadable segment {number} at {header.p_paddr:#010x}"
    if header.p_filesz > header.p_memsz:
        raise ProgramError(f"{name} has {header.p_filesz} bytes in the file, but {header.p_memsz} in memory")
    if header.p_memsz > LIMIT_MEMORY_BYTES:
        raise ProgramError(f"{name} takes {header.p_memsz} bytes, allowed: up to {LIMIT_MEMORY_BYTES}")
    if max(header.p_paddr, header.p_vaddr) + header.p_memsz > ADDRESS_SPACE:
        raise ProgramError(f"{name} reaches beyond the 32-bit address space")
    end = header.p_offset + header.p_filesz
    if header.p_filesz and end > len(file.image):
        raise ProgramError(
            f"{name}: truncated at byte {len(file.image)}: the segment takes bytes {header.p_offset} to {end}"
        )


def _with_physical_addresses(loads: list[ProgramHeader]) -> list[ProgramHeader]:
    """Some linkers write 0 for every physical address; then the virtual one counts, as in OpenOCD (target/image.c)."""
    if len(loads) > 1 and not any(header.p_paddr for header in loads):
        return [header._replace(p_paddr=header.p_vaddr) for header in loads]
    return loads


def _segments(file: ElfFile, loads: list[ProgramHeader]) -> Iterator[Segment]:
    for header in loads:
        skipped = _header_bytes(file, header)
        start, end = header.p_offset + skipped, header.p_offset + header.p_filesz
        yield Segment(
            address=header.p_paddr + skipped,
            virtual_address=header.p_vaddr + skipped,
            data=file.image[start:end],
            memory_size=header.p_memsz - skipped,
            writable=bool(header.p_flags & elf_file.PF_W),
            executable=bool(header.p_flags & elf_file.PF_X),
        )


def _header_bytes(file: ElfFile, header: ProgramHeader) -> int:
    """Bytes in front of a segment that are the ELF header itself and no content of any section.

    GNU ld lets a segment begin at a page boundary below its first section; debuggers load sections and skip this part.
    """
    if header.p_offset >= elf_file.HEADER.size:
        return 0
    offsets = [section.sh_offset for section in file.section_headers if _is_content(section)]
    inside = [offset - header.p_offset for offset in offsets if 0 <= offset - header.p_offset < header.p_filesz]
    return min(inside, default=0)


def _is_content(section: SectionHeader) -> bool:
    allocated = bool(section.sh_flags & elf_file.SHF_ALLOC)
    return allocated and section.sh_type != elf_file.SHT_NOBITS and section.sh_size > 0


def _sections(file: ElfFile, loads: list[ProgramHeader]) -> Iterator[Section]:
    for name, header in zip(file.section_names, file.section_headers, strict=True):
        if not header.sh_flags & elf_file.SHF_ALLOC or not header.sh_size:
            continue
        if header.sh_addr + header.sh_size > ADDRESS_SPACE:
            raise ProgramError(f"{file.path}: section {name!r} reaches beyond the 32-bit address space")
        load_address = next(_load_addresses(header, loads), header.sh_addr)
        yield Section(name, header.sh_addr, load_address, header.sh_size, _section_kind(name, header))


def _load_addresses(section: SectionHeader, loads: Iterable[ProgramHeader]) -> Iterator[int]:
    """Where segments put the bytes of ``section``: by file offset, since armlink gives the section's run address."""
    if section.sh_type == elf_file.SHT_NOBITS:
        return
    for load in loads:
        distance = section.sh_offset - load.p_offset
        if distance >= 0 and distance + section.sh_size <= load.p_filesz:
            yield load.p_paddr + distance


def _section_kind(name: str, header: SectionHeader) -> str:
    if name in _RESERVED_NAMES:
        return _RESERVED_NAMES[name]
    if header.sh_type == elf_file.SHT_NOBITS:
        return "bss"
    if header.sh_flags & elf_file.SHF_EXECINSTR:
        return "code"
    return "data" if header.sh_flags & elf_file.SHF_WRITE else "rodata"


def _symbols(raw_symbols: Iterable[RawSymbol]) -> Iterator[Symbol]:
    for raw in raw_symbols:
        kind, binding = _KINDS.get(raw.st_info & 15), _BINDINGS.get(raw.st_info >> 4)
        if kind is None or binding is None or _NO_PLACE.match(raw.name):
            continue
        absolute = raw.st_shndx == elf_file.SHN_ABS
        address = raw.st_value & ~1 if kind == "function" else raw.st_value
        yield Symbol(raw.name, address, raw.st_size, kind, binding, absolute)


def _mapping(raw_symbols: Iterable[RawSymbol]) -> Iterator[tuple[int, str]]:
    for raw in raw_symbols:
        match = _MAPPING.match(raw.name)
        if match:
            yield raw.st_value, match.group(1)


def _lines(file: ElfFile) -> LineTable:
    headers = dict(zip(file.section_names, file.section_headers, strict=True))
    if ".debug_line" not in headers:
        compressed = ".zdebug_line" in headers
        return LineTable(b"", "compressed debug sections are not read") if compressed else LineTable.absent()
    debug = [header for name, header in headers.items() if name.startswith(".debug")]
    if any(header.sh_flags & elf_file.SHF_COMPRESSED for header in debug):
        return LineTable(b"", "compressed debug sections are not read")
    size = headers[".debug_line"].sh_size
    if size > LIMIT_BYTES:
        return LineTable(b"", f"a line table of {size} bytes is not decoded, allowed: up to {LIMIT_BYTES}")
    return LineTable(file.image)

"""Tiny ELF files made by hand, field by field, for tests of the reader."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace

EHDR, PHDR, SHDR, SYM = 52, 32, 40, 16
LOAD, NOBITS, PROGBITS, SYMTAB, STRTAB = 1, 8, 1, 2, 3
READ, WRITE, EXECUTE = 4, 2, 1
ALLOC, W, X = 2, 1, 4
ABSOLUTE = 0xFFF1


@dataclass(frozen=True)
class Part:
    """A loadable segment and, where it has a name, the section that fills it."""

    data: bytes
    address: int
    virtual_address: int | None = None
    flags: int = READ | EXECUTE
    memory_size: int | None = None
    section: str = ""

    @property
    def run_address(self) -> int:
        return self.address if self.virtual_address is None else self.virtual_address

    @property
    def size(self) -> int:
        return len(self.data) if self.memory_size is None else self.memory_size


@dataclass(frozen=True)
class Name:
    """A symbol. ``kind``: 0 label, 1 object, 2 function; ``binding``: 0 local, 1 global, 2 weak; ``section``: index."""

    name: str
    value: int
    size: int = 0
    kind: int = 2
    binding: int = 1
    section: int = 1


@dataclass(frozen=True)
class Elf:
    """What ``image`` writes; every header field that a test wants wrong is a parameter."""

    parts: tuple[Part, ...] = ()
    names: tuple[Name, ...] = ()
    entry: int = 0
    machine: int = 40
    kind: int = 2
    elf_class: int = 1
    order: int = 1
    program_header_size: int = PHDR
    section_header_size: int = SHDR
    extra_headers: tuple[tuple[int, ...], ...] = field(default=())

    def image(self) -> bytes:
        """The bytes of the file: header, program headers, contents, symbol table, names, section headers."""
        headers_end = EHDR + PHDR * (len(self.parts) + len(self.extra_headers))
        body, program_headers, sections = b"", [], [(0,) * 10]
        strings = b"\0"

        def named(text: str) -> int:
            nonlocal strings
            strings += text.encode() + b"\0"
            return len(strings) - len(text) - 1

        for part in self.parts:
            offset = headers_end + len(body)
            body += part.data
            program_headers.append(
                (LOAD, offset, part.run_address, part.address, len(part.data), part.size, part.flags, 4)
            )
            if part.section:
                kind = PROGBITS if part.data else NOBITS
                bits = ALLOC | (W if part.flags & WRITE else 0) | (X if part.flags & EXECUTE else 0)
                sections.append((named(part.section), kind, bits, part.run_address, offset, part.size, 0, 0, 4, 0))
        symbols = b"\0" * SYM
        for each in self.names:
            info = each.binding << 4 | each.kind
            symbols += struct.pack("<IIIBBH", named(each.name), each.value, each.size, info, 0, each.section)
        table_offset = headers_end + len(body)
        name_of_table, name_of_strings = named(".symtab"), named(".strtab")
        strings_index = len(sections) + 1
        sections.append((name_of_table, SYMTAB, 0, 0, table_offset, len(symbols), strings_index, 1, 4, SYM))
        strings_offset = table_offset + len(symbols)
        sections.append((name_of_strings, STRTAB, 0, 0, strings_offset, len(strings), 0, 0, 1, 0))
        sections_offset = strings_offset + len(strings)
        identity = b"\x7fELF" + bytes([self.elf_class, self.order, 1]) + b"\0" * 9
        order = "<" if self.order == 1 else ">"
        program_headers += list(self.extra_headers)
        header = identity + struct.pack(
            order + "HHIIIIIHHHHHH",
            *(self.kind, self.machine, 1, self.entry, EHDR if program_headers else 0, sections_offset, 0x05000400),
            *(EHDR, self.program_header_size, len(program_headers), self.section_header_size, len(sections)),
            strings_index,
        )
        rows = b"".join(struct.pack("<8I", *row) for row in program_headers)
        return header + rows + body + symbols + strings + b"".join(struct.pack("<10I", *row) for row in sections)

    def but(self, **changes: object) -> Elf:
        """The same file with other fields."""
        return replace(self, **changes)  # type: ignore[arg-type]


def vectors(stack_pointer: int, reset: int, nmi: int = 0, hard_fault: int = 0) -> bytes:
    """The first four words of a vector table."""
    return struct.pack("<4I", stack_pointer, reset, nmi, hard_fault)


FLASH, RAM = 0x0800_0000, 0x2000_0000

CODE = bytes.fromhex("00bf 00bf fee7 00bf")
"""nop, nop, b ., nop"""

FIRMWARE = Elf(
    parts=(
        Part(vectors(RAM + 0x4000, FLASH + 0x10 | 1) + CODE, FLASH, section=".text"),
        Part(b"\x05\0\0\0", FLASH + 0x18, RAM, READ | WRITE, 44, section=".data"),
    ),
    names=(
        Name("Reset_Handler", FLASH + 0x10 | 1, 4),
        Name("loop", FLASH + 0x14 | 1, 2),
        Name("value", RAM, 4, kind=1, section=2),
        Name("$t", FLASH + 0x10, kind=0, binding=0),
        Name("_Min_Stack_Size", 0x400, kind=0, section=ABSOLUTE),
    ),
    entry=FLASH + 0x10 | 1,
)
"""A whole little program: vector table, two functions, one initialised word of 44 bytes of RAM."""

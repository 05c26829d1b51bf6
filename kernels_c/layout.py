"""Where a program lives: memories by name, stack, what stands before the vector table; and the linker script of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kernels_c import source

MAIN = "ram"
"""Name of the memory of .data, .bss and heap, for ``Layout.stack``."""


@dataclass(frozen=True)
class Bank:
    """A RAM besides the main one, in bytes. Its name is that of its sections.

    ``.<name>`` is copied there at start, ``.<name>_bss`` cleared, ``.<name>_noinit`` left as it is (include/placement.h).
    """

    name: str
    origin: int
    bytes: int

    @property
    def region(self) -> str:
        """Its name in the linker's MEMORY."""
        return f"BANK_{self.name}"


@dataclass(frozen=True)
class Layout:
    """Where a program lives, in bytes; ``stack_bytes`` and ``heap_bytes`` are reserves that the linker checks.

    The default suits every generic board, and the MPS2 machines of qemu-system-arm too.

    ``banks`` are further RAMs; ``stack`` names the bank whose top the stack takes (MAIN: the main RAM's). ``headers`` maps
    sections that the boot ROM reads to their offset in flash, ``vectors_offset`` is the vector table's. ``kernels`` names the
    memory that kernels (objects arm_... and nn_...) are copied to at start and run in, "" for flash. ``tables``: start-up code
    is a board's (BOARD_START), which takes what to copy and to clear from tables.
    """

    flash_origin: int = 0x0000_0000
    flash_bytes: int = 0x0040_0000
    ram_origin: int = 0x2000_0000
    ram_bytes: int = 0x0010_0000
    stack_bytes: int = 0x4000
    banks: tuple[Bank, ...] = ()
    stack: str = MAIN
    vectors_offset: int = 0
    headers: tuple[tuple[str, int], ...] = ()
    kernels: str = ""
    tables: bool = False

    @property
    def room_bytes(self) -> int:
        """Flash for programs: without what lies below a bootloader's end. Headers below the vectors are the program's own."""
        return self.flash_bytes - (0 if self.headers else self.vectors_offset)

    def bank(self, name: str) -> Bank:
        """The memory of that name, MAIN included. KeyError with the names that there are."""
        memories = (Bank(MAIN, self.ram_origin, self.ram_bytes), *self.banks)
        for bank in memories:
            if bank.name == name:
                return bank
        raise KeyError(f"the layout has no memory {name!r}; it has: {', '.join(each.name for each in memories)}")

    def script(self) -> str:
        """The linker script of a program at this place."""
        text = source("cortex_m.ld.in").read_text()
        for name, value in self._values().items():
            text = text.replace(f"@{name}@", value if isinstance(value, str) else f"{value:#010x}")
        return text

    def _values(self) -> Mapping[str, int | str]:
        own_bank = self.stack != MAIN
        return {
            "FLASH_ORIGIN": self.flash_origin,
            "FLASH_BYTES": self.flash_bytes,
            "RAM_ORIGIN": self.ram_origin,
            "RAM_BYTES": self.ram_bytes,
            "STACK_BYTES": self.stack_bytes,
            "STACK": self._region(self.stack),
            "HEAP_END": "ORIGIN(RAM) + LENGTH(RAM)" if own_bank else "__stack_limit",
            "VECTORS": f"ORIGIN(FLASH) + {self.vectors_offset:#x} " if self.vectors_offset else "",
            "HEADERS": "".join(HEADER.format(section=section, offset=offset) for section, offset in self.headers),
            "BANKS": "".join(MEMORY.format(bank=bank) for bank in self.banks),
            "KERNELS": KERNELS.format(region=self._region(self.kernels)) if self.kernels else "",
            "TABLES": self._tables() if self.tables else "",
            "PLACES": "".join(self._place(bank) for bank in self.banks),
        }

    def _region(self, name: str) -> str:
        """The name in the linker's MEMORY of a memory of the layout."""
        return "RAM" if name == MAIN else self.bank(name).region

    def _tables(self) -> str:
        names = [*(["kernels"] if self.kernels else []), "data", *(bank.name for bank in self.banks)]
        copies = "".join(COPY.format(name=name) for name in names)
        clears = "".join(CLEAR.format(name=name) for name in ["", *(f"{bank.name}_" for bank in self.banks)])
        return TABLES.format(copies=copies, clears=clears)

    def _place(self, bank: Bank) -> str:
        text = PLACE.format(name=bank.name, region=bank.region)
        if bank.name == self.stack:
            text += f'    ASSERT(__{bank.name}_limit <= __stack_limit, "{bank.name} is too small for its data and the stack")\n'
        return text


GENERIC = Layout()
"""That of the generic boards."""

MEMORY = "    {bank.region} (rwx) : ORIGIN = {bank.origin:#010x}, LENGTH = {bank.bytes:#010x}\n"
HEADER = """\
    .{section} ORIGIN(FLASH) + {offset:#x} :
    {{
        KEEP(*(.{section}))
    }} > FLASH

"""
KERNELS = """\
    .kernels :
    {{
        . = ALIGN(8);
        __kernels_start = .;
        *arm_*.o*(.text .text.*)
        *nn_*.o*(.text .text.*)
        . = ALIGN(8);
        __kernels_end = .;
    }} > {region} AT > FLASH
    __kernels_load = LOADADDR(.kernels);

"""
COPY = "        LONG(__{name}_load) LONG(__{name}_start) LONG(__{name}_end)\n"
CLEAR = "        LONG(__{name}bss_start) LONG(__{name}bss_end)\n"
TABLES = """\
    /* What start-up code copies (from, to, end) and clears (from, end). */
    .start_tables :
    {{
        . = ALIGN(4);
        __copy_table_start = .;
{copies}        __copy_table_end = .;
        __clear_table_start = .;
{clears}        __clear_table_end = .;
    }} > FLASH

"""
PLACE = """
    .{name} :
    {{
        . = ALIGN(8);
        __{name}_start = .;
        *(.{name} .{name}.*)
        . = ALIGN(8);
        __{name}_end = .;
    }} > {region} AT > FLASH
    __{name}_load = LOADADDR(.{name});

    .{name}_bss (NOLOAD) :
    {{
        . = ALIGN(8);
        __{name}_bss_start = .;
        *(.{name}_bss .{name}_bss.*)
        . = ALIGN(8);
        __{name}_bss_end = .;
    }} > {region}

    .{name}_noinit (NOLOAD) :
    {{
        *(.{name}_noinit .{name}_noinit.*)
        . = ALIGN(8);
        __{name}_limit = .;
    }} > {region}
"""

"""Finding the vector table: by what names it, else by what it looks like."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from mcusim.errors import ProgramError
from mcusim.program.program import Section, Segment, Symbol, VectorTable

SECTION_NAMES = (
    ".isr_vector",  # STM32Cube, Arm GNU examples
    ".vectors",  # libopencm3, CMSIS GCC scatter file
    ".interrupts",  # NXP MCUXpresso
    ".intvec",  # IAR
    ".vector_table",  # Rust cortex-m-rt
    ".vtable",
    "RESET",  # armlink without scatter merging
    "vectors",
    "rom_start",  # Zephyr
)
SYMBOL_NAMES = (
    "__isr_vector",  # CMSIS GCC startup
    "__Vectors",  # CMSIS armclang startup
    "g_pfnVectors",  # STM32Cube
    "__vector_table",  # IAR, CMSIS 5 GCC startup, NXP
    "vector_table",  # libopencm3
    "_vector_table",  # Zephyr
    "_vector_start",  # Zephyr
    "__vectors",  # Pico SDK
    "_vectors",  # ChibiOS, NuttX
    "__isr_vectors",
    "exception_table",  # Microchip (Atmel) startup
)
"""Names in the startup files of the given projects; a name counts only where a table is found behind it."""

STACK_RANGES = (
    (0x0000_0000, 0x0010_0000),  # RAM at 0: ITCM, FPGA images
    (0x0400_0000, 0x0800_0000),  # RAM on the code bus: MCX N
    (0x1000_0000, 0x4000_0000),  # CCM, DTCM, SRAM
    (0x6000_0000, 0xA000_0000),  # external RAM
)
"""Where an initial stack pointer may point, first exclusive, last inclusive: the end of a RAM is a legal stack pointer
(Armv7-M ARM, B3.1, system address map, and where chips put RAM into its code region)."""

SCAN_STEP_BYTES = 0x80
"""Smallest alignment of a vector table, 32 words (Armv7-M ARM, B3.2.5, VTOR)."""

SCAN_BYTES = 0x1_0000
"""How far behind the begin of a segment a table is looked for; boot headers take up to 8 KiB (i.MX RT)."""

_FIRST_VECTORS = struct.Struct("<4I")
"""Initial MSP, reset, NMI, HardFault."""


def find(
    path: str, segments: Sequence[Segment], sections: Sequence[Section], symbols: Sequence[Symbol], given: int | None
) -> VectorTable | None:
    """The vector table that the core would read, or ``None`` where nothing looks like one.

    In this order: the ``given`` address, sections and symbols by name, the begin of a segment, aligned places behind
    it. ProgramError when ``given`` lies outside the image.
    """
    if given is not None:
        return _given(path, segments, given)
    named = (*_by_section(sections), *_by_symbol(symbols, sections))
    for address, found_by in named:
        table = _read(segments, address, found_by)
        if table and _starts(segments, table):
            return table
    return next(_scan(segments), None)


def _given(path: str, segments: Sequence[Segment], address: int) -> VectorTable:
    table = _read(segments, address, "given")
    if address % SCAN_STEP_BYTES:
        raise ProgramError(f"{path}: vector table at {address:#010x}, allowed: multiples of {SCAN_STEP_BYTES:#x}")
    if table is None:
        places = ", ".join(f"{segment.address:#010x}-{segment.end:#010x}" for segment in segments[:8] if segment.data)
        raise ProgramError(f"{path}: no vector table at {address:#010x}, which is outside the image ({places})")
    return table


def _by_section(sections: Sequence[Section]) -> Iterator[tuple[int, str]]:
    for name in SECTION_NAMES:
        for section in sections:
            if section.name == name:
                yield section.load_address, f"section {name}"


def _by_symbol(symbols: Sequence[Symbol], sections: Sequence[Section]) -> Iterator[tuple[int, str]]:
    named = [symbol for symbol in symbols if symbol.name in SYMBOL_NAMES]
    for symbol in sorted(named, key=lambda symbol: SYMBOL_NAMES.index(symbol.name)):
        yield _load_address(symbol.address, sections), f"symbol {symbol.name}"


def _load_address(address: int, sections: Sequence[Section]) -> int:
    for section in sections:
        if section.address <= address < section.end:
            return address - section.address + section.load_address
    return address


def _scan(segments: Sequence[Segment]) -> Iterator[VectorTable]:
    ordered = sorted((segment for segment in segments if segment.data), key=lambda each: (each.writable, each.address))
    for segment in ordered:
        table = _read(segments, segment.address, "begin of a segment")
        if table and segment.address % SCAN_STEP_BYTES == 0 and _plausible(segments, table, full=False):
            yield table
    for segment in ordered:
        first = -(-segment.address // SCAN_STEP_BYTES) * SCAN_STEP_BYTES
        for address in range(first, min(segment.end, first + SCAN_BYTES), SCAN_STEP_BYTES):
            table = _read([segment], address, "scan")
            if table and _plausible(segments, table, full=True):
                yield table


def _read(segments: Sequence[Segment], address: int, found_by: str) -> VectorTable | None:
    words = _bytes(segments, address, 8)
    if len(words) < 8:
        return None
    stack_pointer, reset = struct.unpack("<2I", words)
    return VectorTable(address, stack_pointer, reset, found_by)


def _bytes(segments: Sequence[Segment], address: int, size: int) -> bytes:
    for segment in segments:
        if segment.address <= address < segment.end:
            return segment.data[address - segment.address : address - segment.address + size]
    return b""


def _starts(segments: Sequence[Segment], table: VectorTable) -> bool:
    """Whether the reset vector leads into the image; a missing Thumb bit is left to the core, which faults."""
    return table.stack_pointer != 0 and _is_code(segments, table.reset | 1)


def _plausible(segments: Sequence[Segment], table: VectorTable, full: bool) -> bool:
    """Whether the words look like a vector table; ``full`` wants NMI and HardFault handlers, where else 0 will do."""
    stack_ok = table.stack_pointer % 4 == 0 and any(low < table.stack_pointer <= high for low, high in STACK_RANGES)
    if not stack_ok or not _is_code(segments, table.reset):
        return False
    data = _bytes(segments, table.address, _FIRST_VECTORS.size)
    if len(data) < _FIRST_VECTORS.size:
        return not full
    _, _, *handlers = _FIRST_VECTORS.unpack(data)
    return all((handler == 0 and not full) or _is_code(segments, handler) for handler in handlers)


def _is_code(segments: Sequence[Segment], vector: int) -> bool:
    address = vector & ~1
    return vector & 1 == 1 and any(
        start <= address < start + len(segment.data)
        for segment in segments
        for start in (segment.address, segment.virtual_address)
    )

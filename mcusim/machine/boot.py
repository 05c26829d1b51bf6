"""What a chip's boot ROM does before the program runs: where it starts, with which stack, and what the ROM leaves in memory.

The board's parameter ``boot`` names the way: ``"vector-table"`` (no ROM, or one that leaves no trace), ``"rp2040-rom"``,
``"rp2350-rom"``, ``"imxrt-ivt"``. The time that a ROM takes is not modelled, except for RP2040's, whose code runs here.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mcusim import boards
from mcusim.boards.board import Board
from mcusim.errors import BoardError, ProgramError
from mcusim.program.program import Program

ROM_FILES = Path(boards.__file__).parent / "data" / "rom"


@dataclass(frozen=True, slots=True)
class Start:
    """State of the core when the program begins: VTOR, initial SP, first PC (with Thumb bit), and bytes that ROM brings."""

    vector_table: int
    stack_pointer: int
    entry: int
    contents: tuple[tuple[int, bytes], ...] = ()


def find_start(program: Program, board: Board) -> Start | None:
    """How ``program`` starts on ``board``; None where the board's ROM has no say: the program's own vector table holds.

    Raises ProgramError for an image that the chip would not start, BoardError for an unknown way to boot.
    """
    way = board.parameters.get("boot")
    if way is None:
        return None
    if way not in WAYS:
        raise BoardError(f"board {board.name}: parameters.boot = {way!r} is unknown; allowed are {', '.join(WAYS)}")
    return WAYS[way](program, board)


def read_rom(name: str) -> bytes:
    """Our own ROM image ``name``: lines of hexadecimal digits, # starts a comment."""
    lines = (ROM_FILES / f"{name}.hex").read_text(encoding="ascii").splitlines()
    return bytes.fromhex("".join(line.partition("#")[0] for line in lines))


def words(program: Program, address: int, count: int) -> tuple[int, ...] | None:
    """``count`` words of the image, None where it does not reach."""
    data = program.read(address, 4 * count)
    return struct.unpack(f"<{count}I", data) if len(data) == 4 * count else None


def in_ram(board: Board, address: int) -> bool:
    """Whether a stack pointer may be ``address``: inside or just behind a RAM."""
    return any(
        base < address <= base + region.size
        for region in board.memories
        if region.kind in ("ram", "tcm")
        for base in (region.address, *region.aliases)
    )


# --- a vector table at a known place -----------------------------------------------------------------------------------
def start_from_table(program: Program, board: Board) -> Start | None:
    """The first of the board's ``vector_tables`` (those of its boot loaders come last) that holds a usable table.

    The caller's ``--vector-table`` and an image that starts elsewhere are left to the program.
    """
    found = program.vector_table
    if found is not None and found.found_by == "given":
        return None
    for address in board.parameters.get("vector_tables", ()):
        table = words(program, address, 2)
        if table and in_ram(board, table[0]) and table[1] & 1:
            return Start(address, table[0], table[1])
    return None


# --- Raspberry Pi -------------------------------------------------------------------------------------------------------
RP_FLASH, RP_SRAM = 0x10000000, 0x20000000


def lowest_in(program: Program, start: int, size: int) -> int | None:
    """Lowest loaded address inside a range."""
    places = [segment.address for segment in program.segments if segment.data and start <= segment.address < start + size]
    return min(places, default=None)


def start_rp2040(program: Program, board: Board) -> Start:
    """Through our ROM, which runs the second stage at the begin of flash; an image in SRAM is entered at its lowest address.

    Source: RP2040 Datasheet 2.8.1, 2.8.2.
    """
    rom = read_rom("rp2040")
    stack, reset = struct.unpack_from("<2I", rom)
    if lowest_in(program, RP_FLASH, 0x1000000) is None:
        entry = lowest_in(program, RP_SRAM, 0x42000)
        if entry is None:
            raise ProgramError(f"{program.path}: nothing to start on {board.name}: the image lies neither in flash nor in SRAM")
        reset = entry | 1
    return Start(0, stack, reset, ((0, rom),))


BLOCK_START, BLOCK_END = 0xFFFFDED3, 0xAB123579
ITEM_IMAGE_TYPE, ITEM_VECTOR_TABLE, ITEM_ENTRY_POINT, ITEM_LAST = 0x42, 0x03, 0x44, 0xFF
SEARCH_BYTES = 4096
TYPE_EXECUTABLE, CPU_RISCV = 1, 1


def items(block: bytes) -> Iterator[tuple[int, bytes]]:
    """Items of an RP2350 block behind its marker: type and bytes. A set top bit of the type makes the size two bytes."""
    offset = 4
    while offset + 4 <= len(block):
        kind = block[offset]
        size = struct.unpack_from("<H", block, offset + 1)[0] if kind & 0x80 else block[offset + 1]
        if not size or offset + 4 * size > len(block):
            return
        yield kind & 0x7F if kind != ITEM_LAST else kind, block[offset : offset + 4 * size]
        if kind == ITEM_LAST:
            return
        offset += 4 * size


def blocks(program: Program, base: int, span: int) -> Iterator[tuple[int, bytes]]:
    """Address and bytes of each block whose marker lies in the first ``span`` bytes from ``base``."""
    for address in range(base, base + span, 4):
        if words(program, address, 1) == (BLOCK_START,):
            yield address, program.read(address, SEARCH_BYTES)


def start_rp2350(program: Program, board: Board) -> Start:
    """By the image definition in the first 4 KiB: its entry point or vector table item, else the table at the image's begin.

    Source: RP2350 Datasheet 5.1.4, 5.9. Hashes and signatures are not checked; partition tables are not modelled.
    """
    rom = read_rom("rp2350")
    places = (lowest_in(program, RP_FLASH, 0x2000000), lowest_in(program, RP_SRAM, 0x82000))
    base = next((place for place in places if place is not None), None)
    if base is None:
        raise ProgramError(f"{program.path}: nothing to start on {board.name}: the image lies neither in flash nor in SRAM")
    table = base
    for address, block in blocks(program, base, SEARCH_BYTES):
        found = dict(items(block))
        _refuse_riscv(program, address, found)
        if ITEM_ENTRY_POINT in found:
            entry, stack = _item_words(program, address, found[ITEM_ENTRY_POINT], 2)
            return Start(table, stack, entry | 1, ((0, rom),))
        if ITEM_VECTOR_TABLE in found:
            table = _item_words(program, address, found[ITEM_VECTOR_TABLE], 1)[0]
    first = words(program, table, 2)
    if first is None or not first[1] & 1:
        raise ProgramError(f"{program.path}: no vector table at {table:#010x}, where {board.name} would start the image")
    return Start(table, first[0], first[1], ((0, rom),))


def _item_words(program: Program, address: int, item: bytes, count: int) -> tuple[int, ...]:
    """The first ``count`` words behind an item's header."""
    if len(item) < 4 + 4 * count:
        raise ProgramError(
            f"{program.path}: the block at {address:#010x} has an item of type {item[0]:#04x} with {len(item) // 4} words; "
            f"at least {1 + count} are needed"
        )
    return struct.unpack_from(f"<{count}I", item, 4)


def _refuse_riscv(program: Program, address: int, found: Mapping[int, bytes]) -> None:
    flags = struct.unpack_from("<H", found[ITEM_IMAGE_TYPE], 2)[0] if ITEM_IMAGE_TYPE in found else 0
    if flags & 0xF == TYPE_EXECUTABLE and flags >> 8 & 7 == CPU_RISCV:
        text = f"the image definition at {address:#010x} is for the RISC-V cores; only the Arm cores are modelled"
        raise ProgramError(f"{program.path}: {text}")


# --- i.MX RT ------------------------------------------------------------------------------------------------------------
FLEXSPI, IVT_OFFSET = 0x60000000, 0x1000
IVT_HEADER, IVT_HEADER_MASK = 0x2000D1, 0xFFFFFF  # tag 0xD1, length 32 (big-endian); the version on top varies
ROM_STACK = 0x20201000


def start_imxrt(program: Program, board: Board) -> Start | None:
    """By the image vector table behind the begin of FlexSPI flash; its entry is a vector table, or code where it is odd.

    Source: i.MX RT1060 Reference Manual, 9.7.1 (image vector table and boot data). The device configuration data are not
    executed. An image without IVT is started like a debugger does, by its own vector table.
    """
    ivt = words(program, FLEXSPI + IVT_OFFSET, 8)
    if ivt is None or ivt[0] & IVT_HEADER_MASK != IVT_HEADER:
        return None
    entry = ivt[1]
    if entry & 1:
        # The ROM's own stack, in OCRAM.  # unverified on silicon
        return Start(FLEXSPI + IVT_OFFSET, ROM_STACK, entry)
    table = words(program, entry, 2)
    if table is None:
        raise ProgramError(f"{program.path}: the IVT names the entry {entry:#010x}, where nothing is loaded")
    return Start(entry, table[0], table[1])


WAYS: Mapping[str, Callable[[Program, Board], Start | None]] = {
    "vector-table": start_from_table,
    "rp2040-rom": start_rp2040,
    "rp2350-rom": start_rp2350,
    "imxrt-ivt": start_imxrt,
}

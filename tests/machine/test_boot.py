"""How images start: what the chips' boot ROMs look for, worked out by hand from their data sheets."""

from __future__ import annotations

import dataclasses
import struct

import pytest

from mcusim import boards
from mcusim.errors import BoardError, ProgramError
from mcusim.machine.boot import find_start, read_rom
from mcusim.program.program import Program, Segment, VectorTable

FLASH = 0x10000000
STACK, RESET = 0x20001000, 0x10000201


def image(parts: dict[int, bytes], table: VectorTable | None = None) -> Program:
    """A program of one segment per address."""
    segments = tuple(Segment(address, address, data, len(data), False, True) for address, data in parts.items())
    return Program("image.elf", "elf", segments, (), (), 0, table, "")


def little(*words: int) -> bytes:
    return struct.pack(f"<{len(words)}I", *words)


def start(board: str, parts: dict[int, bytes], table: VectorTable | None = None):
    return find_start(image(parts, table), boards.load(board))


# --- vector tables ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("address", [0x0, 0x1000, 0x10000])
def test_nrf52_image_starts_at_its_table_behind_whatever_boot_loader(address):
    found = start("nano-33-ble", {address: little(0x20040000, address + 0x101)})
    assert (found.vector_table, found.stack_pointer, found.entry) == (address, 0x20040000, address + 0x101)


def test_a_table_at_reset_goes_before_one_behind_a_boot_loader():
    parts = {0: little(0x20000400, 0xA81), 0x10000: little(0x20040000, 0x10101)}
    assert start("nano-33-ble", parts).vector_table == 0


@pytest.mark.parametrize("words", [(0x10000000, 0x101), (0x20040000, 0x100), (0xFFFFFFFF, 0xFFFFFFFF)])
def test_words_that_are_no_table_are_left_to_the_program(words):
    assert start("nano-33-ble", {0: little(*words)}) is None


def test_a_table_that_the_caller_named_holds():
    given = VectorTable(0x2000, 0x20040000, 0x2101, "given")
    assert start("nano-33-ble", {0: little(0x20040000, 0x101)}, given) is None


def test_boards_without_rom_have_no_say():
    assert start("nucleo-l4r5zi", {0x08000000: little(0x20001000, 0x08000201)}) is None


def test_an_unknown_way_to_boot_is_refused():
    board = boards.load("nano-33-ble")
    board = dataclasses.replace(board, parameters={**board.parameters, "boot": "tape"})
    with pytest.raises(BoardError, match="'tape' is unknown; allowed are vector-table"):
        find_start(image({0: bytes(8)}), board)


# --- RP2040 ----------------------------------------------------------------------------------------------------------------
def test_rp2040_flash_image_starts_in_the_rom():
    found = start("raspberry-pi-pico", {FLASH: bytes(512)})
    rom = read_rom("rp2040")
    assert found.contents == ((0, rom),)
    assert (found.stack_pointer, found.entry) == struct.unpack_from("<2I", rom)
    assert found.vector_table == 0 and 0 < found.entry < len(rom) and found.entry & 1


def test_rp2040_ram_image_is_entered_at_its_lowest_address():
    assert start("raspberry-pi-pico", {0x20000400: bytes(64), 0x20000100: bytes(64)}).entry == 0x20000101


def test_rp2040_image_elsewhere_is_refused():
    with pytest.raises(ProgramError, match="neither in flash nor in SRAM"):
        start("raspberry-pi-pico", {0x08000000: bytes(64)})


# --- RP2350: markers and items of the data sheet, 5.9 -----------------------------------------------------------------------
ARM, RISCV = 0x1021, 0x1121  # executable, secure Arm or RISC-V, RP2350


def definition(*items: bytes, kind: int = ARM) -> bytes:
    """A block of an image type and further items, linked to itself."""
    body = struct.pack("<BBH", 0x42, 1, kind) + b"".join(items)
    last = struct.pack("<BHB", 0xFF, len(body) // 4, 0)
    return little(0xFFFFDED3) + body + last + little(0, 0xAB123579)


def test_rp2350_image_with_a_plain_definition_starts_at_its_begin():
    found = start("raspberry-pi-pico-2", {FLASH: little(STACK, RESET).ljust(0x114, b"\0") + definition()})
    assert (found.vector_table, found.stack_pointer, found.entry) == (FLASH, STACK, RESET)
    assert found.contents == ((0, read_rom("rp2350")),)


def test_rp2350_vector_table_item_moves_the_table():
    item = little(0x0203, FLASH + 0x200)
    data = definition(item).ljust(0x200, b"\0") + little(STACK, RESET)
    assert start("raspberry-pi-pico-2", {FLASH: data}).vector_table == FLASH + 0x200


def test_rp2350_entry_point_item_gives_pc_and_stack():
    item = little(0x0344, FLASH + 0x300, 0x20002000)
    found = start("raspberry-pi-pico-2", {FLASH: definition(item)})
    assert (found.entry, found.stack_pointer) == (FLASH + 0x301, 0x20002000)


def test_rp2350_definition_behind_four_kilobytes_is_not_found():
    data = little(STACK, RESET).ljust(4096, b"\0") + definition(little(0x0344, FLASH + 0x300, 0x20002000))
    assert start("raspberry-pi-pico-2", {FLASH: data}).entry == RESET


def test_rp2350_riscv_image_is_refused():
    with pytest.raises(ProgramError, match="RISC-V"):
        start("raspberry-pi-pico-2", {FLASH: little(STACK, RESET) + definition(kind=RISCV)})


def test_rp2350_image_without_table_is_refused():
    with pytest.raises(ProgramError, match="no vector table at 0x10000000"):
        start("raspberry-pi-pico-2", {FLASH: bytes(64)})


def test_rp2350_truncated_item_is_refused():
    with pytest.raises(ProgramError, match="at least 3 are needed"):
        start("raspberry-pi-pico-2", {FLASH: little(STACK, RESET) + definition(little(0x0244, FLASH))})


def test_rp2350_ram_image_starts_in_ram():
    found = start("raspberry-pi-pico-2", {0x20000000: little(STACK, 0x20000101) + definition()})
    assert (found.vector_table, found.entry) == (0x20000000, 0x20000101)


# --- i.MX RT: reference manual, 9.7.1 ----------------------------------------------------------------------------------------
IVT = 0x60001000


def vector(entry: int, version: int = 0x43) -> bytes:
    return little(version << 24 | 0x2000D1, entry, 0, 0, 0x60001020, IVT, 0, 0)


@pytest.mark.parametrize("version", [0x40, 0x41, 0x43])
def test_imxrt_even_entry_is_a_vector_table(version):
    parts = {IVT: vector(0x60002000, version), 0x60002000: little(0x20020000, 0x600022D1)}
    found = start("teensy-4.0", parts)
    assert (found.vector_table, found.stack_pointer, found.entry) == (0x60002000, 0x20020000, 0x600022D1)


def test_imxrt_odd_entry_is_code():
    found = start("teensy-4.0", {IVT: vector(0x6000142D)})
    assert found.entry == 0x6000142D


def test_imxrt_image_without_ivt_starts_by_its_own_table():
    assert start("teensy-4.0", {0x60000000: bytes(0x2000)}) is None


def test_imxrt_entry_into_nothing_is_refused():
    with pytest.raises(ProgramError, match="entry 0x60004000, where nothing is loaded"):
        start("teensy-4.0", {IVT: vector(0x60004000)})

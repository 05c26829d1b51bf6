"""Memory layouts from board files."""

from __future__ import annotations

import pytest

from kernels_c.toolchain import MAIN, Layout
from mcusim import boards
from mcusim.deploy.layout import layout_of, support_of
from mcusim.errors import BoardError

KIB = 1024


def test_an_ideal_board_has_the_generic_layout_and_prints_by_semihosting():
    support = support_of(boards.load("m4"))
    assert support.layout == Layout()
    assert support.sources == ()
    assert "src/uart_semihosting.c" in support.console


def test_banks_are_the_memories_that_are_not_the_main_one():
    layout = layout_of(boards.load("nucleo-l4r5zi"))
    assert (layout.ram_origin, layout.ram_bytes, layout.stack) == (0x2000_0000, 192 * KIB, MAIN)
    assert [(bank.name, bank.origin, bank.bytes) for bank in layout.banks] == [
        ("sram2", 0x1000_0000, 64 * KIB), ("sram3", 0x2004_0000, 384 * KIB),
    ]  # fmt: skip


def test_memories_that_touch_can_be_joined_by_way_of_an_alias():
    layout = layout_of(boards.load("nucleo-l4r5zi"), ram=("sram1", "sram2", "sram3"))
    assert (layout.ram_origin, layout.ram_bytes) == (0x2000_0000, 640 * KIB)
    assert layout.banks == ()


def test_memories_that_do_not_touch_are_not_joined():
    with pytest.raises(BoardError, match="sram3 does not begin at 0x20030000"):
        layout_of(boards.load("nucleo-l4r5zi"), ram=("sram1", "sram3"))


def test_the_stack_can_have_a_bank_of_its_own():
    layout = layout_of(boards.load("nucleo-h743zi"))
    assert layout.stack == "dtcm"
    assert "__stack_top = ORIGIN(BANK_dtcm) + LENGTH(BANK_dtcm);" in layout.script()
    assert layout_of(boards.load("nucleo-h743zi"), stack="axi_sram").stack == MAIN


def test_wrong_names_are_told_with_those_that_there_are():
    board = boards.load("nucleo-h743zi")
    with pytest.raises(BoardError, match="no memory 'sram9'; it has: itcm, flash"):
        layout_of(board, ram=("sram9",))
    with pytest.raises(BoardError, match="no stack in 'backup_sram'; allowed are axi_sram, itcm"):
        layout_of(board, stack="backup_sram")
    with pytest.raises(KeyError, match="has no memory 'ccm'; it has: ram, itcm"):
        layout_of(board).bank("ccm")


def test_defines_say_clock_crystal_and_serial_port():
    defines = support_of(boards.load("nucleo-h743zi")).defines
    assert defines["BOARD_HERTZ"] == 480_000_000
    assert defines["BOARD_CRYSTAL_HERTZ"] == 8_000_000
    assert defines["BOARD_SERIAL"] == "0x40004800"


def test_what_the_boot_rom_reads_has_its_place():
    pico = layout_of(boards.load("raspberry-pi-pico"))
    assert (pico.headers, pico.vectors_offset) == ((("boot2", 0),), 0x100)
    teensy = layout_of(boards.load("teensy-4.0"))
    assert (teensy.headers, teensy.vectors_offset) == ((("flash_config", 0), ("ivt", 0x1000)), 0x2000)

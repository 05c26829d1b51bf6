"""Where the vector table is found."""

from __future__ import annotations

import struct

import pytest

from tests.program.elf_builder import CODE, FLASH, RAM, READ, Elf, Name, Part, vectors

SP, RESET = RAM + 0x1000, FLASH + 0x1010 | 1
NOISE = bytes(range(1, 256))


def at(offset: int, table: bytes, size: int = 0x2000) -> bytes:
    """``size`` bytes of no meaning with code at 0x1010 and ``table`` at ``offset``."""
    image = bytearray((NOISE * (size // len(NOISE) + 1))[:size])
    image[0x1010 : 0x1010 + len(CODE)] = CODE
    image[offset : offset + len(table)] = table
    return bytes(image)


TABLE = vectors(SP, RESET, RESET, RESET)


def test_table_at_the_begin_of_a_raw_image_is_found(load_bytes):
    table = load_bytes(at(0, vectors(SP, RESET)), load_address=FLASH).vector_table
    assert (table.address, table.stack_pointer, table.reset) == (FLASH, SP, RESET)


@pytest.mark.parametrize("offset", [0x100, 0x1000 + 0x80, 0x1F00])
def test_table_behind_a_boot_header_is_found(load_bytes, offset):
    program = load_bytes(at(offset, TABLE), load_address=FLASH)
    assert program.vector_table.address == FLASH + offset
    assert program.vector_table.found_by == "scan"
    assert program.entry == RESET & ~1


@pytest.mark.parametrize(
    "table",
    [
        vectors(SP + 2, RESET, RESET, RESET),
        vectors(0xE000_0000, RESET, RESET, RESET),
        vectors(SP, RESET & ~1, RESET, RESET),
        vectors(SP, FLASH + 0x2000 | 1, RESET, RESET),
        vectors(SP, RESET, 0, RESET),
        vectors(SP, RESET, RESET, RAM | 1),
    ],
)
def test_words_that_no_vector_table_has_are_passed_over(refusal, table):
    assert "no vector table was found" in refusal(at(0x100, table), load_address=FLASH)


def test_table_off_its_alignment_is_passed_over(refusal):
    assert "no vector table" in refusal(at(0x140, TABLE), load_address=FLASH)


def test_given_table_is_believed(load_bytes):
    """Even an even reset vector: the core faults then, as silicon does."""
    program = load_bytes(at(0x200, vectors(SP, RESET & ~1)), load_address=FLASH, vector_table=FLASH + 0x200)
    assert program.vector_table.reset == RESET & ~1
    assert program.entry == RESET & ~1


def test_given_table_must_lie_in_the_image(refusal):
    message = refusal(at(0, TABLE), load_address=FLASH, vector_table=RAM)
    assert "no vector table at 0x20000000, which is outside the image (0x08000000-0x08002000)" in message


def test_given_table_must_be_aligned(refusal):
    assert "multiples of 0x80" in refusal(at(0, TABLE), load_address=FLASH, vector_table=FLASH + 4)


@pytest.mark.parametrize("section", [".isr_vector", ".vectors", ".intvec", "RESET"])
def test_section_that_is_named_so_is_taken_first(load_bytes, section):
    parts = (Part(at(0, TABLE), FLASH, section=".text"), Part(vectors(SP - 8, RESET), FLASH + 0x4000, section=section))
    table = load_bytes(Elf(parts=parts).image()).vector_table
    assert (table.address, table.stack_pointer, table.found_by) == (FLASH + 0x4000, SP - 8, f"section {section}")


@pytest.mark.parametrize("name", ["__isr_vector", "__Vectors", "g_pfnVectors", "vector_table"])
def test_symbol_that_is_named_so_is_taken_before_a_search(load_bytes, name):
    parts = (Part(at(0, TABLE), FLASH, section=".text"),)
    image = at(0x400, vectors(SP - 16, RESET))
    names = (Name(name, FLASH + 0x400, 16, kind=1),)
    table = load_bytes(Elf(parts=(Part(image, FLASH, section=".text"),), names=names).image()).vector_table
    assert (table.address, table.found_by) == (FLASH + 0x400, f"symbol {name}")
    assert load_bytes(Elf(parts=parts).image()).vector_table.address == FLASH


def test_name_without_a_table_behind_it_does_not_count(load_bytes):
    image = Elf(parts=(Part(at(0, TABLE), FLASH, section=".text"),), names=(Name("__Vectors", FLASH + 0x500, kind=1),))
    assert load_bytes(image.image()).vector_table.address == FLASH


def test_table_in_a_segment_that_cannot_be_executed_is_found(load_bytes):
    parts = (Part(vectors(SP, RESET), FLASH, flags=READ), Part(CODE, FLASH + 0x1010))
    assert load_bytes(Elf(parts=parts).image()).vector_table.address == FLASH


def test_table_that_is_copied_to_ram_is_read_where_its_bytes_lie(load_bytes):
    parts = (Part(CODE, FLASH + 0x1010), Part(vectors(SP, RESET), FLASH + 0x400, RAM, section=".isr_vector"))
    assert load_bytes(Elf(parts=parts).image()).vector_table.address == FLASH + 0x400


def test_erased_flash_is_no_vector_table(refusal):
    assert "no vector table" in refusal(b"\xff" * 0x1000, load_address=FLASH)
    assert "no vector table" in refusal(b"\0" * 0x1000, load_address=FLASH)


def test_initial_stack_pointer_drops_the_low_bits_as_the_core_does(load_bytes):
    program = load_bytes(at(0, struct.pack("<2I", SP | 3, RESET)), load_address=FLASH, vector_table=FLASH)
    assert program.stack_pointer == SP

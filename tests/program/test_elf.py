"""What an ELF file becomes."""

from __future__ import annotations

import struct

from mcusim.program import Section, Symbol
from tests.program.elf_builder import ABSOLUTE, CODE, FIRMWARE, FLASH, RAM, READ, WRITE, Elf, Name, Part, vectors


def test_bytes_land_at_the_physical_address_and_are_expected_at_the_virtual_one(load_bytes):
    segments = load_bytes(FIRMWARE.image()).segments
    assert [(each.address, each.virtual_address) for each in segments] == [(FLASH, FLASH), (FLASH + 0x18, RAM)]
    assert segments[1].data == b"\x05\0\0\0"
    assert segments[1].memory_size == 44
    assert [(each.writable, each.executable) for each in segments] == [(False, True), (True, False)]


def test_sections_know_where_they_run_and_where_their_bytes_lie(load_bytes):
    parts = (FIRMWARE.parts[0], Part(b"\x05\0\0\0", FLASH + 0x18, RAM, READ | WRITE, section=".data"))
    assert load_bytes(FIRMWARE.but(parts=parts).image()).sections == (
        Section(".text", FLASH, FLASH, 24, "code"),
        Section(".data", RAM, FLASH + 0x18, 4, "data"),
    )


def test_thumb_bit_of_functions_is_cleared_and_bookkeeping_symbols_are_left_out(load_bytes):
    program = load_bytes(FIRMWARE.image())
    assert program.symbols_named("Reset_Handler") == (Symbol("Reset_Handler", FLASH + 0x10, 4, "function"),)
    assert program.symbols_named("$t") == ()
    assert program.mapping == ((FLASH + 0x10, "t"),)
    assert program.symbols_named("_Min_Stack_Size")[0].absolute


def test_program_starts_where_the_vector_table_says(load_bytes):
    program = load_bytes(FIRMWARE.image())
    assert program.entry == FLASH + 0x10
    assert program.stack_pointer == RAM + 0x4000
    assert program.vector_table.reset == FLASH + 0x10 | 1
    assert program.format == "elf"


def test_program_without_vector_table_starts_at_the_entry_of_the_header(load_bytes):
    program = load_bytes(Elf(parts=(Part(CODE, FLASH),), entry=FLASH + 2 | 1).image())
    assert program.vector_table is None
    assert program.stack_pointer is None
    assert program.entry == FLASH + 2


def test_segment_without_bytes_loads_nothing(load_bytes):
    bss = Part(b"", RAM, flags=READ | WRITE, memory_size=256, section=".bss")
    program = load_bytes(FIRMWARE.but(parts=(FIRMWARE.parts[0], bss)).image())
    assert program.segments[1].data == b""
    assert program.segments[1].memory_size == 256
    assert program.sections[1] == Section(".bss", RAM, RAM, 256, "bss")


def test_reserved_stack_and_heap_are_told_from_bss(load_bytes):
    parts = (
        FIRMWARE.parts[0],
        Part(b"", RAM, flags=READ | WRITE, memory_size=256, section=".heap"),
        Part(b"", RAM + 256, flags=READ | WRITE, memory_size=1024, section="CSTACK"),
    )
    assert [each.kind for each in load_bytes(FIRMWARE.but(parts=parts).image()).sections] == ["code", "heap", "stack"]


def test_physical_addresses_that_are_all_zero_count_as_absent(load_bytes):
    code = Part(vectors(RAM + 0x400, FLASH + 0x10 | 1) + CODE, 0, virtual_address=FLASH)
    data = Part(b"1234", 0, virtual_address=FLASH + 0x100)
    program = load_bytes(Elf(parts=(code, data)).image())
    assert [each.address for each in program.segments] == [FLASH, FLASH + 0x100]


def test_header_of_the_file_inside_a_segment_is_not_loaded(load_bytes):
    """GNU ld rounds the begin of a segment down to a page when the file offset allows it."""
    image = bytearray(FIRMWARE.image())
    offset, data_size = struct.unpack_from("<I", image, 52 + 4)[0], len(FIRMWARE.parts[0].data)
    row = (1, 0, FLASH - offset, FLASH - offset, offset + data_size, offset + data_size, 5, 4)
    struct.pack_into("<8I", image, 52, *row)
    segment = load_bytes(bytes(image)).segments[0]
    assert segment.address == segment.virtual_address == FLASH
    assert segment.data == FIRMWARE.parts[0].data
    assert segment.memory_size == data_size


def test_section_of_armlink_gets_its_load_address_from_its_place_in_the_file(load_bytes):
    """armlink writes one segment for a load region; sections in it carry the address at which they run."""
    code = vectors(RAM + 0x400, FLASH + 0x10 | 1) + CODE
    image = bytearray(Elf(parts=(Part(code + b"data", FLASH, section="ER_RW"),)).image())
    section_offset = struct.unpack_from("<I", image, 32)[0] + 40
    file_offset = struct.unpack_from("<I", image, 52 + 4)[0]
    struct.pack_into("<5I", image, section_offset + 4, 1, 3, RAM, file_offset + len(code), 4)
    assert load_bytes(bytes(image)).sections[0] == Section("ER_RW", RAM, FLASH + len(code), 4, "data")


def test_content_hash_depends_on_the_file_and_on_what_is_said_about_it(load_bytes):
    image = FIRMWARE.image()
    first = load_bytes(image).content_hash
    assert first == load_bytes(image).content_hash
    assert first != load_bytes(image + b"\0").content_hash
    assert first != load_bytes(image, vector_table=FLASH).content_hash
    assert len(first) == 64


def test_read_gives_loaded_bytes_up_to_the_end_of_a_segment(load_bytes):
    program = load_bytes(FIRMWARE.image())
    assert program.read(FLASH + 0x10, 4) == CODE[:4]
    assert program.read(FLASH + 0x16, 8) == CODE[6:]
    assert program.read(RAM + 0x1000, 4) == b""


def test_contains_knows_load_and_run_addresses(load_bytes):
    program = load_bytes(FIRMWARE.image())
    assert program.contains(FLASH + 0x17) and program.contains(FLASH + 0x18) and program.contains(RAM + 3)
    assert not program.contains(RAM + 4) and not program.contains(FLASH - 1)


def test_data_in_code_is_told_by_mapping_symbols(load_bytes):
    names = (
        Name("$t.1", FLASH + 0x10, kind=0, binding=0),
        Name("$d.realdata", FLASH + 0x14, kind=0, binding=0),
        Name("$t", FLASH + 0x16, kind=0, binding=0),
    )
    program = load_bytes(FIRMWARE.but(names=names).image())
    marked = [program.is_data(FLASH + offset) for offset in (0x0, 0x10, 0x13, 0x14, 0x15, 0x16)]
    assert marked == [False, False, False, True, True, False]


def test_absolute_symbols_cover_no_address(load_bytes):
    program = load_bytes(FIRMWARE.but(names=(Name("STACK_SIZE", FLASH + 0x10, 8, section=ABSOLUTE),)).image())
    assert program.symbol_at(FLASH + 0x10) is None

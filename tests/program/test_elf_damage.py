"""Files that are no program for a Cortex-M: one clear message each."""

from __future__ import annotations

import os
import struct

import pytest

from mcusim import program
from mcusim.errors import ProgramError
from tests.program.elf_builder import CODE, EHDR, FIRMWARE, FLASH, RAM, Elf, Name, Part

IMAGE = FIRMWARE.image()


def patched(image: bytes, offset: int, row: str, *values: int) -> bytes:
    copy = bytearray(image)
    struct.pack_into(row, copy, offset, *values)
    return bytes(copy)


def test_text_is_neither_elf_nor_hex_and_raw_needs_an_address(refusal):
    message = refusal(b"hello world")
    assert "not an ELF file" in message and "68 65 6c 6c" in message and "--load-address" in message


def test_empty_file_is_refused(refusal):
    assert "empty" in refusal(b"")


def test_missing_file_says_so(tmp_path):
    with pytest.raises(ProgramError, match=r"nothing\.elf: cannot be read: No such file"):
        program.load(tmp_path / "nothing.elf")


def test_folder_and_pipe_are_no_regular_files(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(ProgramError, match=r"not a regular file|cannot be read: Is a directory"):
            program.load(path)


def test_name_with_a_zero_byte_is_refused():
    with pytest.raises(ProgramError, match="cannot be read"):
        program.load("a\0b")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"machine": 62, "elf_class": 2}, "machine EM_X86_64, allowed: EM_ARM"),
        ({"machine": 183, "elf_class": 2}, "machine EM_AARCH64, allowed: EM_ARM"),
        ({"machine": 243}, "machine EM_RISCV, allowed: EM_ARM"),
        ({"machine": 0xABCD}, "machine 0xabcd, allowed: EM_ARM"),
        ({"elf_class": 2}, "64-bit"),
        ({"order": 2}, "big-endian"),
        ({"kind": 1}, "ET_REL: an object file that is not linked"),
        ({"kind": 3}, "ET_DYN"),
        ({"kind": 77}, "type 0x4d"),
        ({"parts": (), "names": ()}, "no loadable segment"),
        ({"parts": (Part(b"", RAM, memory_size=16),)}, "no loadable segment"),
        ({"program_header_size": 56}, "a program header of 56 bytes, allowed: 32"),
        ({"section_header_size": 64}, "a section header of 64 bytes, allowed: 40"),
        ({"parts": (Part(CODE, FLASH), Part(CODE, FLASH + 4))}, "overlapping segments: 0x08000000-0x08000008"),
        ({"parts": (Part(CODE, FLASH, memory_size=4),)}, "8 bytes in the file, but 4 in memory"),
        ({"parts": (Part(CODE, FLASH, memory_size=(512 << 20) + 1),)}, "takes 536870913 bytes, allowed: up to"),
        ({"parts": (Part(CODE, 0xFFFF_FFFC),)}, "beyond the 32-bit address space"),
        ({"parts": (Part(CODE, FLASH),), "entry": RAM}, "entry 0x20000000"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(refusal, changes, expected):
    assert expected in refusal(FIRMWARE.but(**changes).image())


def test_segments_that_are_too_large_together_are_refused(refusal):
    parts = tuple(Part(CODE, index << 28, memory_size=256 << 20) for index in range(1, 4))
    assert "805306368 bytes together" in refusal(Elf(parts=parts).image())


@pytest.mark.parametrize("size", [4, 5, 19, 20, 51])
def test_file_that_ends_inside_the_header_is_truncated_at_that_byte(refusal, size):
    assert f"truncated at byte {size}" in refusal(IMAGE[:size])


def test_every_truncation_of_a_file_is_noticed(refusal):
    for size in range(20, len(IMAGE)):
        assert f"truncated at byte {size}:" in refusal(IMAGE[:size]), size


def test_truncation_of_a_stripped_file_names_the_segment(refusal):
    stripped = patched(IMAGE, 32, "<I", 0)
    offset = struct.unpack_from("<I", stripped, EHDR + 4)[0]
    message = refusal(stripped[: offset + 10])
    assert f"segment 0 at 0x08000000: truncated at byte {offset + 10}: the segment takes bytes {offset}" in message


def test_symbol_table_that_claims_more_than_the_file_is_truncated(refusal):
    sections = struct.unpack_from("<I", IMAGE, 32)[0]
    assert "the symbol table takes bytes" in refusal(patched(IMAGE, sections + 3 * 40 + 20, "<I", 0x7FF0))


def test_symbol_table_with_an_absurd_number_of_symbols_is_refused_before_it_is_read(refusal):
    sections = struct.unpack_from("<I", IMAGE, 32)[0]
    message = refusal(patched(IMAGE, sections + 3 * 40 + 20, "<I", 0xFFFF_FFF0))
    assert "268435455 symbols, allowed: up to 1000000" in message


def test_symbol_table_without_a_string_table_is_refused(refusal):
    sections = struct.unpack_from("<I", IMAGE, 32)[0]
    assert "links to section 999 of 5 sections" in refusal(patched(IMAGE, sections + 3 * 40 + 24, "<I", 999))


def test_number_of_sections_in_section_zero_is_bounded(refusal):
    sections = struct.unpack_from("<I", IMAGE, 32)[0]
    image = patched(patched(IMAGE, 48, "<H", 0), sections + 20, "<I", 0x0FFF_FFFF)
    assert "268435455 sections, allowed: up to 65535" in refusal(image)


def test_number_of_sections_in_section_zero_is_read(load_bytes):
    sections = struct.unpack_from("<I", IMAGE, 32)[0]
    image = patched(patched(IMAGE, 48, "<H", 0), sections + 20, "<I", 5)
    assert [each.name for each in load_bytes(image).sections] == [".text", ".data"]


def test_names_that_share_one_huge_string_are_bounded(refusal):
    """Every symbol may point into the same string, so the sum of names can exceed the file many times over."""
    long_name = Name("x" * 60_000, FLASH, 4)
    image = Elf(parts=FIRMWARE.parts, names=(long_name,) + (Name("y", FLASH, 4),) * 3000).image()
    sections = struct.unpack_from("<I", image, 32)[0]
    table_offset, table_size = struct.unpack_from("<II", image, sections + 3 * 40 + 16)
    copy = bytearray(image)
    first_name = copy[table_offset + 16 : table_offset + 20]
    for offset in range(table_offset + 32, table_offset + table_size, 16):
        copy[offset : offset + 4] = first_name
    assert "names of more than" in refusal(bytes(copy))


def test_load_address_is_refused_where_the_file_has_addresses(refusal):
    assert "carries its addresses" in refusal(IMAGE, load_address=FLASH)

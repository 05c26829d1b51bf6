"""Intel HEX files and raw images."""

from __future__ import annotations

import io
import random

import pytest
from intelhex import IntelHex

from tests.program.elf_builder import CODE, FLASH, RAM, vectors

IMAGE = vectors(RAM + 0x400, FLASH + 0x10 | 1) + CODE


def record(kind: int, offset: int, data: bytes) -> str:
    body = bytes([len(data), offset >> 8, offset & 0xFF, kind]) + data
    return f":{(body + bytes([-sum(body) & 0xFF])).hex().upper()}\n"


BASE, END = record(4, 0, b"\x08\0"), record(1, 0, b"")
GOOD = BASE + record(0, 0, IMAGE[:16]) + record(0, 16, IMAGE[16:]) + END


def test_records_in_a_row_become_one_segment(load_bytes):
    program = load_bytes(GOOD.encode())
    assert program.format == "hex"
    assert [(each.address, each.data) for each in program.segments] == [(FLASH, IMAGE)]
    assert program.entry == FLASH + 0x10
    assert program.symbols == program.sections == ()


def test_records_may_stand_in_any_order_with_gaps_and_other_line_ends(load_bytes):
    text = BASE + record(0, 0x100, b"tail") + record(0, 16, IMAGE[16:]) + record(0, 0, IMAGE[:16]) + END
    program = load_bytes(text.lower().replace("\n", "\r\n\r\n").encode())
    assert [(each.address, len(each.data)) for each in program.segments] == [(FLASH, 24), (FLASH + 0x100, 4)]


def test_segment_base_counts_in_paragraphs(load_bytes):
    program = load_bytes((record(2, 0, b"\x10\x00") + record(0, 4, CODE) + record(5, 0, b"\0\1\0\5") + END).encode())
    assert program.segments[0].address == 0x10004
    assert program.entry == 0x10004


def test_reader_agrees_with_intelhex_on_scattered_data(load_bytes):
    seed = 20240607
    source = random.Random(seed)
    twin = IntelHex()
    twin.puts(FLASH, IMAGE)
    for _ in range(40):
        start = FLASH + source.randrange(0x100, 0x4_0000)
        twin.puts(start, source.randbytes(source.randrange(1, 600)))
    text = io.StringIO()
    twin.write_hex_file(text)
    program = load_bytes(text.getvalue().encode())
    assert [(each.address, each.end) for each in program.segments] == list(twin.segments()), seed
    assert all(each.data == twin.gets(each.address, len(each.data)) for each in program.segments), seed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BASE + record(0, 0, CODE), "line 2: truncated"),
        (GOOD[:-4], "line 4: a record"),
        (BASE + "hello\n" + END, "line 2: a record does not begin with ':'"),
        (BASE + ":00zz0001FF\n", "line 2: a record is not made of pairs"),
        (BASE + ":0\n", "line 2: a record is not made of pairs"),
        (BASE + ":00000001FE\n", "line 2: checksum 0xfe is wrong, expected 0xff"),
        (BASE + ":0500000001020304\n", "line 2: a record of wrong length (5 data bytes announced, 8 bytes"),
        (BASE + record(6, 0, b"") + END, "line 2: a record of type 6, allowed: 0 to 5"),
        (record(4, 0, b"\x08"), "line 1: a record of type 4 with 1 data bytes, allowed: 2"),
        (GOOD + record(0, 0x100, CODE), "line 5: a record after the end-of-file record"),
        (BASE + record(0, 0, CODE) + record(0, 4, CODE) + END, "two records give data for address 0x08000004"),
        (record(4, 0, b"\xff\xff") + record(0, 0xFFFE, CODE) + END, "beyond the 32-bit address space"),
        (BASE + END, "no loadable segment"),
        (BASE + record(0, 0, CODE) + END, "no start address in the file, and no vector table"),
        (BASE + record(0, 0, CODE) + record(5, 0, b"\x20\0\0\0") + END, "entry 0x20000000 (the start record"),
    ],
)
def test_what_is_wrong_with_a_hex_file_is_said_with_its_line(refusal, text, expected):
    assert expected in refusal(text.encode())


def test_file_whose_first_line_is_no_record_is_taken_for_raw(refusal):
    assert "not an Intel HEX file" in refusal(b":(not hex)\n")


def test_raw_image_lies_where_it_is_told(load_bytes):
    program = load_bytes(IMAGE, load_address=FLASH)
    assert program.format == "raw"
    assert [(each.address, each.data, each.executable) for each in program.segments] == [(FLASH, IMAGE, True)]
    assert program.stack_pointer == RAM + 0x400


@pytest.mark.parametrize("address", [-1, 0xFFFF_FFF0, 1 << 32])
def test_raw_image_must_fit_the_address_space(refusal, address):
    assert "beyond the 32-bit address space" in refusal(IMAGE, load_address=address)


def test_hex_file_refuses_a_load_address(refusal):
    assert "an Intel HEX file carries its addresses" in refusal(GOOD.encode(), load_address=0)

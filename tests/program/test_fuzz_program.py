"""Random and mutated files: a Program or a ProgramError, soon, and nothing else."""

from __future__ import annotations

import random
import struct
import time

import pytest

from mcusim import program
from mcusim.errors import ProgramError
from tests.program.elf_builder import EHDR, FIRMWARE, FLASH
from tests.program.test_hex_and_raw import GOOD

INTERESTING = (0, 1, 2, 3, 4, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0xFFFF_FFF0)
FILES_PER_SEED = 400
LIMIT_SECONDS = 2.0
"""Bound for one file; a usual one takes a millisecond."""


def mutated(image: bytes, source: random.Random) -> bytes:
    """The image with a few fields or bytes overwritten, and now and then cut or extended."""
    copy = bytearray(image)
    for _ in range(source.randrange(1, 6)):
        offset = source.randrange(len(copy)) if source.random() < 0.5 else source.choice(header_fields(image))
        if source.random() < 0.5:
            copy[offset] = source.randrange(256)
        elif offset + 4 <= len(copy):
            struct.pack_into("<I", copy, offset, source.choice((*INTERESTING, source.randrange(1 << 32), len(copy))))
    if source.random() < 0.1:
        del copy[source.randrange(len(copy)) :]
    return bytes(copy)


def header_fields(image: bytes) -> list[int]:
    """Offsets of the words of the ELF header, its program headers and its section headers."""
    sections = struct.unpack_from("<I", image, 32)[0] if image[:4] == b"\x7fELF" else 0
    return [*range(16, EHDR + 64, 4), *range(sections, len(image) - 3, 4)]


def check(path, image: bytes, what: object, **options: int) -> bool:
    path.write_bytes(image)
    begin = time.process_time()
    try:
        loaded = program.load(path, **options)
        loaded.symbol_at(loaded.entry)
        loaded.line_at(loaded.entry)
        accepted = True
    except ProgramError as error:
        assert str(path) in str(error) and "\n" not in str(error), what
        accepted = False
    assert time.process_time() - begin < LIMIT_SECONDS, what
    return accepted


@pytest.mark.parametrize("seed", range(5))
def test_mutated_elf_files_are_loaded_or_refused(tmp_path, seed):
    source = random.Random(seed)
    image = FIRMWARE.image()
    accepted = [check(tmp_path / "f", mutated(image, source), (seed, index)) for index in range(FILES_PER_SEED)]
    assert 0 < sum(accepted) < FILES_PER_SEED


@pytest.mark.parametrize("seed", range(2))
def test_mutated_compiled_files_are_loaded_or_refused(tmp_path, build_source, seed):
    """These have line tables, which are decoded too."""
    image = build_source("int main(void) { return 3; }", "m3", flags=["-O1", "-g"]).read_bytes()
    source = random.Random(seed)
    accepted = [check(tmp_path / "f", mutated(image, source), (seed, index)) for index in range(60)]
    assert any(accepted)


@pytest.mark.parametrize("seed", range(3))
def test_mutated_hex_files_are_loaded_or_refused(tmp_path, seed):
    source = random.Random(seed)
    for index in range(FILES_PER_SEED):
        copy = bytearray(GOOD.encode())
        for _ in range(source.randrange(1, 4)):
            copy[source.randrange(len(copy))] = source.choice(b"0123456789ABCDEF:\n\x00\xff")
        check(tmp_path / "f", bytes(copy), (seed, index))
    assert check(tmp_path / "f", GOOD.encode(), "unchanged")


@pytest.mark.parametrize("seed", range(3))
def test_random_bytes_are_loaded_or_refused(tmp_path, seed):
    source = random.Random(seed)
    accepted = 0
    for index in range(FILES_PER_SEED):
        noise = source.randbytes(source.randrange(1, 3000))
        start = source.choice((b"", b"\x7fELF", b"\x7fELF\1\1\1" + bytes(9) + b"\2\0\x28\0", b":"))
        accepted += check(tmp_path / "f", start + noise, (seed, index))
        accepted += check(tmp_path / "f", noise, (seed, index), load_address=FLASH)
    assert accepted == 0, "noise has no vector table"

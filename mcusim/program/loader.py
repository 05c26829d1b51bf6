"""Loading a program file of any of the known formats."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from itertools import pairwise

from mcusim.errors import ProgramError
from mcusim.program import elf, hex_file, vectors
from mcusim.program.program import Program, Segment, VectorTable

LIMIT_FILE_BYTES = 512 << 20
"""Largest file that is read; firmware with full debug information stays below 100 MiB."""

ADDRESS_SPACE = 1 << 32


def load(
    path: str | os.PathLike[str],
    load_address: int | None = None,
    vector_table: int | None = None,
    raw_address: int | None = None,
) -> Program:
    """The program in the file at ``path``: ELF, Intel HEX, or raw bytes that begin at ``load_address``.

    The format is told from the content. ``vector_table`` is the address of the vector table where the search for it
    would find none or another one. ``raw_address`` is where raw bytes begin when ``load_address`` is not given (a board's
    flash). ProgramError says what is wrong with the file; nothing else is raised.
    """
    name = os.fspath(path)
    image = _read_file(name)
    image_hash = _hash(image, load_address, vector_table)
    if image[:4] == b"\x7fELF":
        _refuse_load_address(name, "an ELF file", load_address)
        return _load_elf(name, image, vector_table, image_hash)
    if _looks_like_hex(image):
        _refuse_load_address(name, "an Intel HEX file", load_address)
        return _load_hex(name, image, vector_table, image_hash)
    address = load_address if load_address is not None else raw_address
    return _load_raw(name, image, address, vector_table, image_hash)


def _read_file(name: str) -> bytes:
    try:
        with open(name, "rb", opener=_open_without_waiting) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ProgramError(f"{name}: not a regular file")
            if status.st_size > LIMIT_FILE_BYTES:
                raise ProgramError(f"{name}: a file of {status.st_size} bytes, allowed: up to {LIMIT_FILE_BYTES}")
            image = file.read(LIMIT_FILE_BYTES)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ProgramError(f"{name}: cannot be read: {reason}") from None
    if not image:
        raise ProgramError(f"{name}: the file is empty")
    return image


def _open_without_waiting(name: str, flags: int) -> int:
    """A named pipe would otherwise block before it can be refused."""
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))


def _hash(image: bytes, load_address: int | None, vector_table: int | None) -> str:
    digest = hashlib.sha256(image)
    digest.update(f"\n{load_address},{vector_table}".encode())
    return digest.hexdigest()


def _looks_like_hex(image: bytes) -> bool:
    first = image[:4096].lstrip()[:9]
    return first[:1] == b":" and all(byte in b"0123456789abcdefABCDEF" for byte in first[1:])


def _refuse_load_address(name: str, what: str, load_address: int | None) -> None:
    if load_address is not None:
        raise ProgramError(f"{name}: {what} carries its addresses; a load address is for raw images only")


def _load_elf(name: str, image: bytes, vector_table: int | None, image_hash: str) -> Program:
    content = elf.read(name, image)
    _check_overlaps(name, content.segments)
    table = vectors.find(name, content.segments, content.sections, content.symbols, vector_table)
    entry = _entry(name, content.segments, table, content.entry, "the entry of the ELF header")
    return Program(
        path=name,
        format="elf",
        segments=content.segments,
        sections=content.sections,
        symbols=content.symbols,
        entry=entry,
        vector_table=table,
        content_hash=image_hash,
        mapping=content.mapping,
        lines=content.lines,
    )


def _load_hex(name: str, image: bytes, vector_table: int | None, image_hash: str) -> Program:
    content = hex_file.read(name, image)
    table = vectors.find(name, content.segments, (), (), vector_table)
    entry = _entry(name, content.segments, table, content.entry, "the start record of the file")
    return Program(name, "hex", content.segments, (), (), entry, table, image_hash)


def _load_raw(name: str, image: bytes, load_address: int | None, vector_table: int | None, image_hash: str) -> Program:
    if load_address is None:
        raise ProgramError(
            f"{name}: not an ELF file and not an Intel HEX file (it begins with {image[:4].hex(' ')}); "
            "a raw image needs --load-address"
        )
    if not 0 <= load_address <= ADDRESS_SPACE - len(image):
        raise ProgramError(f"{name}: {len(image)} bytes at {load_address:#x} reach beyond the 32-bit address space")
    segments = (Segment(load_address, load_address, image, len(image), writable=False, executable=True),)
    table = vectors.find(name, segments, (), (), vector_table)
    entry = _entry(name, segments, table, -1, "")
    return Program(name, "raw", segments, (), (), entry, table, image_hash)


def _check_overlaps(name: str, segments: Sequence[Segment]) -> None:
    loaded = sorted((segment for segment in segments if segment.data), key=lambda segment: segment.address)
    for low, high in pairwise(loaded):
        if high.address < low.end:
            raise ProgramError(
                f"{name}: overlapping segments: {low.address:#010x}-{low.end:#010x} and "
                f"{high.address:#010x}-{high.end:#010x}"
            )


def _entry(name: str, segments: Sequence[Segment], table: VectorTable | None, entry: int, source: str) -> int:
    """Where the core starts: the reset vector, else ``entry`` as ``source`` says (-1: there is none)."""
    if table is not None:
        return table.reset & ~1
    advice = "and no vector table was found; give its address with --vector-table"
    if entry < 0:
        raise ProgramError(f"{name}: no start address in the file, {advice}")
    starts = [(start, segment) for segment in segments for start in (segment.address, segment.virtual_address)]
    if not any(start <= entry & ~1 < start + len(segment.data) for start, segment in starts):
        raise ProgramError(f"{name}: entry {entry:#010x} ({source}) is outside the image, {advice}")
    return entry & ~1

"""Intel HEX files (Intel Hexadecimal Object File Format Specification, revision A, 1988)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mcusim.errors import ProgramError
from mcusim.program.program import Segment

DATA, END, SEGMENT_BASE, SEGMENT_START, LINEAR_BASE, LINEAR_START = range(6)
RECORD_SIZES = {END: 0, SEGMENT_BASE: 2, SEGMENT_START: 4, LINEAR_BASE: 2, LINEAR_START: 4}
ADDRESS_SPACE = 1 << 32


@dataclass(frozen=True, slots=True)
class HexContent:
    """Loaded bytes of a HEX file, and its start address where it names one, else -1."""

    segments: tuple[Segment, ...]
    entry: int


@dataclass(slots=True)
class _Reader:
    path: str
    base: int = 0
    entry: int = -1
    line: int = 0
    ended: bool = False
    chunks: list[tuple[int, bytes]] = field(default_factory=list)

    def error(self, problem: str) -> ProgramError:
        return ProgramError(f"{self.path}: line {self.line}: {problem}")

    def take(self, text: bytes) -> None:
        kind, offset, data = self._record(text)
        expected = RECORD_SIZES.get(kind, len(data))
        if len(data) != expected:
            raise self.error(f"a record of type {kind} with {len(data)} data bytes, allowed: {expected}")
        value = int.from_bytes(data, "big") if kind != DATA else 0
        if kind == DATA:
            self._store(offset, data)
        elif kind == END:
            self.ended = True
        elif kind == SEGMENT_BASE:
            self.base = value << 4
        elif kind == LINEAR_BASE:
            self.base = value << 16
        elif kind == LINEAR_START:
            self.entry = value
        elif kind != SEGMENT_START:
            raise self.error(f"a record of type {kind}, allowed: 0 to 5")

    def _record(self, text: bytes) -> tuple[int, int, bytes]:
        if text[:1] != b":":
            raise self.error("a record does not begin with ':'")
        try:
            record = bytes.fromhex(text[1:].decode("ascii"))
        except ValueError:
            raise self.error("a record is not made of pairs of hexadecimal digits") from None
        if len(record) < 5 or len(record) != record[0] + 5:
            announced = f"{record[0]} data bytes announced" if record else "nothing follows ':'"
            raise self.error(f"a record of wrong length ({announced}, {len(record)} bytes in the record)")
        if sum(record) & 0xFF:
            expected = -sum(record[:-1]) & 0xFF
            raise self.error(f"checksum {record[-1]:#04x} is wrong, expected {expected:#04x}")
        return record[3], record[1] << 8 | record[2], record[4:-1]

    def _store(self, offset: int, data: bytes) -> None:
        address = self.base + offset
        if address + len(data) > ADDRESS_SPACE:
            raise self.error(f"data at {address:#x} reaches beyond the 32-bit address space")
        if data:
            self.chunks.append((address, data))


def read(path: str, image: bytes) -> HexContent:
    """Content of the Intel HEX file ``image``; ProgramError names the damaged line."""
    reader = _Reader(path)
    for number, text in enumerate(image.splitlines(), 1):
        text = text.strip()
        if not text:
            continue
        reader.line = number
        if reader.ended:
            raise reader.error("a record after the end-of-file record")
        reader.take(text)
    if not reader.ended:
        raise reader.error("truncated: the file ends without an end-of-file record (:00000001FF)")
    if not reader.chunks:
        raise ProgramError(f"{path}: no loadable segment (the file has no data record)")
    return HexContent(tuple(_segments(path, reader.chunks)), reader.entry)


def _segments(path: str, chunks: list[tuple[int, bytes]]) -> Iterator[Segment]:
    chunks = sorted(chunks, key=lambda chunk: chunk[0])
    start, run, end = chunks[0][0], [chunks[0][1]], chunks[0][0] + len(chunks[0][1])
    for address, data in chunks[1:]:
        if address < end:
            raise ProgramError(f"{path}: two records give data for address {address:#010x}")
        if address > end:
            yield _segment(start, run)
            start, run, end = address, [], address
        run.append(data)
        end += len(data)
    yield _segment(start, run)


def _segment(address: int, run: list[bytes]) -> Segment:
    data = b"".join(run)
    return Segment(address, address, data, len(data), writable=False, executable=True)

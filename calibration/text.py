"""Text files of other people read with suspicion: bounded, UTF-8, whole. Every complaint names file, line and column."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from mcusim.errors import McusimError

TABLE_BYTES = 64 << 20
"""Largest table of measurements, about half a million rows."""
CELL_CHARACTERS = 4096
SHOWN_CHARACTERS = 60
BYTE_ORDER_MARK = "\ufeff"
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
"""What ``float`` takes, without ``nan``, ``inf``, underscores and digits of other scripts."""


class MeasurementError(McusimError):
    """A file of measurements or of an instrument that cannot be used, and where in it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: ``line`` from 1, 0 for the file as a whole; ``column`` in words."""

    path: str
    line: int = 0
    column: str = ""

    def at(self, line: int, column: str = "") -> Place:
        """Another line of the same file."""
        return replace(self, line=line, column=column)

    def error(self, met: str, allowed: str) -> MeasurementError:
        """The error that names this place."""
        parts = (self.path, f"line {self.line}" if self.line else "", self.column)
        return MeasurementError(f"{', '.join(filter(None, parts))}: met {met}; allowed: {allowed}")


def shown(text: str) -> str:
    """``text`` in quotes, short and without control characters."""
    return repr(text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "...")


def read_text(path: str | Path, limit_bytes: int = TABLE_BYTES) -> str:
    """The text of a file of whole lines, which all end in ``\\n``.

    MeasurementError for files that are unreadable, empty, larger than ``limit_bytes``, cut off in their last line, not UTF-8,
    or that contain NUL bytes.
    """
    place = Place(str(path))
    data = _read_bytes(place, limit_bytes)
    nul = data.find(0)
    if nul >= 0:
        raise _place_of_byte(place, data, nul).error("a NUL byte", "text in UTF-8 (UTF-16 has to be converted)")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        met = f"the byte 0x{data[error.start]:02x}, which is not UTF-8"
        raise _place_of_byte(place, data, error.start).error(met, "text in UTF-8") from None
    if not text:
        raise place.error("an empty file", "at least one line")
    if not text.endswith("\n"):
        last = text.count("\n") + 1
        raise place.at(last).error("a last line without its end", "whole lines, each with a line end (the file looks cut off)")
    return text.removeprefix(BYTE_ORDER_MARK).replace("\r\n", "\n")


def _read_bytes(place: Place, limit_bytes: int) -> bytes:
    try:
        with Path(place.path).open("rb") as file:
            data = file.read(limit_bytes + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise place.error(f"a file that cannot be read ({reason})", "a readable file") from None
    if len(data) > limit_bytes:
        raise place.error(f"more than {limit_bytes:,} bytes", f"up to {limit_bytes:,} bytes")
    return data


def _place_of_byte(place: Place, data: bytes, offset: int) -> Place:
    begin = data.rfind(b"\n", 0, offset) + 1
    return place.at(data.count(b"\n", 0, offset) + 1, f"byte {offset - begin + 1}")


def number(place: Place, text: str) -> float:
    """A finite decimal number."""
    value = float(text) if NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise place.error(shown(text), "a finite number, as 0.0123 or 1.2e-3")
    return value


def cells(place: Place, line: str, delimiter: str = ",") -> list[str]:
    """The cells of one line of CSV, stripped. Cells that span lines are refused."""
    try:
        row = next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise place.error(f"{shown(line)} ({error})", "cells with closed quotes, one row a line") from None
    for count, cell in enumerate(row, 1):
        if len(cell) > CELL_CHARACTERS or not cell.isprintable():
            raise place.at(place.line, f"column {count}").error(
                shown(cell), f"up to {CELL_CHARACTERS:,} characters, none of them a control character"
            )
    return [cell.strip() for cell in row]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table, with its place. Columns are asked for by name."""

    place: Place
    header: tuple[str, ...]
    values: tuple[str, ...]

    def column(self, name: str) -> Place:
        """The place of a cell."""
        return self.place.at(self.place.line, f"column {self.header.index(name) + 1} ({name})")

    def text(self, name: str) -> str:
        """The cell's text, "" where it is empty; an error where the table has no such column."""
        if name not in self.header:
            raise self.place.at(1).error(f"no column {name!r}", f"a header with it (there are {', '.join(self.header)})")
        return self.values[self.header.index(name)]

    def number(self, name: str) -> float:
        """The cell's number."""
        text = self.text(name)
        return number(self.column(name), text)

    def positive(self, name: str) -> float:
        """The cell's number, above 0."""
        value = self.number(name)
        if value <= 0:
            raise self.column(name).error(shown(self.text(name)), "a number above 0")
        return value

    def optional(self, name: str) -> float | None:
        """The cell's number above 0; None where it is empty."""
        return self.positive(name) if self.text(name) else None


def rows(path: str | Path, first_line: str | None = None, check_header: Callable[[Row], None] | None = None) -> Iterator[Row]:
    """Rows of a CSV table with a header, which ``check_header`` may refuse.

    ``first_line`` is what has to stand before the header (a version).
    """
    place = Place(str(path))
    lines = read_text(path).removesuffix("\n").split("\n")
    begin = 0
    if first_line is not None:
        if lines[0].rstrip() != first_line:
            raise place.at(1).error(shown(lines[0]), f"{first_line!r}")
        begin = 1
    header = tuple(cells(place.at(begin + 1), lines[begin])) if begin < len(lines) else ()
    if not all(header) or not header or len(set(header)) < len(header):
        raise place.at(begin + 1).error(shown(",".join(header)), "a header whose names are there and all different")
    if check_header is not None:
        check_header(Row(place.at(begin + 1), header, header))
    for count, line in enumerate(lines[begin + 1 :], begin + 2):
        values = tuple(cells(place.at(count), line))
        if len(values) != len(header):
            raise place.at(count).error(f"{len(values)} cells", f"{len(header)}, as in the header (has the line been cut off?)")
        yield Row(place.at(count), header, values)

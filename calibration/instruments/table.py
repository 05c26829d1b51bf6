"""Columns of numbers, read fast, and slowly once they are wrong: the slow way finds line and column of what is wrong.

A format is a table of column names (regular expressions) with what each column holds.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.instruments.trace import UNKNOWN, Floats, Levels, Trace, checked
from calibration.text import Place, cells, number, shown

BITS = 8
LEVELS = {b"0": 0, b"1": 1, b"-": UNKNOWN, b"X": UNKNOWN}
"""Cells of a digital line; ``-`` and ``X`` are Nordic's for not recorded and for both within the sample."""
HIGH = 0.5
"""Mean of a line, from which on it is taken as high."""

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Column:
    """What a column holds: ``seconds``, ``clock``, ``amperes``, ``volts``, ``bits``, ``line``, ``level`` or ``ignored``.

    ``factor`` makes SI units of its numbers.
    """

    role: str
    factor: float = 1.0


IGNORED = Column("ignored")


def _levels(cell: Array) -> Array:
    values = np.full(len(cell), 2, np.int8)
    for text, level in LEVELS.items():
        values[cell == text] = level
    if np.any(values > 1):
        raise ValueError
    return values


def _bits(cell: Array) -> Array:
    """(n, 8) levels of cells such as ``01000000``, whose first letter is line 0."""
    letters = np.ascontiguousarray(cell).view("S1").reshape(len(cell), -1)
    if letters.shape[1] != BITS + 1 or np.any(letters[:, BITS] != b""):
        raise ValueError
    return _levels(letters[:, :BITS].ravel()).reshape(-1, BITS)


def _clock(cell: Array) -> Array:
    """Seconds since 1970 of times as ISO 8601 writes them."""
    times = (datetime.fromisoformat(text.decode("ascii")) for text in cell.tolist())
    return np.array([(time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() for time in times])


def _finite(cell: Array) -> Array:
    if not np.all(np.isfinite(cell)):
        raise ValueError
    return cell


@dataclass(frozen=True, slots=True)
class Role:
    """How cells are read: NumPy's type, what makes values of them (ValueError if wrong), and what is allowed, in words."""

    dtype: str
    values: Callable[[Array], Array]
    allowed: str


NUMBER = Role("f8", _finite, "a finite number, as 0.0123 or 1.2e-3")
ROLES = {
    "seconds": NUMBER, "amperes": NUMBER, "volts": NUMBER, "level": NUMBER,
    "clock": Role("S40", _clock, "a time, as 2026-01-31T12:00:00.5Z"),
    "line": Role("S2", _levels, "0, 1, - or X"),
    "bits": Role(f"S{BITS + 1}", _bits, "eight of 0, 1, - or X"),
    "ignored": Role("S1", lambda cell: cell, "anything"),
}  # fmt: skip


def resolve(names: Sequence[str], table: Sequence[tuple[str, Column]]) -> list[Column]:
    """The column of each name; what ``table`` does not know is ignored."""
    return [next((column for form, column in table if re.fullmatch(form, name, re.IGNORECASE)), IGNORED) for name in names]


def read_columns(place: Place, body: str, first_line: int, columns: Sequence[Column], delimiter: str) -> list[Array]:
    """Values of each column, (n,) or (n, 8). ``first_line`` is the number of the first line of ``body``."""
    if not body:
        raise place.at(first_line).error("no samples", "at least one line below the header")
    names = [f"c{number}" for number in range(len(columns))]
    roles = [ROLES[column.role] for column in columns]
    try:
        rows = np.loadtxt(
            io.StringIO(body), [(name, role.dtype) for name, role in zip(names, roles, strict=True)],
            comments=None, delimiter=delimiter, quotechar='"', ndmin=1,
        )  # fmt: skip
        if len(rows) != body.count("\n"):  # empty lines, which loadtxt passes over
            raise ValueError
        return [role.values(rows[name]) for name, role in zip(names, roles, strict=True)]
    except ValueError:
        raise _what_is_wrong(place, body, first_line, columns, delimiter) from None


def _what_is_wrong(place: Place, body: str, first_line: int, columns: Sequence[Column], delimiter: str) -> Exception:
    for line, text in enumerate(body.splitlines(), first_line):
        here = place.at(line)
        row = cells(here, text, delimiter)
        if len(row) != len(columns):
            return here.error(f"{len(row)} cells", f"{len(columns)}, as in the header")
        for count, (cell, column) in enumerate(zip(row, columns, strict=True), 1):
            if not _is_right(cell, ROLES[column.role]):
                return here.at(line, f"column {count}").error(shown(cell), ROLES[column.role].allowed)
    return place.error("lines that cannot be read as columns", "one row of cells a line")


def _is_right(cell: str, role: Role) -> bool:
    try:
        values = [number(Place(""), cell)] if role is NUMBER else [cell.encode("ascii")]
        role.values(np.array(values, role.dtype))
    except Exception:  # whatever the fast way may raise
        return False
    return True


def read_trace_table(
    instrument: str, place: Place, text: str, names: Sequence[str], table: Sequence[tuple[str, Column]], first_line: int,
    delimiter: str = ",",
) -> Trace:  # fmt: skip
    """The trace of a file whose columns are called ``names`` and whose samples begin in ``first_line``."""
    columns = resolve(names, table)
    roles = [column.role for column in columns]
    if not {"seconds", "clock"} & set(roles) or roles.count("amperes") != 1:
        met = f"the columns {shown(', '.join(names))}"
        raise place.at(first_line - 1).error(met, "a column of time and one of current")
    body = text.split("\n", first_line - 1)[-1]
    values = read_columns(place, body, first_line, columns, delimiter)
    by_role = {role: value * column.factor for role, value, column in zip(roles, values, columns, strict=True)
               if role in ("seconds", "amperes", "volts", "clock")}  # fmt: skip
    seconds: Floats = by_role["seconds"] if "seconds" in by_role else by_role["clock"] - by_role["clock"][0]
    trace = Trace(instrument, place.path, seconds, by_role["amperes"], by_role.get("volts"), _lines(names, columns, values))
    return checked(trace, first_line)


def _lines(names: Sequence[str], columns: Sequence[Column], values: Sequence[Array]) -> dict[str, Levels]:
    lines: dict[str, Levels] = {}
    for name, column, value in zip(names, columns, values, strict=True):
        match column.role:
            case "bits":
                lines |= {f"D{bit}": value[:, bit] for bit in range(BITS)}
            case "line":
                lines[name] = value
            case "level":
                lines[name.rpartition(".")[2]] = (value >= HIGH).astype(np.int8)
    return lines

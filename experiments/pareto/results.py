"""Results: the table of a study, a CSV file whose columns are named with their units."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mcusim.errors import McusimError
from mcusim.report.quantity import printable, si, size

MOST_BYTES = 1 << 28
"""Of a file that is read."""

SHOWN: Mapping[str, Callable[[float], str]] = {
    "_seconds": lambda value: si(value, "s", 3),
    "_joules": lambda value: si(value, "J", 3),
    "_bytes": lambda value: size(round(value)),
}
"""How numbers of columns with these endings are printed."""


class ResultsError(McusimError):
    """A table of results cannot be read, or has not what is asked of it."""


@dataclass(frozen=True, slots=True)
class Results:
    """``rows``: cells as they stand in the file, by column. ``lines``: of each row in the file."""

    path: str
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]
    lines: tuple[int, ...]

    def check(self, column: str) -> None:
        """ResultsError for a column that there is not."""
        if column not in self.columns:
            raise ResultsError(f"{self.path}: no column {column!r}; there are: {', '.join(self.columns)}")

    def numbers(self, column: str) -> np.ndarray:
        """A column as numbers, NaN where it is empty. ResultsError, with the line, for a cell that is no number."""
        self.check(column)
        found = np.full(len(self.rows), np.nan)
        for place, row in enumerate(self.rows):
            if row[column]:
                found[place] = self._number(row[column], column, place)
        return found

    def _number(self, cell: str, column: str, place: int) -> float:
        try:
            value = float(cell)
        except ValueError:
            value = float("nan")
        if not np.isfinite(value):
            raise ResultsError(
                f"{self.path}, line {self.lines[place]}, column {column}: {printable(cell)!r}; allowed: a number, or nothing"
            )
        return value

    def values(self, column: str) -> tuple[str, ...]:
        """Distinct cells of a column, in order of appearance."""
        self.check(column)
        return tuple(dict.fromkeys(row[column] for row in self.rows))

    def grouped(self, columns: Sequence[str]) -> Results:
        """Rows that are alike in ``columns`` as one, in order of appearance: with what they have in common, and the means of
        their numbers; cells of text that differ are empty. ``lines``: the first of each. ResultsError for a column not there.
        """
        for name in columns:
            self.check(name)
        groups: dict[tuple[str, ...], list[int]] = {}
        for place, row in enumerate(self.rows):
            groups.setdefault(tuple(row[name] for name in columns), []).append(place)
        rows = [{name: _common([self.rows[i][name] for i in places]) for name in self.columns} for places in groups.values()]
        return Results(self.path, self.columns, tuple(rows), tuple(self.lines[places[0]] for places in groups.values()))


def _common(cells: Sequence[str]) -> str:
    """What several cells say together; empty ones say nothing."""
    told = [cell for cell in cells if cell]
    if len(set(told)) < 2:
        return told[0] if told else ""
    try:
        return f"{sum(map(float, told)) / len(told):.9g}"
    except ValueError:
        return ""


def read(path: str | Path) -> Results:
    """The table in a file. ResultsError, with the line, for what is no table."""
    try:
        if Path(path).stat().st_size > MOST_BYTES:
            raise ResultsError(f"{path}: larger than {size(MOST_BYTES)}, which is the most that is read")
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ResultsError(f"{path}: no text in UTF-8") from None
    return _parsed(str(path), text)


def _parsed(path: str, text: str) -> Results:
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    rows, lines = [], []
    try:
        columns = tuple(next(reader, []))
        if not any(columns) or len(set(columns)) != len(columns):
            raise ResultsError(f"{path}, line 1: {', '.join(columns) or 'nothing'}; expected names of columns, each once")
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(columns):
                raise ResultsError(f"{path}, line {reader.line_num}: {len(cells)} cells; expected {len(columns)}")
            rows.append(dict(zip(columns, cells, strict=True)))
            lines.append(reader.line_num)
    except csv.Error as error:
        raise ResultsError(f"{path}, line {reader.line_num}: {error}") from None
    if not rows:
        raise ResultsError(f"{path}: a table without rows")
    return Results(path, columns, tuple(rows), tuple(lines))


def shown(column: str, cell: str) -> str:
    """A cell for people: numbers of columns with a unit in that unit."""
    ending = next((end for end in SHOWN if column.endswith(end)), None)
    if ending is None or not cell:
        return printable(cell)
    try:
        return SHOWN[ending](float(cell))
    except (ValueError, OverflowError):
        return printable(cell)

"""The tables that ``calibration.fit`` reads and that other tools write for it."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from calibration.regression import FitError, Prior, Problem
from mcusim.report.files import write_atomically

ROW = ("row", "group", "value", "sd")
PRIOR = ("parameter", "mean", "sd", "low", "high", "integer")
ANSWERS = {"yes": True, "no": False}

Line = tuple[int, dict[str, str]]


def read(rows: Path, priors: Path) -> Problem:
    """Problem of two CSV files. FitError with file, line and column for what cannot be read."""
    known = tuple(_prior(priors, line) for line in _lines(priors, PRIOR))
    names = [prior.name for prior in known]
    lines = _lines(rows, (*ROW, *names))
    return Problem(
        tuple(cells["row"] for _, cells in lines), tuple(cells["group"] for _, cells in lines), known,
        np.array([[_number(rows, line, name) for name in names] for line in lines]).reshape(len(lines), len(names)),
        np.array([_number(rows, line, "value") for line in lines]), np.array([_number(rows, line, "sd") for line in lines]),
    )  # fmt: skip


def write(problem: Problem, rows: Path, priors: Path) -> None:
    """The two CSV files of a problem."""
    names = [prior.name for prior in problem.priors]
    table = zip(problem.rows, problem.groups, problem.values, problem.sds, problem.counts, strict=True)
    lines = [(row, group, float(value), float(sd), *map(float, counts)) for row, group, value, sd, counts in table]
    _write(rows, (*ROW, *names), lines)
    _write(priors, PRIOR, [
        (p.name, p.mean, p.sd, _bound(p.low), _bound(p.high), "yes" if p.integer else "no") for p in problem.priors
    ])  # fmt: skip


def _write(path: Path, header: tuple[str, ...], lines: Sequence[Sequence[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([header, *lines])
    write_atomically(path, text.getvalue())


def _bound(value: float) -> float | str:
    return value if math.isfinite(value) else ""


def _lines(path: Path, columns: tuple[str, ...]) -> list[Line]:
    """Numbers and cells of a file's lines; exactly these columns, in any order."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            table = list(csv.reader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FitError(f"{path}: cannot be read: {error}") from None
    header = table[0] if table else []
    for text, names in (("lacks", set(columns) - set(header)), ("has the unknown", set(header) - set(columns))):
        if names:
            raise FitError(f"{path}: line 1 {text} column {', '.join(sorted(names))}")
    if len(header) != len(columns):
        raise FitError(f"{path}: line 1 has a column twice")
    for number, cells in enumerate(table[1:], 2):
        if len(cells) != len(header):
            raise FitError(f"{path}: line {number}: {len(cells)} cells under {len(header)} columns")
    return [(number, dict(zip(header, cells, strict=True))) for number, cells in enumerate(table[1:], 2)]


def _number(path: Path, line: Line, column: str, empty: float | None = None) -> float:
    number, cells = line
    if empty is not None and not cells[column].strip():
        return empty
    try:
        return float(cells[column])
    except ValueError:
        raise FitError(f"{path}: line {number}, column {column}: {cells[column]!r} is no number") from None


def _prior(path: Path, line: Line) -> Prior:
    number, cells = line
    if cells["integer"] not in ANSWERS:
        raise FitError(f"{path}: line {number}, column integer: {cells['integer']!r}; allowed: yes, no")
    mean, sd = _number(path, line, "mean"), _number(path, line, "sd")
    low, high = _number(path, line, "low", -math.inf), _number(path, line, "high", math.inf)
    try:
        return Prior(cells["parameter"], mean, sd, low, high, ANSWERS[cells["integer"]])
    except FitError as error:
        raise FitError(f"{path}: line {number}: {error}") from None

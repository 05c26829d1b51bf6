"""How well a board is calibrated: what the simulator says to published measurements of it, or else of its core.

The rows stand in ``data/calibration/timing.csv``, which ``python -m benchmarks.fidelity --update-boards`` writes.
"""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

from mcusim.boards import files
from mcusim.boards.board import Board
from mcusim.errors import BoardError

FILE = files.DATA / "calibration" / "timing.csv"
FIRST_LINE = "# mcusim.calibration/1: written by python -m benchmarks.fidelity --update-boards"
SOURCE = "docs/accuracy.md, python -m benchmarks.fidelity"
FITTED, HELD_OUT = "fitted", "held out"
USES = (FITTED, HELD_OUT)
"""Whether a core's rules were chosen with a row before them, or the row came out as it did."""
ZERO_WAIT = "zero wait states"


@dataclass(frozen=True, slots=True)
class Row:
    """A published measurement and the simulation of its very program, both in ``unit`` (``cycles`` or ``us``)."""

    name: str
    board: str
    core: str
    memory: str
    use: str
    unit: str
    measured: float
    simulated: float

    @property
    def error(self) -> float:
        """Relative, positive where the simulation says more."""
        return self.simulated / self.measured - 1


@dataclass(frozen=True, slots=True)
class Timing:
    """Errors over the rows of ``subject``: a board, or a core (``of_core``) where the board has no rows of its own."""

    subject: str
    of_core: bool
    rows: tuple[Row, ...]

    @property
    def fitted_rows(self) -> int:
        """Rows that the core's rules were chosen with."""
        return sum(row.use == FITTED for row in self.rows)

    @property
    def median_error(self) -> float:
        """Median of the relative errors' sizes."""
        return statistics.median(abs(row.error) for row in self.rows)

    @property
    def worst_error(self) -> float:
        """The largest relative error, with its sign."""
        return max((row.error for row in self.rows), key=abs)

    def by_memory(self) -> tuple[tuple[str, Timing], ...]:
        """The same, apart by memory system."""
        names = dict.fromkeys(row.memory for row in self.rows)
        return tuple((name, Timing(self.subject, self.of_core, _of(self.rows, memory=name))) for name in names)


def timing_of(board: Board) -> Timing | None:
    """How well the timing of a board is calibrated; None where nothing of it or its core was held against a measurement.

    A core is judged without the memories of other boards, where it was measured so.
    """
    rows = read(FILE)
    if not board.ideal and (own := _of(rows, board=board.name)):
        return Timing(board.name, False, own)
    core = _of(rows, core=board.core)
    chosen = _of(core, memory=ZERO_WAIT) or core
    return Timing(board.core, True, chosen) if chosen else None


def _of(rows: Iterable[Row], **wanted: str) -> tuple[Row, ...]:
    return tuple(row for row in rows if all(getattr(row, name) == value for name, value in wanted.items()))


@cache
def read(file: Path) -> tuple[Row, ...]:
    """The rows of such a file. BoardError, with the line, for what is not understood."""
    lines = file.read_text(encoding="utf-8").split("\n", 1)
    if lines[0] != FIRST_LINE:
        raise BoardError(f"{file}: line 1: met {lines[0][:80]!r}; allowed: {FIRST_LINE}")
    table = csv.DictReader(io.StringIO(lines[1]))
    return tuple(_row(cells, f"{file}: line {number}") for number, cells in enumerate(table, 3))


def _row(cells: dict[str, str], place: str) -> Row:
    try:
        row = Row(**{**cells, "measured": float(cells["measured"]), "simulated": float(cells["simulated"])})  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError) as error:
        raise BoardError(f"{place}: met {cells!r}; allowed: {', '.join(COLUMNS)}") from error
    if row.use not in USES or not (row.measured > 0 and row.simulated > 0):
        raise BoardError(f"{place}: met {cells!r}; allowed: a use of {', '.join(USES)}, and values above 0")
    return row


def text_of(rows: Iterable[Row]) -> str:
    """The file of these rows, in the order of their names and boards."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in sorted(rows, key=lambda row: (row.core, row.memory, row.name)):
        values = (getattr(row, name) for name in COLUMNS)
        writer.writerow([f"{value:.12g}" if isinstance(value, float) else value for value in values])
    return f"{FIRST_LINE}\n{stream.getvalue()}"


COLUMNS = tuple(field.name for field in fields(Row))

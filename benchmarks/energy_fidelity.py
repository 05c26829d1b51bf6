"""Energies of networks against measurements: what board files say, beside constant power. ``benchmarks.fidelity --energy``.

Two kinds of rows. Those that the tables were fitted to (``calibration.energy_rows``) are foretold by a fit of the others of
their board. Rows of a file of measurements (``--unseen``, see docs/measurements.md; ``program`` is an image of MLPerf Tiny)
that no fit has seen are priced by the board's own table, from the simulated events: their error has that of the simulated
latency in it. Constant power is the mean power of the fitted rows of the same board, times the same latency.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.markdown import table
from calibration import energy_rows, fit_energy, measurements
from calibration.cases import events_of_inference
from mcusim import boards
from mcusim.boards.energy_table import CYCLES
from mcusim.energy import prices_at
from mcusim.errors import McusimError

LEFT_OUT, UNSEEN = "left out", "unseen"


@dataclass(frozen=True, slots=True)
class Judged:
    """Relative errors of one measured energy: of the model, and of constant power."""

    name: str
    board: str
    kind: str
    joules: float
    error: float
    constant_power: float


def of_fitted_rows(rows: Sequence[energy_rows.EnergyRow]) -> Iterator[Judged]:
    """Each row that a table was fitted to, foretold by the others of its board."""
    for fitted in fit_energy.tables(rows).values():
        for row, error, constant in zip(fitted.rows, fitted.errors, fitted.constant_power, strict=False):
            yield Judged(f"{row.name} {row.setup}", row.board, LEFT_OUT, row.joules, error, constant)


def of_unseen_rows(path: Path, rows: Sequence[energy_rows.EnergyRow]) -> Iterator[Judged]:
    """Energies of a file of measurements, priced by the tables of board files."""
    for record in measurements.read(path):
        if record.quantity != "energy":
            continue
        board = boards.load(record.board)
        if board.energy is None or not record.program:
            raise McusimError(f"{path}: {record.name}: needs a board with an energy table, and a program")
        hertz = int(record.clock_hertz or board.rated_hertz)
        events = events_of_inference(path.parent / record.program, record.board)
        cycles = sum(events[CYCLES].values())
        volts = record.supply_volts or board.energy.supply_volts
        counts = {kind: {what: round(count) for what, count in row.items()} for kind, row in events.items()}
        joules = prices_at(board.energy, volts, [(hertz, round(cycles))]).total(counts)
        power = [row.joules / row.cycles for row in rows if _same(row.board, record.board)]
        constant = statistics.fmean(power) * cycles / record.si_value - 1 if power else float("nan")
        name = f"{record.name} {record.conditions}".strip()
        yield Judged(name, record.board, UNSEEN, record.si_value, joules / record.si_value - 1, constant)
        print(f"{record.name} on {record.board}", file=sys.stderr)


def _same(board: str, other: str) -> bool:
    return fit_energy.SHARED.get(board, board) == fit_energy.SHARED.get(other, other)


def text_of(errors: Iterable[Judged]) -> str:
    """Tables in Markdown: by board and kind, then every row."""
    found = list(errors)
    groups: dict[tuple[str, str], list[Judged]] = {}
    for each in found:
        groups.setdefault((each.kind, each.board), []).append(each)
        groups.setdefault((each.kind, "all"), []).append(each)
    summary = [
        (board, kind, str(len(group)), *_figures([each.error for each in group]),
         *_figures([each.constant_power for each in group]))
        for (kind, board), group in sorted(groups.items())
    ]  # fmt: skip
    lines = [
        (each.name, each.board, each.kind, f"{each.joules * 1e3:.4g} mJ", f"{each.error:+.1%}", f"{each.constant_power:+.1%}")
        for each in sorted(found, key=lambda each: (each.kind, each.board, -abs(each.error)))
    ]
    headings = ("board", "rows", "n", "median error", "worst", "constant power: median", "worst")
    return "\n".join((
        table(headings, summary), "",
        table(("measurement", "board", "rows", "measured", "error", "constant power"), lines), "",
    ))  # fmt: skip


def _figures(errors: Sequence[float]) -> tuple[str, str]:
    return f"{statistics.median(map(abs, errors)):.1%}", f"{max(errors, key=abs):+.1%}"

"""Energy tables of boards, fitted to published energies of whole networks.

    python -m calibration.fit_energy [--rows FILE] [--toml DIR]
    python -m calibration.fit_energy --measurements DIR --programs DIR --models DIR [--rows FILE]

The second form counts the events of all rows anew, which takes minutes, and writes FILE (by default the project's own,
``mcusim/boards/data/calibration/energy.csv``). The first fits tables to them, prints how well each candidate foretells rows
that it has not seen, and writes the tables as ``BOARD.toml`` with --toml; board files take them over from there.

The candidates (``CANDIDATES``) are sets of events. All begin with cycles. Rows of whole networks tell few prices apart, so that
the set with the smallest error (root mean square) over rows left out, one at a time, is taken. Beside it stands constant power:
the mean power of the other rows times the latency.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calibration import energy_rows
from calibration.energy_rows import IMAGE, EnergyRow
from calibration.regression import Array, Prior, Problem, solve
from mcusim.boards.energy_table import ACTIVE, CYCLES, HIT, MISS, STALL, WAYS
from mcusim.errors import McusimError
from mcusim.report.files import write_atomically

Event = tuple[str, str]
SDS = {IMAGE: 0.01, energy_rows.OWN: 0.03}
"""Relative standard deviations: of a measurement whose very image is counted, and of one whose firmware is another's."""
OPEN = 1e-8
"""Standard deviation in joules of a price of which nothing is known: twenty times that of a cycle of the hungriest board."""
DATA_CACHES = ("data_cache", "flash.data", "icache")
"""Caches that serve loads; ICACHE serves both."""


def _cycles(row: EnergyRow) -> list[list[Event]]:
    return [[(CYCLES, ACTIVE), (CYCLES, STALL)]]


def _stalls_apart(row: EnergyRow) -> list[list[Event]]:
    return [[(CYCLES, ACTIVE)], [(CYCLES, STALL)]]


def _of_caches(kinds: Sequence[str], names: Sequence[str] = ()) -> Callable[[EnergyRow], list[list[Event]]]:
    """One price for events of these kinds, of all caches or those named."""
    return lambda row: [[(kind, cache) for kind in kinds for cache in row.events.get(WAYS, {}) if not names or cache in names]]


LOOK_UPS = (HIT, MISS)
CANDIDATES: Mapping[str, Sequence[Callable[[EnergyRow], list[list[Event]]]]] = {
    "constant power": [_cycles],
    "stalls apart": [_stalls_apart],
    "look-ups": [_cycles, _of_caches(LOOK_UPS)],
    "look-ups, stalls apart": [_stalls_apart, _of_caches(LOOK_UPS)],
    "look-ups of data": [_cycles, _of_caches(LOOK_UPS, DATA_CACHES)],
    "look-ups of data, stalls apart": [_stalls_apart, _of_caches(LOOK_UPS, DATA_CACHES)],
    "ways": [_cycles, _of_caches((WAYS,))],
    "ways, stalls apart": [_stalls_apart, _of_caches((WAYS,))],
}
"""What may have a price, in groups of events that share one."""
LIKE = {"nucleo-u385rg-q": "nucleo-u575zi-q"}
"""Boards with a row or two: their table is another's, of the same core and cache, times one factor."""
SHARED = {"nucleo-l4r5zi-single-bank": "nucleo-l4r5zi"}
"""Boards that are one piece of silicon in two settings: one table."""


@dataclass(frozen=True, slots=True)
class Table:
    """Prices of a board in joules, by event, with standard errors; ``errors`` are those of rows left out, in their order."""

    board: str
    candidate: str
    joules: Mapping[Event, float]
    standard_errors: Mapping[Event, float]
    rows: tuple[EnergyRow, ...]
    errors: tuple[float, ...]
    constant_power: tuple[float, ...]

    def of(self, row: EnergyRow) -> float:
        """Joules of a row's events."""
        return sum(price * _count(row, event) for event, price in self.joules.items())


def tables(rows: Iterable[EnergyRow]) -> dict[str, Table]:
    """The table of each board."""
    by_board: dict[str, list[EnergyRow]] = {}
    for row in rows:
        by_board.setdefault(SHARED.get(row.board, row.board), []).append(row)
    found = {board: best(board, own) for board, own in by_board.items() if board not in LIKE}
    return found | {board: scaled(board, by_board[board], found[other]) for board, other in LIKE.items() if board in by_board}


def best(board: str, rows: Sequence[EnergyRow]) -> Table:
    """The candidate that foretells rows best."""
    return min((fitted(board, name, rows) for name in CANDIDATES), key=lambda table: rms(table.errors))


def fitted(board: str, candidate: str, rows: Sequence[EnergyRow]) -> Table:
    """A candidate fitted to all rows, and its errors on each of them when it is left out."""
    groups = [group for part in CANDIDATES[candidate] for group in part(rows[0])]
    prices, errors = _prices(rows, groups)
    joules = {event: price for group, price in zip(groups, prices, strict=True) for event in group}
    spread = {event: error for group, error in zip(groups, errors, strict=True) for event in group}
    left_out, constant = [], []
    for number, row in enumerate(rows):
        others = [*rows[:number], *rows[number + 1 :]]
        found, _ = _prices(others, groups)
        left_out.append(float(_counts([row], groups)[0] @ found) / row.joules - 1)
        constant.append(float(np.mean([other.joules / other.cycles for other in others])) * row.cycles / row.joules - 1)
    return Table(board, candidate, joules, spread, tuple(rows), tuple(left_out), tuple(constant))


def scaled(board: str, rows: Sequence[EnergyRow], other: Table) -> Table:
    """The table of ``other`` times the factor that meets ``rows`` on average; nothing is left to be foretold."""
    factor = float(np.mean([row.joules / other.of(row) for row in rows]))
    return Table(
        board, f"{other.board} x {factor:.3f}", {event: price * factor for event, price in other.joules.items()},
        {event: error * factor for event, error in other.standard_errors.items()}, tuple(rows), (), (),
    )  # fmt: skip


def _counts(rows: Sequence[EnergyRow], groups: Sequence[Sequence[Event]]) -> Array:
    """How often the events of each group occurred in each row, (rows, groups)."""
    return np.array([[sum(_count(row, event) for event in group) for group in groups] for row in rows])


def _count(row: EnergyRow, event: Event) -> float:
    return row.events.get(event[0], {}).get(event[1], 0.0)


def _prices(rows: Sequence[EnergyRow], groups: Sequence[Sequence[Event]]) -> tuple[Array, Array]:
    """Robust fit: joules of each group and their standard errors, (groups,) each."""
    problem = Problem(
        tuple(f"{row.name} {row.setup}" for row in rows), tuple(row.setup for row in rows),
        tuple(Prior(" ".join(group[0]) if group else "none", 0.0, OPEN, low=0.0) for group in groups), _counts(rows, groups),
        np.array([row.joules for row in rows]), np.array([SDS[row.events_of] * row.joules for row in rows]),
    )  # fmt: skip
    solution = solve(problem)
    return solution.values, np.sqrt(np.diag(np.linalg.inv(solution.normal)))


def rms(errors: Sequence[float]) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(np.square(errors))))


# --- telling ------------------------------------------------------------------------------------------------------------
def report(rows: Sequence[EnergyRow]) -> str:
    """Candidates of each board with the errors on rows left out, and the table taken."""
    lines = []
    for board, table in tables(rows).items():
        lines += [f"{board}: {len(table.rows)} rows, taken: {table.candidate}"]
        if table.errors:
            lines += [_line("constant power of the other rows", table.constant_power)]
            lines += [_line(name, fitted(board, name, table.rows).errors) for name in CANDIDATES]
        lines += [f"    {kind}.{what}: {price * 1e12:.1f} ± {table.standard_errors[kind, what] * 1e12:.1f} pJ"
                  for (kind, what), price in table.joules.items()] + [""]  # fmt: skip
    return "\n".join(lines)


def _line(name: str, errors: Sequence[float]) -> str:
    sizes = np.abs(errors)
    return f"    {name:34} rms {rms(errors):6.2%}  median {float(np.median(sizes)):6.2%}  worst {float(sizes.max()):6.2%}"


def toml_of(table: Table) -> str:
    """The table ``[energy]`` of a board file, as far as the fit knows it."""
    kinds: dict[str, list[str]] = {}
    for (kind, what), price in table.joules.items():
        key = f'"{what}"' if "." in what else what
        text = f"{source_of(table)}, ± {table.standard_errors[kind, what] / price:.1%}" if price else source_of(table)
        kinds.setdefault(kind, []).append(f'{key} = {{ value = {price:.4g}, source = "{text}" }}')
    parts = [f"[energy.joules.{kind}]\n" + "\n".join(rows) + "\n" for kind, rows in kinds.items()]
    return "\n".join(parts)


def source_of(table: Table) -> str:
    """What a board file says of where a price comes from."""
    if not table.errors:
        return f"fitted, n = {len(table.rows)}: {table.candidate}, by calibration.fit_energy"
    error = f"{float(np.median(np.abs(table.errors))):.1%}"
    return f"fitted, n = {len(table.rows)}, error {error}: calibration.fit_energy, rows left out"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0, or that of what cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m calibration.fit_energy", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--measurements", type=Path, metavar="DIR", help="folder with the tables of measurements")
    parser.add_argument("--programs", type=Path, metavar="DIR", help="folder with the images, see calibration.cases")
    parser.add_argument("--models", type=Path, metavar="DIR", help="folder with MLPerf Tiny's networks")
    parser.add_argument("--rows", type=Path, metavar="FILE", default=energy_rows.FILE, help="the rows with their events")
    parser.add_argument("--toml", type=Path, metavar="DIR", help="write tables of prices there")
    options = parser.parse_args(arguments)
    folders = (options.measurements, options.programs, options.models)
    if any(folders) and not all(folders):
        parser.error("--measurements, --programs and --models belong together")
    try:
        if all(folders):
            write_atomically(options.rows, energy_rows.text_of(energy_rows.simulate(*folders)))
        rows = energy_rows.read(options.rows)
    except (McusimError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return getattr(error, "exit_code", 2)
    print(report(rows))
    for board, table in tables(rows).items() if options.toml else ():
        write_atomically(options.toml / f"{board}.toml", toml_of(table))
    return 0


if __name__ == "__main__":
    sys.exit(main())

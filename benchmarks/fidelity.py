"""Simulated against measured: every measurement whose program is at hand, by core and memory system.

    python -m benchmarks.fidelity --measurements DIR --programs DIR [--match TEXT] [--max-cycles N] [--jobs N]
                                  [--json FILE] [--markdown FILE] [--update-boards]

How the folder of programs is laid out stands in ``calibration.cases``; ``docs/accuracy.md`` says where they come from.
Rows of other programs than the measured one (another compiler) are printed apart and count in no figure. ``--update-boards``
puts the rows into the file that ``mcusim boards`` tells from; rows that did not run stay as they are.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import energy_fidelity
from benchmarks.markdown import table
from calibration import energy_rows
from calibration.cases import CalibrationError, Case, by_program, find_cases, simulate
from mcusim.boards import calibrated
from mcusim.errors import McusimError
from mcusim.report.files import write_atomically

SCHEMA = "mcusim.benchmark.fidelity/1"


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement beside the simulation. ``error`` is simulated / measured - 1; ``problem``: why there is none."""

    name: str
    board: str
    core: str
    memory: str
    same: bool
    measured: float
    simulated: float | None
    problem: str = ""
    use: str = calibrated.HELD_OUT
    unit: str = "cycles"

    @property
    def error(self) -> float:
        """Relative error; nan where nothing was simulated."""
        return self.simulated / self.measured - 1 if self.simulated is not None else float("nan")


@dataclass(frozen=True, slots=True)
class Summary:
    """Errors of one core behind one memory system."""

    core: str
    memory: str
    rows: int
    median: float
    worst: float
    mean_signed: float


def rows_of(cases: list[Case]) -> list[Row]:
    """What became of the cases of one program."""
    try:
        answers, problem = simulate(cases), ""
    except McusimError as error:
        answers, problem = {}, str(error)
    return [
        Row(case.name, case.board, case.core, case.memory, case.same, case.cycles, answers.get(case.name), problem, case.use,
            case.unit)
        for case in cases
    ]  # fmt: skip


def summaries(rows: Sequence[Row]) -> list[Summary]:
    """By core and memory system, of the rows of measured programs."""
    groups: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        if row.same and row.simulated is not None:
            groups.setdefault((row.core, row.memory), []).append(row.error)
    return [
        Summary(core, memory, len(errors), statistics.median(map(abs, errors)), max(errors, key=abs), statistics.fmean(errors))
        for (core, memory), errors in sorted(groups.items())
    ]


def summary_table(rows: Sequence[Row]) -> str:
    """The table of README and docs/accuracy.md."""
    lines = [
        (s.core.upper().replace("PLUS", "+"), s.memory, str(s.rows), f"{s.median:.2%}", f"{s.worst:+.2%}",
         f"{s.mean_signed:+.2%}")
        for s in summaries(rows)
    ]  # fmt: skip
    return table(("core", "memory", "measurements", "median error", "worst", "mean, signed"), lines)


def detail_table(rows: Sequence[Row]) -> str:
    """Every row, worst first."""
    lines = [
        (row.name, row.board, f"{row.measured:,.0f}", "-" if row.simulated is None else f"{row.simulated:,.0f}",
         row.problem[:60] if row.simulated is None else f"{row.error:+.2%}")
        for row in sorted(rows, key=lambda row: -abs(row.error) if row.simulated is not None else 0.0)
    ]  # fmt: skip
    return table(("measurement", "board", "measured", "simulated", "error"), lines)


def text_of(rows: Sequence[Row], missing: Sequence[str]) -> str:
    """Everything as Markdown."""
    same, others = [row for row in rows if row.same], [row for row in rows if not row.same]
    parts = [summary_table(rows), "", detail_table(same)]
    if others:
        parts += ["", "Other programs than the measured ones (another compiler); they count in no figure above:", "",
                  detail_table(others)]  # fmt: skip
    if missing:
        parts += ["", f"Without a program at hand: {len(missing)} measurements."]
    return "\n".join(parts) + "\n"


def run_all(cases: Sequence[Case], jobs: int) -> list[Row]:
    """Rows of all cases, programs in parallel, with a line of progress on the terminal."""
    groups = sorted(by_program(cases), key=lambda group: -max(case.cycles for case in group))
    begin, rows = time.perf_counter(), []
    with ProcessPoolExecutor(jobs) as pool:
        waiting = [pool.submit(rows_of, group) for group in groups]
        for number, done in enumerate(as_completed(waiting), 1):
            rows += done.result()
            print(f"{number} of {len(groups)} programs, {time.perf_counter() - begin:.0f} s", file=sys.stderr)
    return rows


def update_boards(rows: Sequence[Row], file: Path = calibrated.FILE) -> None:
    """Put rows of measured programs into the calibration of boards, over those of the same names."""
    known = {row.name: row for row in calibrated.read(file)} if file.exists() else {}
    for row in rows:
        if row.same and row.simulated is not None:
            place = row.name, row.board, row.core, row.memory
            known[row.name] = calibrated.Row(*place, row.use, row.unit, row.measured, row.simulated)
    write_atomically(file, calibrated.text_of(known.values()))


def energies(unseen: Path | None, markdown: Path | None) -> int:
    """Print energies against measurements. Exit code: 0, or that of what cannot be read."""
    rows = energy_rows.read()
    try:
        found = [*energy_fidelity.of_fitted_rows(rows), *(energy_fidelity.of_unseen_rows(unseen, rows) if unseen else ())]
    except McusimError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    text = energy_fidelity.text_of(found)
    print(text)
    if markdown:
        write_atomically(markdown, text)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0, or 2 where measurements or programs cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fidelity", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--energy", action="store_true", help="energies instead; needs no folder (benchmarks.energy_fidelity)")
    parser.add_argument("--unseen", type=Path, metavar="FILE", help="with --energy: measurements that no table was fitted to")
    parser.add_argument("--measurements", type=Path, help="folder with the tables of measurements")
    parser.add_argument("--programs", type=Path, help="folder with the programs, see calibration.cases")
    parser.add_argument("--match", default="", help="only measurements whose name contains this")
    parser.add_argument("--max-cycles", type=float, default=2e8, help="leave out longer programs (default 2e8)")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--markdown", type=Path, metavar="FILE")
    parser.add_argument("--update-boards", action="store_true", help=f"write {calibrated.FILE.name} of the board files")
    options = parser.parse_args(arguments)
    if options.energy:
        return energies(options.unseen, options.markdown)
    if options.measurements is None or options.programs is None:
        parser.error("--measurements and --programs are needed, or --energy")
    try:
        cases, missing = find_cases(options.measurements, options.programs)
    except CalibrationError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    chosen = [case for case in cases if options.match in case.name and case.cycles <= options.max_cycles]
    rows = run_all(chosen, options.jobs)
    text = text_of(rows, missing)
    print(text)
    if options.markdown:
        write_atomically(options.markdown, text)
    if options.json:
        document = {"schema": SCHEMA, "rows": [asdict(row) for row in rows],
                    "summaries": [asdict(summary) for summary in summaries(rows)]}  # fmt: skip
        write_atomically(options.json, json.dumps(document, indent=1) + "\n")
    if options.update_boards:
        update_boards(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())

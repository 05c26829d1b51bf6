"""Published measurements held against the simulator, each allowed the error that it is known for.

The programs are those of ``calibration.cases``. What is known stands with the board files (``mcusim.boards.calibrated``). A row
fails where its error has grown by more than ``MARGIN``, which is more than a change of rounding and less than that of a price.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from calibration.cases import Case, all_cases, by_program, simulate
from calibration.measurements import Measurement, MeasurementError
from calibration.verify import ANOTHER, MISSING, TOLERANCE, Comparison
from mcusim.boards import calibrated

MARGIN = 0.001
TOO_LONG = "longer than --max-cycles"
MICROSECOND = 1e-6


def verify_published(
    tables: Path,
    programs: Path,
    *,
    board: str | None = None,
    max_cycles: float = float("inf"),
    jobs: int = 1,
    watch: Callable[[str], None] = lambda text: None,
) -> tuple[Comparison, ...]:
    """Every measurement of a folder of ``tables`` (of ``board``), and why it is not compared where it is not.

    MeasurementError where no program is at hand.
    """
    cases = [case for case in all_cases(tables, programs) if board in (None, case.board)]
    chosen = [case for case in cases if not _why_not(case, max_cycles)]
    if not chosen:
        met = f"{programs}: met no program of {len(cases)} published measurements"
        raise MeasurementError(f"{met}; allowed: a folder as docs/accuracy.md describes it")
    answers = dict(_answers(chosen, jobs, watch))
    return tuple(_comparison(case, answers.get(case.name), _why_not(case, max_cycles)) for case in cases)


def _why_not(case: Case, max_cycles: float) -> str:
    if not case.is_at_hand:
        return MISSING
    if not case.same:
        return ANOTHER
    return TOO_LONG if case.cycles > max_cycles else ""


def _answers(cases: Sequence[Case], jobs: int, watch: Callable[[str], None]) -> Iterator[tuple[str, float]]:
    groups = sorted(by_program(cases), key=lambda group: -max(case.cycles for case in group))
    if jobs == 1:  # in this process, which a test may have changed
        for group in groups:
            watch(group[0].name)
            yield from simulate(group).items()
        return
    with ProcessPoolExecutor(jobs) as pool:
        for group, answers in zip(groups, pool.map(simulate, groups), strict=True):
            watch(group[0].name)
            yield from answers.items()


def _comparison(case: Case, answer: float | None, reason: str) -> Comparison:
    quantity, scale = ("latency", MICROSECOND) if case.is_image else ("cycles", 1.0)
    program = str(case.program) if case.is_at_hand else ""
    row = Measurement(case.name, quantity, case.cycles, case.unit, case.board, calibrated.SOURCE, program=program)
    known = recorded(case.name)
    return Comparison(row, None if answer is None else answer * scale, allowed(case.name), reason,
                      known.simulated * scale if known else None)  # fmt: skip


def recorded(name: str) -> calibrated.Row | None:
    """What the simulator is known to say to a published measurement."""
    return next((row for row in calibrated.read(calibrated.FILE) if row.name == name), None)


def allowed(name: str) -> float:
    """The relative error that a published measurement may have: the one it is known for, and a margin."""
    known = recorded(name)
    return abs(known.error) + MARGIN if known else TOLERANCE

"""The free rules of the M4's pipeline against measurements at zero wait states.

    python -m calibration.fit_core --measurements DIR --programs DIR [--max-cycles N] [--jobs N] [--json FILE]

Each free rule is an integer or a choice of the core's table (or of a board's). One after the other, every other value of a
rule is tried with all measured programs, the rest of the table as it stands; what counts is the mean over families of
programs of the absolute error, each at most 5 %. The last column says with how many families left out another value would have
been chosen. A rule whose table value is not the best is marked; the command changes no table.

Then each family is foretold by the others: the rules are fitted without it, and its rows are shown as that fit has them.

Programs and measurements: see ``calibration.cases``. Rows of other programs than the measured ones do not take part.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

from calibration.cases import ZERO_WAIT, CalibrationError, Case, by_program, find_cases, simulate
from mcusim import boards
from mcusim.boards import Board
from mcusim.cores import Core
from mcusim.errors import McusimError
from mcusim.isa.kind import Kind
from mcusim.report.files import write_atomically
from mcusim.run import core_of

SCHEMA = "mcusim.calibration.fit_core/1"
WORST_COUNTED = 0.05
"""An error beyond it counts as this much: one program that misses a mechanism must not steer the others."""

Value = int | bool
Errors = dict[str, float]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A free rule: its values, the one in the table, and a variant of core and board with another."""

    name: str
    values: tuple[Value, ...]
    current: Callable[[Core, Board], Value]
    change: Callable[[Core, Board, Value], tuple[Core, Board]]


def _rule(name: str, *values: Value) -> Parameter:
    """A field of the core's rules."""
    return Parameter(
        name, values, lambda core, board: getattr(core.rules, name),
        lambda core, board, value: (replace(core, rules=replace(core.rules, **{name: value})), board),
    )  # fmt: skip


def _refill(name: str, kinds: tuple[Kind, ...], *values: int) -> Parameter:
    """The refill of kinds of branches."""

    def change(core: Core, board: Board, value: Value) -> tuple[Core, Board]:
        rows = {kind: replace(core.timing[kind], refill=int(value)) for kind in kinds}
        return replace(core, timing={**core.timing, **rows}), board

    return Parameter(name, values, lambda core, board: core.timing[kinds[0]].refill, change)


def _opening(core: Core, board: Board, value: Value) -> tuple[Core, Board]:
    memories = tuple(replace(m, opening_cycles=int(value)) if m.opening_cycles else m for m in board.memories)
    return core, replace(board, memories=memories)


PARAMETERS = (
    _refill("refill of B<cc>, flags under way", (Kind.BRANCH_CONDITIONAL,), 1, 2),
    _rule("settled_refill", 1, 2),
    _refill("refill of CBZ", (Kind.BRANCH_COMPARE,), 1, 2),
    _refill("refill of BL", (Kind.BRANCH_LINK,), 1, 2),
    _refill("refill of BX, BLX", (Kind.BRANCH_REGISTER, Kind.BRANCH_LINK_REGISTER), 1, 2),
    _refill("refill of POP with PC", (Kind.LOAD_MULTIPLE_BRANCH,), 1, 2, 3),
    _rule("store_overlaps_load", False, True),
    _rule("store_to_load", 0, 1),
    _rule("register_store", 0, 1),
    _rule("address_stall", 0, 1),
    _rule("indexed_chains_on_same_base", False, True),
    _rule("indexed_chains_on_other_base", False, True),
    _rule("misaligned_target", 0, 1),
    _rule("misaligned_run", 3, 4, 99),
    _rule("it_folded", False, True),
    Parameter("opening_cycles of boards that have them", (1, 2),
              lambda core, board: max((m.opening_cycles for m in board.memories), default=0), _opening),
)  # fmt: skip


Choice = tuple[tuple[int, Value], ...]
"""Numbers of parameters and the values they take in place of those of the table."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A variant that can be sent to another process."""

    choice: Choice

    def __call__(self, core: Core, board: Board) -> tuple[Core, Board]:
        for number, value in self.choice:
            core, board = PARAMETERS[number].change(core, board, value)
        return core, board


def errors_of(cases: list[Case], choice: Choice) -> Errors:
    """Relative errors of the cases of one program; nothing for a program that cannot be run."""
    try:
        answers = simulate(cases, Changed(choice))
    except McusimError:
        return {}
    return {case.name: answers[case.name] / case.cycles - 1 for case in cases}


def loss(errors: Errors, families: dict[str, str], without: str = "") -> float:
    """Mean over families of the mean absolute error, ``without`` left out."""
    groups: dict[str, list[float]] = {}
    for name, error in errors.items():
        if families[name] != without:
            groups.setdefault(families[name], []).append(min(abs(error), WORST_COUNTED))
    return statistics.fmean(statistics.fmean(group) for group in groups.values())


@dataclass(frozen=True, slots=True)
class Verdict:
    """One parameter: the loss of each value, the best, and the families without which another would be."""

    name: str
    current: str
    losses: dict[str, float]
    best: str
    unsettled: tuple[str, ...]


def judge(name: str, current: str, tried: dict[str, Errors], families: dict[str, str]) -> Verdict:
    """What the errors under each value of a parameter say."""
    losses = {value: loss(errors, families) for value, errors in tried.items()}
    best = min(losses, key=lambda value: (losses[value], value != current))
    unsettled = []
    names = sorted(set(families.values()))
    for family in names if len(names) > 1 else ():
        left = {value: loss(errors, families, family) for value, errors in tried.items()}
        if min(left, key=lambda value: (left[value], value != best)) != best:
            unsettled.append(family)
    return Verdict(name, current, losses, best, tuple(unsettled))


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A measurement as the fit without its family has it; ``changed``: where that fit leaves the table."""

    name: str
    error: float
    changed: dict[str, str]


def line_of(verdict: Verdict) -> str:
    """A line of the printed table."""
    values = "  ".join(f"{value}: {share:.3%}" for value, share in verdict.losses.items())
    mark = "" if verdict.best == verdict.current else f"   better: {verdict.best}"
    return f"{verdict.name:42} now {verdict.current:5}  {values}   settled but for {len(verdict.unsettled)}{mark}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0, or 2 where there is nothing to fit to."""
    parser = argparse.ArgumentParser(prog="python -m calibration.fit_core", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--measurements", type=Path, required=True)
    parser.add_argument("--programs", type=Path, required=True)
    parser.add_argument("--max-cycles", type=float, default=4e7, help="leave out longer programs (default 4e7)")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    try:
        found, _ = find_cases(options.measurements, options.programs)
    except CalibrationError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    cases = [c for c in found if c.memory == ZERO_WAIT and c.same and c.cycles / c.scale <= options.max_cycles]
    if not cases:
        print("error: no measurement at zero wait states has its program at hand", file=sys.stderr)
        return 2
    verdicts, held_out = fit(cases, options.jobs)
    if options.json:
        answer = {"schema": SCHEMA, "parameters": [asdict(v) for v in verdicts], "held_out": [asdict(r) for r in held_out]}
        write_atomically(options.json, json.dumps(answer, indent=1) + "\n")
    return 0


Evaluate = Callable[[Choice], Errors]
"""Errors of all cases under a choice of values."""


def fit(cases: Sequence[Case], jobs: int) -> tuple[list[Verdict], list[HeldOut]]:
    """Verdicts on all parameters, and the rows as a fit without their family has them; both printed as they come."""
    groups = by_program(cases)
    families = {case.name: case.family for case in cases}
    with ProcessPoolExecutor(jobs) as pool:

        @cache
        def evaluate(choice: Choice) -> Errors:
            answers = pool.map(errors_of, groups, [choice] * len(groups))
            return {name: error for part in answers for name, error in part.items()}

        base = evaluate(())
        print(f"{len(base)} measurements of {len(set(families.values()))} families, mean error {loss(base, families):.3%}")
        return _verdicts(cases, families, evaluate), _held_out(cases, families, evaluate)


def _verdicts(cases: Sequence[Case], families: dict[str, str], evaluate: Evaluate) -> list[Verdict]:
    begin, verdicts = time.perf_counter(), []
    for number, parameter in enumerate(PARAMETERS):
        current = _current(parameter, cases)
        tried = {str(current): evaluate(())}
        tried |= {str(v): evaluate(((number, v),)) for v in parameter.values if v != current}
        verdicts.append(judge(parameter.name, str(current), tried, families))
        print(line_of(verdicts[-1]), flush=True)
        print(f"{number + 1} of {len(PARAMETERS)} rules, {time.perf_counter() - begin:.0f} s", file=sys.stderr)
    return verdicts


def _held_out(cases: Sequence[Case], families: dict[str, str], evaluate: Evaluate) -> list[HeldOut]:
    changes = [(number, value) for number, parameter in enumerate(PARAMETERS) for value in parameter.values
               if value != _current(parameter, cases)]  # fmt: skip
    rows = []
    for family in sorted(set(families.values())):
        choice = refit(changes, evaluate, families, family)
        errors = evaluate(choice)
        values = {PARAMETERS[number].name: str(value) for number, value in choice}
        rows += [HeldOut(name, errors[name], values) for name in sorted(errors) if families[name] == family]
        print(f"held out: {family}", file=sys.stderr)
    for row in sorted(rows, key=lambda row: -abs(row.error)):
        print(f"{row.name:50} {row.error:+.2%}  {', '.join(f'{n}: {v}' for n, v in row.changed.items())}")
    sizes = [abs(row.error) for row in rows]
    if sizes:
        print(f"each foretold by the other families: median {statistics.median(sizes):.2%}, worst {max(sizes):.2%}")
    return rows


def refit(changes: Sequence[tuple[int, Value]], evaluate: Evaluate, families: dict[str, str], without: str) -> Choice:
    """What a fit that never saw the family ``without`` chooses in place of the table's values.

    The changes that help on their own are taken one after the other, the most helpful first, while they go on to help.
    With a single family there is nothing to fit to, and the table stands.
    """
    if set(families.values()) == {without}:
        return ()

    def lost(choice: Choice) -> float:
        return loss(evaluate(choice), families, without)

    chosen: Choice = ()
    for change in sorted((c for c in changes if lost((c,)) < lost(())), key=lambda c: lost((c,))):
        more = (*(c for c in chosen if c[0] != change[0]), change)
        if lost(more) < lost(chosen):
            chosen = more
    return chosen


def _current(parameter: Parameter, cases: Sequence[Case]) -> Value:
    chosen = [boards.load(name) for name in {case.board for case in cases}]
    return max(parameter.current(core_of(board), board) for board in chosen)


if __name__ == "__main__":
    sys.exit(main())

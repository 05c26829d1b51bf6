"""What is measured next: fewer measurements than in a fixed order, the same decisions after an interruption."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from calibration.campaign import CHECK_ROWS, Campaign
from calibration.certainty import DOUBT, choose, doubts_of, targets_of
from calibration.fit import minima
from calibration.links.dialogue import Answer
from calibration.microbenchmarks.board_model import BoardModel
from calibration.microbenchmarks.model import cycles_of, values_of
from calibration.microbenchmarks.parameters import parameters_of
from calibration.microbenchmarks.recovery import Recovered
from calibration.regression import Prior, Problem, Solution
from calibration.session import Around, Measured, Session, Subject
from calibration.simulated_board import Noise, hidden_core
from tests.calibration.calibrating import ENVIRONMENT
from tests.calibration.microbenchmark_boards import built

SEEDS = (0, 1, 2)


class Board:
    """Bodies of a hidden core, timed with noise and gross errors."""

    def __init__(self, name: str, seed: int) -> None:
        made, _, self.bodies = built(name)
        self.table, self.hidden = made.core, hidden_core(made.core, seed)
        self.exact = {timed.body.name: cycles_of(self.hidden, timed) for timed in self.bodies}
        self.noise = Noise(seed, 0.01, 0.01, 0)

    def measure(self, body: str, rounds: int) -> Answer:
        return Answer(body, tuple(round(self.exact[body] * self.noise.factor()) for _ in range(rounds)), 0)


def session_of(folder: Path, name: str = "log") -> Session:
    return Session(folder / name, Subject("m0", "", 0, "sim", 0, 0.01, "0"))


def campaign_of(board: Board, session: Session, **options: object) -> Campaign:
    return Campaign(BoardModel(board.table, board.bodies), session, hertz=1_000_000, noise=0.01, **options)  # type: ignore[arg-type]


def check_found(found: Recovered, board: Board) -> None:
    """What the bodies feel and can tell apart is as it is hidden."""
    names = {each.name for each in found.fit.estimates} - found.unknown
    want, got = (values_of(core, parameters_of(board.table)) for core in (board.hidden, found.core))
    assert {name: got[name] for name in names} == {name: want[name] for name in names}


@pytest.mark.parametrize("seed", SEEDS)
def test_it_needs_clearly_fewer_measurements_than_a_fixed_order(seed: int, tmp_path: Path) -> None:
    board = Board("m0", seed)
    active = campaign_of(board, session_of(tmp_path), check=False)
    active.run(board.measure)
    assert not active.state.open
    check_found(active.recovered, board)
    fixed = session_of(tmp_path, "fixed")
    for turn in [event for event in active.session.events if isinstance(event, Around)][-1:]:
        fixed.append(turn)  # counts are taken around the right core from the start
    names = [timed.body.name for timed in board.bodies]
    for number in range(int(1.5 * len(active.rows))):
        body = names[number % len(names)]
        fixed.append(Measured(body, board.measure(body, 1).cycles, 0))
    assert campaign_of(board, fixed).state.open


def test_every_body_is_measured_in_the_end(tmp_path: Path) -> None:
    board = Board("m0", 0)
    campaign = campaign_of(board, session_of(tmp_path))
    campaign.run(board.measure)
    often = Counter(row.body for row in campaign.rows)
    assert min(often[timed.body.name] for timed in board.bodies) >= CHECK_ROWS
    assert campaign.recovered.fit.explained


def test_a_campaign_taken_up_again_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    whole = Board("m0", 1)
    undisturbed = campaign_of(whole, session_of(tmp_path))
    undisturbed.run(whole.measure)
    board, calls = Board("m0", 1), 0

    def measure(body: str, rounds: int) -> Answer:
        nonlocal calls
        calls += 1
        if calls % 40 == 0:
            raise KeyboardInterrupt
        return board.measure(body, rounds)

    events = None
    while events is None:
        session = session_of(tmp_path, "interrupted")
        try:
            campaign_of(board, session).run(measure)
            events = session.events
        except KeyboardInterrupt:
            session.close()
    assert events == undisturbed.session.events


ORDER = """
from calibration.microbenchmarks.parameters import parameters_of
from mcusim import cores
print([each.name for name in cores.NAMES for each in parameters_of(cores.load(name))])
"""


def test_parameters_have_one_order_in_every_process() -> None:
    """Or a simulated board that is started again would be another one."""
    def order(seed: str) -> str:
        environment = {**ENVIRONMENT, "PYTHONHASHSEED": seed}
        return subprocess.run([sys.executable, "-c", ORDER], env=environment, check=True, capture_output=True, text=True).stdout

    assert order("1") == order("2")


def test_a_budget_is_kept(tmp_path: Path) -> None:
    board = Board("m0", 0)
    campaign = campaign_of(board, session_of(tmp_path), budget=10)
    campaign.run(board.measure)
    assert len(campaign.rows) == 10 and campaign.state.open and not campaign.wants_more


@pytest.mark.slow
@pytest.mark.parametrize(("board", "seed"), [("m3", 0), ("m4", 1)])
def test_larger_cores_are_settled_too(board: str, seed: int, tmp_path: Path) -> None:
    hidden = Board(board, seed)
    campaign = campaign_of(hidden, session_of(tmp_path), check=False)
    campaign.run(hidden.measure)
    check_found(campaign.recovered, hidden)
    assert len(campaign.rows) < 2 * len(hidden.bodies)


# --- certainty ----------------------------------------------------------------------------------------------------------
PRIORS = tuple(Prior(name, 1.0, 2.0, 0.0, 9.0, integer=True) for name in "abc")


def problem(*rows: tuple[tuple[float, float, float], float]) -> Problem:
    names = tuple(f"row {number}" for number in range(len(rows)))
    counts, values = (np.array([row[part] for row in rows]) for part in (0, 1))
    return Problem(names, names, PRIORS, counts, values, np.ones(len(rows)))


def doubts(*rows: tuple[tuple[float, float, float], float]) -> dict[str, float]:
    found = problem(*rows)
    targets = targets_of(problem(*dict(rows).items()))
    values = doubts_of(found, minima(found)[1], targets)
    return {target.name: float(value) for target, value in zip(targets, values, strict=True)}


def test_of_what_cannot_be_told_apart_the_sum_is_a_target() -> None:
    targets = targets_of(problem(((32, 0, 0), 32), ((0, 32, 32), 64)))
    assert [target.name for target in targets] == ["a", "b + c"]
    assert targets[1].weights.tolist() == pytest.approx([0, 1, 1])


def test_one_row_settles_nothing_and_two_that_agree_do() -> None:
    row = ((32.0, 0.0, 0.0), 64.0)
    assert doubts(row)["a"] > DOUBT > doubts(row, row)["a"]


def test_one_row_of_many_cycles_settles_nothing_either() -> None:
    row = ((3200.0, 0.0, 0.0), 6400.0)
    assert doubts(row)["a"] > DOUBT > doubts(row, row)["a"]


def test_a_gross_error_beside_a_sound_row_settles_nothing_and_is_outvoted_by_two() -> None:
    sound, gross = ((32.0, 0.0, 0.0), 64.0), ((32.0, 0.0, 0.0), 90.0)
    assert doubts(sound, gross)["a"] > DOUBT
    assert doubts(sound, gross, sound)["a"] < DOUBT


def test_vague_rows_settle_nothing_however_many_agree() -> None:
    vague = ((1.0, 0.0, 0.0), 2.0)
    assert doubts(*[vague] * 10)["a"] > DOUBT > doubts(*[vague] * 100)["a"]


@pytest.mark.parametrize("rounding", [-1e-12, 0.0, 1e-12])
def test_of_bodies_that_tell_as_much_the_first_is_measured_however_a_processor_rounds(rounding: float) -> None:
    bodies = problem(((32, 0, 0), 0), ((0, 32 * (1 + rounding), 0), 0), ((0, 0, 32 * (1 + 2 * rounding)), 0))
    before = Solution(bodies.means, np.zeros(0), np.diag(bodies.prior_sds**-2))
    targets = targets_of(bodies)
    assert choose(before, bodies, targets, range(len(targets)), np.ones(3), 3) == [0, 1, 2]

"""Boards whose parameters are hidden: the fit finds them, names what cannot be found, and says when the model is too small."""

from __future__ import annotations

import pytest

from calibration.microbenchmarks.board_model import BoardModel
from calibration.microbenchmarks.model import values_of
from calibration.microbenchmarks.parameters import parameters_of
from calibration.microbenchmarks.prices import Prices, cycles_of, walked
from calibration.microbenchmarks.recovery import recover
from calibration.microbenchmarks.results import read
from mcusim.cores import Core
from tests.calibration.microbenchmark_boards import built, hidden_core, measured, priced, prices, serial_of

BOARDS = {"m0": 4, "m0plus": 3, "m3": 3, "m4": 4, "m33": 3, "m7": 3}
FAST = [(core, seed) for core in ("m0", "m0plus") for seed in range(3)]
LONG = [("m7", 0), ("m7", 2)]
SLOW = [(core, seed) for core, count in BOARDS.items() for seed in range(count) if (core, seed) not in (*FAST, *LONG)]
CASES = [
    *FAST, *(pytest.param(*case, marks=pytest.mark.slow) for case in SLOW),
    *(pytest.param(*case, marks=pytest.mark.long) for case in LONG),
]  # fmt: skip
"""Twenty boards."""
WELL_KNOWN = {"m0": 1.3, "m0plus": 1.3, "m3": 1.3, "m4": 2, "m33": 2.5, "m7": 3}
"""How many parameters at least are known for each that is named as open."""


def check_recovered(board: str, hidden: Core, rows: tuple) -> None:
    made, _, bodies = built(board)
    found = recover(BoardModel(made.core, bodies, prices(board)), rows)
    names = [estimate.name for estimate in found.fit.estimates if estimate.name not in found.unknown]
    assert {*names, *found.unknown} == {parameter.name for parameter in parameters_of(made.core)}
    want, got = (values_of(core, parameters_of(made.core)) for core in (hidden, found.core))
    assert {name: got[name] for name in names} == {name: want[name] for name in names}
    assert len(names) > WELL_KNOWN[board] * len(found.unknown)
    # of what is not separable, the bodies see the same sum
    assert priced(found.core, bodies) == priced(hidden, bodies)
    assert found.fit.explained, found.fit.report()


@pytest.mark.parametrize(("board", "seed"), CASES)
def test_hidden_parameters_are_recovered_exactly_or_named(board: str, seed: int) -> None:
    made, _, bodies = built(board)
    hidden = hidden_core(made.core, f"{board} {seed}")
    check_recovered(board, hidden, measured(priced(hidden, bodies), f"noise {board} {seed}"))


@pytest.mark.parametrize("board", ["m0", pytest.param("m3", marks=pytest.mark.slow)])
def test_the_same_holds_for_what_the_firmware_prints_when_it_runs(board: str) -> None:
    made, _, _ = built(board)
    hidden = hidden_core(made.core, f"run {board}")
    rounds = read(serial_of(board, hidden)).rounds
    check_recovered(board, hidden, measured(rounds[-1], f"noise of {board}"))


def test_what_cannot_be_told_apart_is_named() -> None:
    made, _, bodies = built("m0")
    fitted = recover(BoardModel(made.core, bodies), measured(priced(made.core, bodies), "nothing hidden")).fit
    # a branch that is always taken costs issue and refill together
    assert ("branch.cycles", "branch.refill") in {each.names for each in fitted.inseparable}
    assert "branch_conditional.refill" not in {name for each in fitted.inseparable for name in each.names}


@pytest.mark.parametrize("board", ["m0", "m3", "m4", "m33", pytest.param("m7", marks=pytest.mark.long)])
def test_a_price_found_by_repetition_is_that_of_walking_all_copies(board: str) -> None:
    made, _, bodies = built(board)
    hidden, remembered = hidden_core(made.core, f"twin {board}"), Prices()
    for core in (made.core, hidden, made.core):
        slow = {timed.body.name: walked(core, timed.twice) - walked(core, timed.once) for timed in bodies}
        assert {timed.body.name: cycles_of(core, timed) for timed in bodies} == slow
        assert {timed.body.name: remembered.cycles(core, timed) for timed in bodies} == slow


@pytest.mark.parametrize("board", ["m4", "m33"])
def test_a_parameter_that_no_walk_read_is_not_felt(board: str) -> None:
    made, _, bodies = built(board)
    remembered, parameters = Prices(), [each for each in parameters_of(made.core) if not each.kinds]
    for parameter in parameters[::5]:
        other = parameter.change(made.core, parameter.value + 1)
        moved = {timed.body.name for timed in bodies if cycles_of(other, timed) != cycles_of(made.core, timed)}
        assert moved <= {timed.body.name for timed in bodies if parameter.name in remembered.read(made.core, timed)}


ODD = {
    "every third load waits": lambda name, cycles: cycles + 32 / 3 * ("load" in name),
    "every access of the second buffer waits for 0.4 cycles": lambda name, cycles: cycles + 12.8 * (name == "store"),
    "code in RAM is slower": lambda name, cycles: cycles + 32 * (".code.ram" in name),
    "branches wait every other time": lambda name, cycles: cycles + 16 * name.startswith("branch"),
}  # fmt: skip


CORES = [
    "m0", *(pytest.param(core, marks=pytest.mark.slow) for core in ("m4", "m33")), pytest.param("m7", marks=pytest.mark.long),
]  # fmt: skip


@pytest.mark.parametrize("mechanism", ODD)
@pytest.mark.parametrize("core", CORES)
def test_a_mechanism_that_the_model_lacks_is_flagged(core: str, mechanism: str) -> None:
    made, _, bodies = built(core)
    exact = {name: ODD[mechanism](name, cycles) for name, cycles in priced(made.core, bodies).items()}
    fitted = recover(BoardModel(made.core, bodies, prices(core)), measured(exact, mechanism)).fit
    touched = {name for name, cycles in priced(made.core, bodies).items() if exact[name] != cycles}
    shown = {row.split("/")[0] for misfit in fitted.misfits if misfit.test == "group" for row in misfit.rows}
    assert not fitted.explained and shown & touched


@pytest.mark.parametrize("core", CORES)
def test_a_drifting_clock_is_flagged(core: str) -> None:
    made, _, bodies = built(core)
    rows = measured(priced(made.core, bodies), "drift", drift=0.02)
    fitted = recover(BoardModel(made.core, bodies, prices(core)), rows).fit
    assert "trend" in {misfit.test for misfit in fitted.misfits}

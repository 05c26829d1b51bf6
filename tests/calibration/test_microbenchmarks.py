"""The microbenchmark firmware times what its table says, and the simulator answers what its own pricing says."""

from __future__ import annotations

from pathlib import Path

import pytest

from calibration.microbenchmarks import __main__ as command
from calibration.microbenchmarks.bodies import ALL, COPIES, NOT_TIMED, bodies_of
from calibration.microbenchmarks.firmware import microbenchmarks_of
from calibration.microbenchmarks.model import cycles_of
from calibration.microbenchmarks.results import ResultError, read
from mcusim import boards, cores
from mcusim.run import run
from tests.calibration.microbenchmark_boards import built, serial_of

# Cycles of one copy at zero wait states, from the manuals that the core's file names, by hand.
DOCUMENTED = {
    "m0": {"alu": 1, "load": 2, "store": 2, "branch": 3, "branch_link": 4, "multiply": 1, "load_multiple_2": 4, "barrier": 4},
    "m0plus": {"alu": 1, "load": 2, "branch": 2, "branch_not_taken": 2, "branch_link": 3, "barrier": 3},
    "m3": {"alu": 1, "load": 1, "load_apart": 3, "divide_zero": 2, "divide_widest": 12, "branch": 2, "multiply_accumulate": 2},
    "m4": {"alu": 1, "load_apart": 3, "multiply_accumulate": 1, "float_add": 1, "float_fused": 3, "float_divide": 14,
           "load_double": 3, "pop_branch": 10},
    "m7": {"alu": 1, "alu_free": 1, "pair_alu_alu": 1, "pair_mac_mac": 2, "pair_load_load": 1},
    "m33": {"alu": 1, "branch_not_taken": 1, "multiply_accumulate": 1},
}  # fmt: skip


@pytest.mark.parametrize("core", cores.NAMES)
def test_n_more_copies_cost_what_pricing_says_on_boards_without_wait_states(core: str) -> None:
    made, _, bodies = built(core)
    rounds = read(serial_of(core)).rounds
    assert len(rounds) == 2 and len(bodies) == len(rounds[0]) == len(made.bodies)
    priced = {timed.body.name: cycles_of(made.core, timed) for timed in bodies}
    assert [dict(one) for one in rounds] == [priced, priced]
    for name, cycles in DOCUMENTED[core].items():
        assert (name, priced[name]) == (name, COPIES * cycles)


@pytest.mark.parametrize("core", cores.NAMES)
def test_every_kind_that_a_core_has_is_timed_or_said_not_to_be(core: str) -> None:
    made, _, bodies = built(core)
    timed = frozenset().union(*(each.kinds for each in bodies))
    assert set(made.core.timing) - timed <= set(NOT_TIMED)
    assert not timed & set(NOT_TIMED)


def test_names_of_bodies_are_marks_and_symbols_of_their_own() -> None:
    names = [body.name for body in bodies_of(boards.load("nucleo-h743zi"), cores.load("m7"), ["dtcm", "itcm"])]
    assert len(names) == len(set(names)) and len({name.replace(".", "_") for name in names}) == len(names)
    assert all(body.exercises for body in ALL)


@pytest.mark.slow
@pytest.mark.parametrize("board", [name for name in boards.names() if boards.load(name).firmware is not None])
def test_they_build_for_every_board_that_can_be_built_for(board: str, tmp_path: Path) -> None:
    assert microbenchmarks_of(boards.load(board)).build(tmp_path).exists()


@pytest.mark.slow
@pytest.mark.parametrize("board", ["nucleo-g0b1re", pytest.param("nucleo-l4r5zi", marks=pytest.mark.long)])
def test_they_run_on_simulated_boards_and_see_misses(board: str, tmp_path: Path) -> None:
    elf = microbenchmarks_of(boards.load(board), rounds=2, energy_seconds=1e-4).build(tmp_path)
    results = read(run(elf, board=board).serial)
    assert results.rounds[0]["lines"] >= results.rounds[0]["lines_again"]
    assert results.energy["alu"][1] >= 1e-4 * boards.load(board).rated_hertz


LOG = "hello\n#mark a:1n 1 10\n#mark a:2n 1 30\n#mark a:1n 1 11\n#mark a:2n 1 31\n#mark energy.a 7 70\n#checksum 1f 2 0\n"


def test_output_is_read_back() -> None:
    results = read(LOG, 0x1F)
    assert results.rounds == ({"a": 20}, {"a": 20}) and results.energy == {"a": (7, 70)}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("#checksum 1f 2 0\n", "", "cut off"),
        ("#mark a:2n 1 30\n", "", "line 3: mark a:1n out of turn"),
        ("1 30", "1 3x", "line 3: '#mark a:2n 1 3x' is damaged"),
        ("1f 2 0", "1f 4 0", "4 functions were run"),
        ("1f 2 0", "1f 2 1", "computes wrongly"),
        ("1f 2 0", "20 2 0", "checksum 00000020 instead of 0000001f"),
    ],
)
def test_output_of_no_whole_and_sound_run_is_refused(old: str, new: str, message: str) -> None:
    with pytest.raises(ResultError, match=message):
        read(LOG.replace(old, new), 0x1F)


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--board", "nothing", "-o", str(tmp_path)]) == 4
    assert command.main(["--board", "m0", "-o", str(tmp_path), "--log", str(tmp_path / "none.txt")]) == 2
    (tmp_path / "half.txt").write_text("#mark alu:1n 1 10\n")
    assert command.main(["--board", "m0", "-o", str(tmp_path), "--log", str(tmp_path / "half.txt")]) == 2
    errors = capsys.readouterr().err
    assert "nothing" in errors and "cannot be read" in errors and "cut off" in errors

"""``mcusim calibrate`` on boards whose memories make the core wait: their numbers are found with the core's, or named."""

from __future__ import annotations

import json
import signal
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from calibration.microbenchmarks.board_model import BoardModel, board_model
from calibration.microbenchmarks.memory_model import memory_parameters
from calibration.microbenchmarks.model import values_of
from calibration.microbenchmarks.parameters import parameters_of
from calibration.microbenchmarks.rehearsal import run_on
from calibration.simulated_board import hidden_core, hidden_memories
from mcusim import boards
from mcusim.boards import sources
from mcusim.errors import BoardError
from mcusim.run import core_of
from tests.calibration.calibrating import commanded, interrupt, run, simulated_board

SMALL, LARGE = "nucleo-g0b1re", "nucleo-l4r5zi"
BOARDS = [SMALL, pytest.param(LARGE, marks=pytest.mark.long)]
SEED = 3
SIMULATED = ("--via", "sim", "--seed", str(SEED), "--json", "fit.json")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """The folder of a calibration that nothing disturbed."""
    folder = tmp_path_factory.mktemp("finished")
    code, output, errors = run(folder, *SIMULATED, "--board", request.param)
    assert code == 0, errors
    (folder / "output.txt").write_text(output)
    (folder / "board.txt").write_text(request.param)
    return folder


def hidden_values(name: str) -> dict[str, int]:
    """Parameters of core and memories of the simulated board."""
    made, elf = commanded(name)
    memories = hidden_memories(made.board, elf, SEED)
    found = {parameter.name: parameter.value for parameter in memory_parameters(made, elf)}
    found["flash.wait_states"] += next(each.extra_wait_states for each in memories.memories if each.kind == "flash")
    found |= {f"{each.name}.opening_cycles": each.opening_cycles for each in memories.memories if each.kind == "ram"}
    return found | values_of(hidden_core(core_of(made.board), SEED), parameters_of(core_of(made.board)))


@pytest.mark.parametrize("finished", BOARDS, indirect=True)
def test_hidden_memories_are_found_with_the_core_and_written_under_the_boards_own_keys(finished: Path) -> None:
    name, told = (finished / "board.txt").read_text(), json.loads((finished / "fit.json").read_text())
    hidden, table = hidden_values(name), boards.load(name)
    known = {each["name"]: each["value"] for each in told["parameters"] if each["status"] == "settled"}
    assert known == {parameter: hidden[parameter] for parameter in known} and len(known) >= (25 if name == SMALL else 85)
    assert "flash.wait_states" in known and told["explained"] and told["settled"] == told["targets"]
    # each of the memories is known, or named as what no body feels
    memories = {parameter for parameter in hidden if parameter.rpartition(".")[2] in ("wait_states", "opening_cycles")}
    assert memories <= {*known, *told["unfelt"]}
    board = boards.load(finished / "my-board.toml")
    (flash,) = (each for each in board.memories if each.kind == "flash")
    wait_states = next(each["table"] for each in told["parameters"] if each["name"] == "flash.wait_states")
    assert wait_states + flash.extra_wait_states == hidden["flash.wait_states"] != wait_states
    assert all(each.opening_cycles == hidden[f"{each.name}.opening_cycles"] for each in board.memories if each.kind == "ram")
    assert [each.address for each in board.memories] == [each.address for each in table.memories]


@pytest.mark.parametrize("finished", BOARDS, indirect=True)
def test_where_a_number_of_a_memory_comes_from_is_shown(finished: Path) -> None:
    stated = {each.key: each for each in sources.stated(finished / "my-board.toml")}
    source = stated["memories.flash.extra_wait_states"].source
    assert source is not None and source.kind == "fitted" and source.measurements and source.measurements >= 4
    assert source.error is not None and source.error < 0.03
    assert "over sim" in source.text and " set by software: flash.wait_states = " in source.text and " ± 0.0" in source.text


@pytest.mark.parametrize("finished", BOARDS, indirect=True)
def test_every_body_takes_the_cycles_of_the_hidden_board(finished: Path) -> None:
    name = (finished / "board.txt").read_text()
    made, elf = commanded(name)
    fitted, hidden = boards.load(finished / "my-board.toml"), hidden_memories(made.board, elf, SEED)
    there = run_on(made, elf, fitted, core=core_of(fitted))
    assert there == run_on(made, elf, hidden, core=hidden_core(made.core, SEED)) != run_on(made, elf, made.board)


@pytest.mark.parametrize("finished", BOARDS, indirect=True)
@pytest.mark.parametrize(("number", "lines"), [(signal.SIGKILL, 60), pytest.param(signal.SIGINT, 30, marks=pytest.mark.long)])
def test_an_interruption_changes_nothing(finished: Path, tmp_path: Path, number: int, lines: int) -> None:
    board = (finished / "board.txt").read_text()
    work = Path("work") / "measurements.jsonl"
    interrupt(tmp_path, number, lines, *SIMULATED, "--board", board, "--work", "work")
    assert (tmp_path / work).read_bytes().count(b"\n") == lines and not (tmp_path / "my-board.toml").exists()
    code, _, errors = run(tmp_path, *SIMULATED, "--board", board, "--work", "work")
    assert code == 0 and "going on" in errors
    assert (tmp_path / "my-board.toml").read_bytes() == (finished / "my-board.toml").read_bytes()
    assert (tmp_path / work).read_bytes() == (finished / f"calibrate-{board}" / work.name).read_bytes()


@pytest.mark.parametrize(
    ("board", "like"), [(SMALL, "sram=flash"), pytest.param(LARGE, "sram3=flash", marks=pytest.mark.long)]
)
def test_a_bank_that_is_as_slow_as_flash_is_flagged(board: str, like: str, tmp_path: Path) -> None:
    _, elf = commanded(board)
    with simulated_board(elf, ["--like", like, "--board", board]) as (port, _):
        code, output, errors = run(tmp_path, "--via", f"serial:{port}", "--board", board)
    assert code == 1 and "misfit: " in output and "not written" in errors and not (tmp_path / "my-board.toml").exists()


# --- the model ----------------------------------------------------------------------------------------------------------
@lru_cache
def model_of(board: str) -> BoardModel:
    return board_model(*commanded(board))


def test_bodies_that_wait_for_memories_are_found_by_running_them() -> None:
    model = model_of(SMALL)
    assert model.bench is not None
    waits = {model.bodies[place].body.name for place in np.flatnonzero(model.waiting(model.table))}
    assert waits == {"lines_again", "jumps_again"} <= model.bench.chosen


def test_one_more_wait_state_adds_as_much_as_a_run_with_one_more_takes() -> None:
    model = model_of(SMALL)
    place = [each.name for each in model.parameters].index("flash.wait_states")
    more = model.moved(model.table, model.parameters[place], model.table.memories[0] + 1)
    for exact in (False, True):
        design = model.design(model.table, exact)
        assert np.array_equal(design.cycles + design.counts[:, place], model.cycles(more))


def test_an_ideal_board_is_its_core_alone() -> None:
    made, elf = commanded("m0")
    model = board_model(made, elf)
    assert model.bench is None and not model.of_memories and not model.waiting(model.table).any()


@pytest.mark.long
@pytest.mark.parametrize("board", ["nucleo-u575zi-q", "nucleo-h743zi"])
def test_behind_large_caches_no_body_waits_that_is_not_there_for_memories(board: str) -> None:
    model = model_of(board)
    assert model.bench is not None
    made, elf = commanded(board)
    everywhere = type(model.bench)(made, elf).cycles((), ())
    priced = dict(zip(model.number, model.priced(model.table.core), strict=True))
    assert {name for name, cycles in everywhere.items() if cycles != priced[name]} <= model.bench.chosen


# --- the board file's key -----------------------------------------------------------------------------------------------
def board_of(folder: Path, line: str) -> Path:
    (folder / "own.toml").write_text(f'base = "{SMALL}"\nmemories.flash.extra_wait_states = {line}\n')
    return folder / "own.toml"


def test_extra_wait_states_come_on_top_of_those_that_software_sets(tmp_path: Path) -> None:
    made, elf = commanded(SMALL)
    chosen = {"jumps_again"}
    tried = (boards.load(board_of(tmp_path, extra)) for extra in ("-9", "0", "1"))
    cycles = [run_on(made, elf, board, chosen=chosen)["jumps_again"] for board in tried]
    table = run_on(made, elf, made.board, chosen=chosen)["jumps_again"]
    assert cycles[0] < cycles[1] == table < cycles[2]


@pytest.mark.parametrize("text", ['"2"', "true", "1.5"])
def test_extra_wait_states_that_are_no_integer_are_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(BoardError, match=r"memories\.flash\.extra_wait_states: .* is no integer"):
        boards.load(board_of(tmp_path, text))

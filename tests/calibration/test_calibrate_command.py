"""``mcusim calibrate`` from end to end: over a pseudo-terminal, interrupted, with a bad line and with a wrong board."""

from __future__ import annotations

import json
import shutil
import signal
import threading
import time
from pathlib import Path

import jsonschema
import pytest

import mcusim
from calibration.microbenchmarks.model import values_of
from calibration.microbenchmarks.parameters import parameters_of
from calibration.simulated_board import hidden_core
from mcusim import boards, cores
from mcusim import program as programs
from mcusim.machine.machine import Machine, Options
from mcusim.report.exit import ERRORS
from mcusim.run import core_of
from tests.calibration.calibrating import SEED, commanded_elf, interrupt, log_of, run, simulated_board

SIMULATED = ("--via", "sim", "--seed", str(SEED))
PARAMETER = {
    "type": "object",
    "required": ["name", "table", "value", "standard_error", "low", "high", "rows", "status", "doubt", "partners", "source"],
    "properties": {"status": {"enum": ["settled", "open", "together", "at most"]}, "value": {"type": "integer"}},
}
SCHEMA = {
    "type": "object",
    "required": ["schema", "board", "image", "build", "link", "seed", "noise", "version", "measurements", "settled", "targets",
                 "parameters", "unfelt", "inseparable", "outliers", "energy", "misfits", "explained", "board_file"],
    "properties": {"schema": {"const": "mcusim.calibrate/1"}, "parameters": {"type": "array", "items": PARAMETER}},
}  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a calibration that nothing disturbed."""
    folder = tmp_path_factory.mktemp("finished")
    code, output, errors = run(folder, *SIMULATED, "--json", "fit.json", "--html", "fit.html")
    assert code == 0, errors
    (folder / "output.txt").write_text(output)
    return folder


def check_values(file: Path) -> None:
    """All parameters that a board file calls settled are those of the hidden core."""
    core = cores.load("m0")
    hidden = values_of(hidden_core(core, SEED), parameters_of(core))
    board = boards.load(file)
    settled = {name: each.value for name, each in board.timing.items() if "together" not in each.source}
    assert settled == {name: hidden[name] for name in settled} and len(settled) >= 24
    assert any(value != values_of(core, parameters_of(core))[name] for name, value in settled.items())
    assert all(each.source.startswith("fitted n=") and each.standard_error > 0 for each in board.timing.values())


def test_hidden_parameters_are_found_and_written(finished: Path) -> None:
    check_values(finished / "my-board.toml")
    assert (finished / "fit.html").stat().st_size > 1000
    output = (finished / "output.txt").read_text()
    assert "30 of 30 settled" in output and "no misfit" in output and "not separable: branch.cycles, branch.refill" in output


def test_the_json_has_its_schema(finished: Path) -> None:
    found = json.loads((finished / "fit.json").read_text())
    jsonschema.validate(found, SCHEMA)
    assert set(found) == set(SCHEMA["required"])
    assert found["board_file"] == "my-board.toml" and found["settled"] == found["targets"]


def test_a_program_takes_the_cycles_of_the_hidden_board(finished: Path, build) -> None:
    elf = build("workload.c", "m0")
    machine = Machine(programs.load(elf, None, None, None), boards.load("m0"), hidden_core(cores.load("m0"), SEED), Options())
    machine.run()
    fitted = mcusim.run(elf, board=finished / "my-board.toml")
    assert fitted.cycles == machine.recorder.cycles != mcusim.run(elf, board="m0").cycles


@pytest.mark.parametrize(("number", "lines"), [(signal.SIGINT, 20), (signal.SIGKILL, 50)])
def test_an_interruption_changes_nothing(finished: Path, tmp_path: Path, number: int, lines: int) -> None:
    code, errors = interrupt(tmp_path, number, lines, *SIMULATED)
    if number == signal.SIGINT:
        assert code == 130 and "the same command goes on" in errors, (code, errors)
    assert not (tmp_path / "my-board.toml").exists()
    begun = log_of(tmp_path).read_bytes()
    code, _, errors = run(tmp_path, *SIMULATED)
    assert code == 0 and "going on" in errors
    for name in ("my-board.toml", "calibrate-m0/measurements.jsonl"):
        assert (tmp_path / name).read_bytes() == (finished / name).read_bytes(), name
    assert log_of(tmp_path).read_bytes().startswith(begun.rpartition(b"\n")[0])


def test_a_line_cut_off_while_it_was_written_is_dropped(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished / "calibrate-m0", tmp_path / "calibrate-m0")
    log = log_of(tmp_path)
    log.write_bytes(log.read_bytes()[:-20])
    code, _, errors = run(tmp_path, *SIMULATED)
    assert code == 0 and "the last line was cut off" in errors
    assert log.read_bytes() == log_of(finished).read_bytes()


def test_what_is_finished_needs_no_board(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished / "calibrate-m0", tmp_path / "calibrate-m0")
    code, _, errors = run(tmp_path, *SIMULATED, "--json", "-")
    assert code == 0, errors
    assert (tmp_path / "my-board.toml").read_bytes() == (finished / "my-board.toml").read_bytes()


@pytest.mark.slow
def test_a_bad_line_is_overcome_over_a_serial_port(tmp_path: Path) -> None:
    with simulated_board(commanded_elf(), ["--faults", "0.02"]) as (port, _):
        assert port.startswith("/dev/pts/")
        code, _, errors = run(tmp_path, "--via", f"serial:{port}", "--rounds", "2")
    assert code == 0, errors
    assert "attempt 1 of 6" in errors and f"serial port {port}: the board has to run" in errors
    check_values(tmp_path / "my-board.toml")


@pytest.mark.slow
def test_a_board_that_goes_away_costs_nothing_that_was_measured(tmp_path: Path) -> None:
    with simulated_board(commanded_elf()) as (port, process):
        def unplug() -> None:
            while not log_of(tmp_path).exists() or log_of(tmp_path).read_bytes().count(b"\n") < 20:
                time.sleep(0.001)
            process.terminate()

        threading.Thread(target=unplug, daemon=True).start()
        code, _, errors = run(tmp_path, "--via", f"serial:{port}")
    assert code == 2 and "no sound answer to" in errors and not (tmp_path / "my-board.toml").exists()
    measured = log_of(tmp_path).read_bytes()
    with simulated_board(commanded_elf()) as (port, _):
        code, _, errors = run(tmp_path, "--via", f"serial:{port}", "--budget", "40")
    assert code in (0, 1) and log_of(tmp_path).read_bytes().startswith(measured)


def test_another_firmware_on_the_board_is_refused(tmp_path: Path) -> None:
    with simulated_board(commanded_elf(rounds=4)) as (port, _):
        code, _, errors = run(tmp_path, "--via", f"serial:{port}")
    assert code == 2 and "the board runs firmware" in errors and "microbenchmarks.elf" in errors


def test_a_budget_ends_it_and_leaves_doubts_in_the_file(tmp_path: Path) -> None:
    code, output, errors = run(tmp_path, *SIMULATED, "--budget", "30")
    assert code == 0, errors
    assert "in doubt:" in output and "settled by 30 measurements" in output
    assert "in doubt: another value with probability" in (tmp_path / "my-board.toml").read_text()


@pytest.mark.slow
def test_a_misfit_is_exit_code_1_and_writes_the_file_by_force_only(finished: Path, tmp_path: Path) -> None:
    options = (*SIMULATED, "--noise", "0.0005")  # fewer errors than the board makes
    code, output, errors = run(tmp_path, *options)
    assert code == next(row.code for row in ERRORS if row.name == "misfit")
    assert "misfit:" in output and "not written" in errors and not (tmp_path / "my-board.toml").exists()
    code, _, _ = run(tmp_path, *options, "--force")
    assert code == 1 and "doubtful" in (tmp_path / "my-board.toml").read_text()


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--via", "carrier-pigeon"), 2, "'carrier-pigeon' is no way to a board; allowed: pyocd, pyocd:TARGET, "),
        (("--via", "serial:"), 2, "is no way to a board"),
        (("--via", "serial:/dev/none"), 2, "serial port /dev/none: cannot be opened: "),
        (("--via", "sim", "-o", "nowhere/b.toml"), 7, "there is no folder"),
        (("--via", "sim", "--budget", "x"), 2, "--budget"),
        (("--via", "sim", "--noise", "-1"), 2, "no relative error"),
        (("--via", "sim", "--board", "m99"), 4, "unknown board 'm99'"),
        (("--via", "sim", "--compiler", "cc"), 2, "cc"),
    ],
)
def test_errors_are_one_line(tmp_path: Path, options: tuple[str, ...], code: int, message: str) -> None:
    found, _, errors = run(tmp_path, *options)
    assert found == code and message in " ".join(errors.split()), errors


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--via", "sim", "--seed", "4"), "seed was 3, and is 4"),
        (("--via", "serial:/dev/none"), "link was 'sim', and is 'serial'"),
        (("--via", "sim", "--seed", "3", "--noise", "0.02"), "noise was 0.01, and is 0.02"),
        (("--via", "sim", "--seed", "3", "--board", "m0plus", "--work", "calibrate-m0"), "board was 'm0', and is 'm0plus'"),
    ],
)
def test_the_log_of_another_session_is_refused(finished: Path, tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    shutil.copytree(finished / "calibrate-m0", tmp_path / "calibrate-m0")
    code, _, errors = run(tmp_path, *options)
    assert code == 2 and "is the log of another session" in errors and message in errors


@pytest.mark.slow
def test_the_board_file_is_based_on_a_file_by_its_path(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('base = "m0"\ndescription = "mine"\n')
    code, _, errors = run(tmp_path, *SIMULATED, "--board", "own.toml", "--budget", "70")
    assert code == 0, errors
    board = boards.load(tmp_path / "my-board.toml")
    assert board.description == "mine" and core_of(board) != cores.load("m0")
    code, _, errors = run(tmp_path, *SIMULATED, "--board", "own.toml", "-o", "own.toml")
    assert code == 2 and "would overwrite the board file that is asked for" in errors

"""``mcusim calibrate`` and energy: of a simulated board whose table is hidden, and from an instrument's trace and log."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pytest

import mcusim
from calibration.energy_campaign import as_found, base_of, counted
from calibration.microbenchmarks.energy_model import PREFIX, Loop, watts_of
from calibration.power_readings import hidden_table
from calibration.simulated_board import hidden_core, hidden_memories
from kernels_c.toolchain import find_compiler
from mcusim import boards
from mcusim.boards.energy_table import EnergyTable
from mcusim.energy import STATIC
from mcusim.run import core_of
from tests.calibration.calibrating import commanded, log_of, run

SEED = 3
SIMULATED = ("--via", "sim", "--seed", str(SEED), "--energy", "--json", "fit.json")
VOLTS = 3.0
BOARDS = ["m0", pytest.param("nucleo-l4r5zi", marks=pytest.mark.long)]
KNOWN = {"m0": 8, "nucleo-l4r5zi": 7}
"""Figures that are known at least."""


def hidden(name: str) -> tuple[tuple[Loop, ...], EnergyTable]:
    """Loops and energies of the simulated board."""
    made, elf = commanded(name)
    board, compiler = made.board, find_compiler("")
    there = as_found(hidden_memories(board, elf, SEED), hidden_core(core_of(board), SEED))
    own = board.rated_hertz or board.clock_hertz
    loops = counted(there, Path(mkdtemp()), compiler, (own, own // 2))
    return loops, hidden_table(base_of(board, board.energy.supply_volts if board.energy else VOLTS), loops, SEED)


def truth(table: EnergyTable, name: str) -> float:
    kind, _, what = name.partition(".")
    return (table.static_watts if kind == STATIC else table.joules[kind])[what].value


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> tuple[str, Path]:
    """A board, and the folder of its calibration."""
    folder = tmp_path_factory.mktemp("finished")
    code, output, errors = run(folder, *SIMULATED, "--board", request.param)
    assert code == 0 and "figures of energy known to 2 %" in output, errors
    return request.param, folder


@pytest.mark.parametrize("finished", BOARDS, indirect=True)
def test_hidden_energies_are_within_2_percent_where_they_are_known(finished: tuple[str, Path]) -> None:
    name, folder = finished
    told = json.loads((folder / "fit.json").read_text())["energy"]
    loops, table = hidden(name)
    known = {each["name"]: each["value"] for each in told["figures"] if each["status"] == "known"}
    assert all(value == pytest.approx(truth(table, figure), rel=0.02) for figure, value in known.items())
    assert len(known) >= KNOWN[name] and not told["misfits"] and told["readings"] == 1000 * len(loops)
    # what is not known adds up
    fitted = boards.load(folder / "my-board.toml").energy
    assert fitted is not None
    assert all(watts_of(fitted, loop) == pytest.approx(watts_of(table, loop), rel=0.005) for loop in loops)


@pytest.mark.parametrize("finished", ["m0"], indirect=True)
def test_the_board_file_prices_energy_and_says_where_it_is_from(finished: tuple[str, Path], build) -> None:
    _, folder = finished
    report = mcusim.run(build("workload.c", "m0"), board=folder / "my-board.toml")
    assert report.energy_joules and report.energy_joules > 0
    table = boards.load(folder / "my-board.toml").energy
    assert table is not None and table.joules["cycles"]["active"].source.startswith("fitted n=48000, ± ")
    assert ", vague: " in table.joules["fetch"]["flash"].source and "system" not in table.joules["read"]  # 0, and named


@pytest.mark.parametrize("finished", ["m0"], indirect=True)
def test_an_interruption_between_readings_changes_nothing(finished: tuple[str, Path], tmp_path: Path) -> None:
    _, folder = finished
    lines = log_of(folder).read_bytes().splitlines(keepends=True)
    log_of(tmp_path).parent.mkdir()
    log_of(tmp_path).write_bytes(b"".join(lines[:-30]) + lines[-30][:-9])
    code, _, errors = run(tmp_path, *SIMULATED)
    assert code == 0 and "the last line was cut off" in errors
    for name in ("my-board.toml", "calibrate-m0/measurements.jsonl"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name


# --- from an instrument -------------------------------------------------------------------------------------------------
PERIOD, LOOP_SECONDS, BREAK_SECONDS = 1e-3, 0.3, 0.02


@lru_cache
def clocks_of(name: str) -> tuple[tuple[Loop, ...], EnergyTable]:
    board = boards.load(name)
    loops = counted(board, Path(mkdtemp()), find_compiler(""), (board.clock_hertz, board.clock_hertz // 2))
    return loops, hidden_table(base_of(board, VOLTS), loops, SEED)


def record(folder: Path, name: str, loops: Sequence[Loop], table: EnergyTable, extra: float = 1.0) -> tuple[str, ...]:
    """Options for a trace of a PPK2 and a stamped log of these loops; ``extra`` is what multiplications take more."""
    generator, seconds, watts, log = np.random.default_rng(1), 0.5, [np.full(500, 1e-6)], []
    for loop in loops:
        samples = round(LOOP_SECONDS / PERIOD)
        power = watts_of(table, loop) * (extra if loop.name == "multiply" else 1)
        watts += [np.full(samples, power), np.full(round(BREAK_SECONDS / PERIOD), 5e-6)]
        begin, end = (1000 + time + generator.normal() * 1e-4 for time in (seconds, seconds + LOOP_SECONDS))
        cycles = round(LOOP_SECONDS * loop.hertz)
        log += [f"{begin:.6f} #begin {PREFIX}{loop.name}", f"{end:.6f} #end {PREFIX}{loop.name}",
                f"{end + 4e-3:.6f} #mark {PREFIX}{loop.name} 7 {cycles}"]  # fmt: skip
        seconds += LOOP_SECONDS + BREAK_SECONDS
    whole = np.concatenate(watts)
    microamperes = whole * (1 + 0.01 * generator.normal(size=len(whole))) / VOLTS * 1e6
    rows = [f"{1e3 * PERIOD * number:.3f},{value:.4f}" for number, value in enumerate(microamperes)]
    (folder / f"{name}.csv").write_text("\n".join(("Timestamp(ms),Current(uA)", *rows)) + "\n")
    (folder / f"{name}.log").write_text("\n".join(("hello", *log)) + "\n")
    return "--power", f"{name}.csv", "--log", f"{name}.log"


def recorded(folder: Path, extra: float = 1.0) -> tuple[str, ...]:
    """Options for traces at both clocks."""
    loops, table = clocks_of("m0")
    half = len(loops) // 2
    return (*record(folder, "full", loops[:half], table, extra), *record(folder, "half", loops[half:], table, extra))


def test_a_trace_and_its_log_become_the_energies_of_a_board_file(tmp_path: Path) -> None:
    code, output, errors = run(tmp_path, *recorded(tmp_path), "--supply", str(VOLTS), "--json", "energy.json")
    assert code == 0 and "my-board.toml: written" in errors, errors
    told, (_, table) = json.loads((tmp_path / "energy.json").read_text()), clocks_of("m0")
    known = {each["name"]: each["value"] for each in told["figures"] if each["status"] == "known"}
    assert told["schema"] == "mcusim.calibrate.energy/1" and {"cycles.active", "static.run"} <= set(known)
    assert all(value == pytest.approx(truth(table, figure), rel=0.02) for figure, value in known.items())
    board = boards.load(tmp_path / "my-board.toml")
    assert board.energy is not None and board.energy.supply_volts == pytest.approx(VOLTS)
    assert "1,000,000 Hz and 500,000 Hz, traces full.csv, half.csv" in board.energy.static_watts["run"].source
    assert replace(board, energy=None, name="m0") == boards.load("m0") and "not separable: read.system" in output


def test_a_mechanism_that_the_model_lacks_is_exit_code_1(tmp_path: Path) -> None:
    code, output, errors = run(tmp_path, *recorded(tmp_path, 1.1), "--supply", str(VOLTS))
    assert code == 1 and "misfit: multiply@" in output and "not written" in errors and not (tmp_path / "my-board.toml").exists()


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ((), 2, "allowed: either --via LINK, or --power TRACE with --log LOG"),
        (("--via", "sim", "--power", "a.csv"), 2, "either --via LINK, or --power TRACE"),
        (("--power", "a.csv"), 2, "1 --power and 0 --log; allowed: one --log for each --power"),
        (("--power", "a.csv", "--log", "a.log"), 2, "a.csv: met a file that cannot be read"),
        (("--power", "a.csv", "--log", "a.log", "--energy"), 2, "--energy is for --via sim"),
        (("--via", "serial:/dev/none", "--energy"), 2, "a board has no instrument; allowed: --via sim, or --power"),
        (("--via", "sim", "--supply", "3"), 2, "--supply is for --power"),
        (("--power", "a.csv", "--log", "a.log", "--supply", "0"), 2, "is no supply; allowed: volts above 0"),
    ],
)
def test_errors_are_one_line(tmp_path: Path, options: tuple[str, ...], code: int, message: str) -> None:
    found, _, errors = run(tmp_path, *options)
    assert found == code and message in " ".join(errors.replace("│", " ").split()), errors


def test_a_log_without_energy_loops_and_a_trace_without_voltage_are_refused(tmp_path: Path) -> None:
    options = recorded(tmp_path)[:4]
    code, _, errors = run(tmp_path, *options)
    assert code == 2 and "a trace without voltage" in errors
    (tmp_path / "full.log").write_text("hello\n")
    code, _, errors = run(tmp_path, *options, "--supply", "3")
    assert code == 2 and "full.log: met no energy loops with the host's time; allowed: lines as ts" in errors

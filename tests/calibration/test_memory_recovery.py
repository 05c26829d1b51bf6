"""Boards whose memories are not as their files say: the fit finds by how much, or flags what no number of theirs explains."""

from __future__ import annotations

import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from calibration.microbenchmarks.firmware import microbenchmarks_of
from calibration.microbenchmarks.memory_model import (
    Bench,
    MemoryParameter,
    memory_bodies,
    memory_parameters,
    recover_memories,
)
from calibration.microbenchmarks.rehearsal import Cycles, run_on
from calibration.microbenchmarks.results import read
from mcusim import boards
from mcusim.machine import memory_timing
from mcusim.machine.what_if import WhatIf
from mcusim.run import run
from tests.calibration.microbenchmark_boards import measured

SEEDS = {"nucleo-l4r5zi": 3, "nucleo-u575zi-q": 2, "nucleo-f446re": 1}
BOARDS = [(board, seed) for board, count in SEEDS.items() for seed in range(count)]
SLOW = [pytest.param("nucleo-h743zi", 0, marks=pytest.mark.slow), pytest.param("nucleo-h743zi", 1, marks=pytest.mark.long)]


@lru_cache
def bench(board: str) -> tuple[Bench, tuple[MemoryParameter, ...]]:
    made = memory_bodies(microbenchmarks_of(boards.load(board), rounds=1))
    elf = made.build(Path(tempfile.mkdtemp()))
    return Bench(made, elf), memory_parameters(made, elf)


def hidden_values(parameters: tuple[MemoryParameter, ...], seed: str) -> list[int]:
    """Each one off by up to one from the board's file."""
    generator = np.random.default_rng([ord(letter) for letter in seed])
    return [max(parameter.least, parameter.value + int(generator.integers(-1, 2))) for parameter in parameters]


def rows(cycles: Cycles, seed: str, drift: float = 0) -> tuple:
    return measured({name: float(count) for name, count in cycles.items()}, seed, drift)


@pytest.mark.parametrize(("board", "seed"), [*BOARDS, *SLOW])
def test_hidden_wait_states_and_bank_penalties_are_recovered_exactly_or_named(board: str, seed: int) -> None:
    tried, parameters = bench(board)
    hidden = hidden_values(parameters, f"{board} {seed}")
    found = recover_memories(tried, parameters, rows(tried.cycles(parameters, hidden), f"noise {board} {seed}"))
    wanted = {parameter.name: value for parameter, value in zip(parameters, hidden, strict=True)}
    assert {name: found.values[name] for name in wanted if name not in found.unknown} == {
        name: value for name, value in wanted.items() if name not in found.unknown
    }
    assert found.fit.explained, found.fit.report()


def test_flash_and_each_bank_are_known_where_the_core_feels_them() -> None:
    tried, parameters = bench("nucleo-l4r5zi")
    found = recover_memories(tried, parameters, rows(tried.cycles(parameters, [3, 0, 1, 2]), "known"))
    assert found.values == {
        "flash.wait_states": 3, "sram1.opening_cycles": 0, "sram2.opening_cycles": 1, "sram3.opening_cycles": 2,
    }  # fmt: skip
    assert not found.unknown


def test_cycles_in_memory_are_those_that_are_printed() -> None:
    tried, _ = bench("nucleo-g0b1re")
    printed = read(run(tried.elf, board=tried.made.board).serial).rounds[0]
    assert dict(printed) == run_on(tried.made, tried.elf, tried.made.board)


ODD = {
    ("nucleo-l4r5zi", "a bank as slow as flash"): WhatIf(placement=(("sram3", "flash"),)),
    ("nucleo-l4r5zi", "a prefetch buffer that is off"): WhatIf(prefetch=False),
    ("nucleo-u575zi-q", "a cache that is off"): WhatIf(caches=False),
    ("nucleo-h743zi", "caches that are off"): WhatIf(caches=False),
}


@pytest.mark.parametrize(("board", "mechanism"), ODD)
def test_a_memory_that_no_parameter_describes_is_flagged(board: str, mechanism: str) -> None:
    tried, parameters = bench(board)
    odd = run_on(tried.made, tried.elf, tried.made.board, ODD[board, mechanism])
    assert dict(odd) != dict(run_on(tried.made, tried.elf, tried.made.board))
    found = recover_memories(tried, parameters, rows(odd, mechanism))
    assert "group" in {misfit.test for misfit in found.fit.misfits}


@pytest.mark.parametrize("board", ["nucleo-l4r5zi", "nucleo-f446re"])
def test_an_odd_wait_state_is_flagged(board: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flash takes its wait states for each half of what it reads at once."""
    tried, parameters = bench(board)
    own = memory_timing.Device
    monkeypatch.setattr(memory_timing, "Device", lambda name, width, *rest, **named: own(name, width // 2, *rest, **named))
    odd = run_on(tried.made, tried.elf, tried.made.board)
    monkeypatch.undo()
    assert dict(odd) != dict(run_on(tried.made, tried.elf, tried.made.board))
    found = recover_memories(tried, parameters, rows(odd, "odd wait state"))
    assert "group" in {misfit.test for misfit in found.fit.misfits}


def test_a_drifting_clock_is_flagged() -> None:
    tried, parameters = bench("nucleo-u575zi-q")
    as_they_are = tried.cycles(parameters, [parameter.value for parameter in parameters])
    found = recover_memories(tried, parameters, rows(as_they_are, "drift", drift=0.03))
    assert "trend" in {misfit.test for misfit in found.fit.misfits}

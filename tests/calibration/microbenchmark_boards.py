"""Microbenchmarks built once for each ideal board, and boards that are not as their tables say."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from calibration.microbenchmarks.firmware import Microbenchmarks, microbenchmarks_of
from calibration.microbenchmarks.model import Row, Timed, cycles_of, rows_of, timed_of
from calibration.microbenchmarks.parameters import changed, parameters_of
from calibration.microbenchmarks.prices import Prices
from mcusim import boards
from mcusim import program as programs
from mcusim.cores import Core
from mcusim.machine.machine import Machine, Options

NOISE, OUTLIERS, ROUNDS = 0.01, 0.01, 6


@lru_cache
def built(board: str, rounds: int = 2) -> tuple[Microbenchmarks, Path, tuple[Timed, ...]]:
    """Microbenchmarks of a board, their ELF, and its bodies."""
    made = microbenchmarks_of(boards.load(board), rounds=rounds, energy_seconds=0)
    elf = made.build(Path(tempfile.mkdtemp()))
    return made, elf, timed_of(made, elf)


@lru_cache
def prices(board: str) -> Prices:
    """What bodies of a board were found to cost, kept from one test to the next."""
    return Prices()


def serial_of(board: str, core: Core | None = None) -> str:
    """What they print, on another core than the board's where one is given."""
    made, elf, _ = built(board)
    machine = Machine(programs.load(elf, None, None, None), made.board, core or made.core, Options())
    machine.run()
    return bytes(machine.serial.kept).decode()


def hidden_core(core: Core, seed: str) -> Core:
    """The core with half of its parameters drawn anew, one cycle around the table's."""
    generator = np.random.default_rng([ord(letter) for letter in seed])
    drawn = {
        parameter.name: max(parameter.least, parameter.value + int(generator.integers(-1, 2)))
        for parameter in parameters_of(core)
        if generator.random() < 0.5
    }
    return changed(core, parameters_of(core), drawn)


def measured(exact: Mapping[str, float], seed: str, drift: float = 0) -> tuple[Row, ...]:
    """Rounds of measurements with noise and outliers, and a clock that drifts by so much in all."""
    generator = np.random.default_rng([ord(letter) for letter in seed])
    size = ROUNDS * len(exact)
    factors = (1 + NOISE * generator.normal(size=size)) * np.where(generator.random(size) < OUTLIERS, 1.4, 1.0)
    factors *= 1 + drift * np.linspace(-0.5, 0.5, size)
    grid = factors.reshape(ROUNDS, len(exact))
    rounds = [dict(zip(exact, line * np.array(list(exact.values())), strict=True)) for line in grid]
    return rows_of(rounds, NOISE)


def priced(core: Core, bodies: tuple[Timed, ...]) -> dict[str, float]:
    """Cycles of all bodies on a core."""
    return {timed.body.name: float(cycles_of(core, timed)) for timed in bodies}

"""Energy loops counted once for each board, and boards whose energies are hidden."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from calibration.microbenchmarks.energy_model import Loop, Power, figures_of, loops_of, table_at, watts_of, with_figures
from calibration.microbenchmarks.firmware import microbenchmarks_of
from mcusim import boards
from mcusim.boards.energy_table import EnergyTable
from mcusim.energy import STATIC

NOISE, OUTLIERS, ROUNDS, SLICES = 0.01, 0.01, 4, 250
"""Each loop runs once a round; an instrument gives its mean power in so many slices of the second that it takes."""
LOOP_CYCLES = 30_000
SUPPLY_VOLTS = 3.0

Mechanism = Callable[[Loop, float, float], float]
"""What a board does that the model lacks: watts of a loop, with what the model says and the time from 0 to 1."""


@lru_cache
def loops(board: str, clocks: int = 2) -> tuple[Loop, ...]:
    """Energy loops of a board at its own clock, and at half of it."""
    loaded = boards.load(board)
    own = loaded.rated_hertz or loaded.clock_hertz
    made = microbenchmarks_of(loaded, rounds=1, energy_seconds=LOOP_CYCLES / own)
    elf = made.build(Path(tempfile.mkdtemp()))
    first = loops_of(loaded, elf)
    # memories that answer at once do so at any clock
    second = tuple(replace(loop, hertz=own // 2) for loop in first) if loaded.ideal else loops_of(loaded, elf, own // 2)
    return (*first, *second)[: clocks * len(first)]


def hidden_table(counted: tuple[Loop, ...], seed: str) -> EnergyTable:
    """A table with 3 to 40 pJ for each event; static power is that of 3 to 20 pJ a cycle."""
    generator = np.random.default_rng([ord(letter) for letter in seed])
    figures: dict[str, dict[str, float]] = {}
    for kind, what in figures_of(counted):
        static = kind == STATIC
        drawn = np.exp(generator.uniform(np.log(3), np.log(20 if static else 40)))
        figures.setdefault(kind, {})[what] = float(drawn) * 1e-12 * (counted[0].hertz if static else 1)
    return with_figures(table_at(SUPPLY_VOLTS), figures, "hidden")


def measured(counted: tuple[Loop, ...], table: EnergyTable, seed: str, mechanism: Mechanism | None = None) -> tuple[Power, ...]:
    """Slices in the order of measuring, with noise and outliers."""
    generator = np.random.default_rng([ord(letter) for letter in seed])
    exact = {loop.group: watts_of(table, loop) for loop in counted}
    order = [loop for _ in range(ROUNDS) for loop in counted for _ in range(SLICES)]
    times = np.linspace(0, 1, len(order))
    happens = mechanism or (lambda loop, watts, time: watts)
    true = [happens(loop, exact[loop.group], time) for loop, time in zip(order, times.tolist(), strict=True)]
    factors = (1 + NOISE * generator.normal(size=len(order))) * np.where(generator.random(len(order)) < OUTLIERS, 1.4, 1.0)
    shown = np.array(true) * factors
    return tuple(Power(loop.group, float(watts), NOISE * float(watts)) for loop, watts in zip(order, shown, strict=True))

"""Stalls of memories from cycles: wait states, misses, buses and opening cycles, found by running under other ones.

What a cache or a prefetch buffer answers depends on all accesses before, so there is no price of a body here: the same
firmware is run in the simulator on a board whose memories are as they might be. So only the bodies that meet memories take
part (``memory_bodies``), and a board has but a few parameters, which are integers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from calibration.fit import Fit, fit, minima
from calibration.microbenchmarks.bodies import Body
from calibration.microbenchmarks.firmware import Microbenchmarks
from calibration.microbenchmarks.model import Row, of_lines
from calibration.microbenchmarks.rehearsal import Cycles, booted, run_on
from calibration.misfit import OUTLIER
from calibration.regression import FitError, Prior, Problem
from mcusim.boards import Board
from mcusim.cores import Core
from mcusim.cores.numbers import numbers_of
from mcusim.machine.memory_timing import flash_wait_states
from mcusim.machine.what_if import AS_IT_IS, WhatIf

IN_MAIN = ("alu", "wide_run", "branch", "load", "load_apart", "load_literal", "store", "store_then_load", "load_multiple_3")
"""Bodies that show what the main memories cost, beside those of lines and of other memories."""
UNCERTAINTY, MOST = 2.0, 15
TURNS = 4
OF_BUS = ("cycles", "beat_cycles")
"""Numbers of a bus that bodies can tell: cycles of the core's own part always come with those of the bus."""


@dataclass(frozen=True, slots=True)
class Memories:
    """A board as it might be: its file's, and what its memories do whatever the firmware programs."""

    board: Board
    what_if: WhatIf = AS_IT_IS


@dataclass(frozen=True, slots=True)
class MemoryParameter:
    """A number of a board's memories: its value there, and how to get memories with another.

    ``keys`` are those of a board's file that say it; what stands there is ``base`` less than the value.
    """

    name: str
    value: int
    change: Callable[[Memories, int], Memories]
    keys: tuple[str, ...]
    base: int = 0
    least: int = 0

    @property
    def prior(self) -> Prior:
        """What the board's file says, as a prior of a fit."""
        return Prior(self.name, self.value, UNCERTAINTY, self.least, max(MOST, self.value + MOST), integer=True)


def memory_bodies(made: Microbenchmarks) -> Microbenchmarks:
    """The same microbenchmarks with no more bodies than memories need."""
    return replace(made, bodies=tuple(body for body in made.bodies if meets_memory(body)), energy_seconds=0.0)


def meets_memory(body: Body) -> bool:
    """Whether it is there for what memories cost."""
    return of_lines(body) or "." in body.name or body.name in IN_MAIN


@dataclass(frozen=True)
class Bench:
    """Firmware that can be run on cores and memories as they might be; on each of them once.

    ``chosen`` are the bodies that commanded firmware times, all where it is empty.
    """

    made: Microbenchmarks
    elf: Path
    chosen: frozenset[str] = frozenset()
    known: dict[tuple[Any, ...], Cycles] = field(default_factory=dict)

    def cycles(self, parameters: Sequence[MemoryParameter], values: Sequence[int], core: Core | None = None) -> Cycles:
        """Cycles by body with these values of the parameters, on another core than the board's where one is given."""
        key = (tuple(values), *((name, number.value) for name, number in numbers_of(core or self.made.core).items()))
        if key not in self.known:
            memories = changed(Memories(self.made.board), parameters, values)
            self.known[key] = run_on(self.made, self.elf, memories.board, memories.what_if, core, self.chosen)
        return self.known[key]


def changed(memories: Memories, parameters: Sequence[MemoryParameter], values: Sequence[int]) -> Memories:
    """Memories with these values of the parameters."""
    for parameter, value in zip(parameters, values, strict=True):
        memories = parameter.change(memories, value)
    return memories


# --- parameters ---------------------------------------------------------------------------------------------------------
def memory_parameters(made: Microbenchmarks, elf: Path) -> tuple[MemoryParameter, ...]:
    """Wait states as the firmware programs them, opening cycles of each RAM, and cycles of each bus of an M7."""
    board = made.board
    waits = flash_wait_states(board.memories, booted(made, elf))
    memories = [each for each in board.memories if each.kind == "ram" and not each.alias_of]
    buses = board.parameters.get("buses", {})
    opening = [_opening(each.name, each.opening_cycles) for each in memories if each.bus not in buses]
    ways = [(bus, name, value) for bus, row in buses.items() for name, value in row.items() if name in OF_BUS]
    return (*_wait_states(board, waits), *opening, *(_bus(*way) for way in ways))


def _wait_states(board: Board, programmed: int | None) -> Iterable[MemoryParameter]:
    """Of all flash whose wait states software sets; what the silicon adds to them is a number of the board's file."""
    flash = [each for each in board.memories if each.kind == "flash" and each.controller]
    names = [each.name for each in flash]
    if programmed is None:
        return

    def change(memories: Memories, number: int) -> Memories:
        return _with_memories(memories, names, extra_wait_states=number - programmed)

    keys = tuple(f"memories.{name}.extra_wait_states" for name in names)
    yield MemoryParameter("flash.wait_states", programmed + flash[0].extra_wait_states, change, keys, programmed)


def _with_memories(memories: Memories, names: Collection[str], **numbers: Any) -> Memories:
    """Memories of which those with these names have these numbers."""
    regions = (replace(each, **numbers) if each.name in names else each for each in memories.board.memories)
    return replace(memories, board=replace(memories.board, memories=tuple(regions)))


def _opening(memory: str, value: int) -> MemoryParameter:
    def change(memories: Memories, number: int) -> Memories:
        return _with_memories(memories, {memory}, opening_cycles=number)

    return MemoryParameter(f"{memory}.opening_cycles", value, change, (f"memories.{memory}.opening_cycles",))


def _bus(bus: str, name: str, value: int) -> MemoryParameter:
    def change(memories: Memories, number: int) -> Memories:
        table = memories.board.parameters
        buses = {**table["buses"], bus: {**table["buses"][bus], name: number}}
        return replace(memories, board=replace(memories.board, parameters={**table, "buses": buses}))

    return MemoryParameter(f"{bus}.{name}", value, change, (f"parameters.buses.{bus}.{name}",), least=min(value, 1))


# --- fit ----------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class FoundMemories:
    """Values by name that explain the rows best, the last fit, and parameters that no body feels or that are inseparable."""

    values: Mapping[str, int]
    fit: Fit
    unknown: frozenset[str]


def recover_memories(bench: Bench, parameters: Sequence[MemoryParameter], rows: Sequence[Row]) -> FoundMemories:
    """Parameters of the memories that rows were measured on. Counts are taken anew around what each fit found."""
    values = [parameter.value for parameter in parameters]
    for _ in range(TURNS):
        problem = _problem(bench, parameters, values, rows)
        found = dict(zip((prior.name for prior in problem.priors), minima(problem)[1].values, strict=True))
        there = [round(found.get(parameter.name, value)) for parameter, value in zip(parameters, values, strict=True)]
        if there == values:
            there = _stepped(bench, parameters, values, rows)
        if there == values:
            break
        values = there
    problem = _problem(bench, parameters, values, rows)
    found_fit = fit(problem, resamples=0)
    felt = {prior.name for prior in problem.priors}
    together = {name for each in found_fit.inseparable for name in each.names}
    unknown = frozenset({parameter.name for parameter in parameters} - felt | together)
    return FoundMemories({p.name: value for p, value in zip(parameters, values, strict=True)}, found_fit, unknown)


def _problem(bench: Bench, parameters: Sequence[MemoryParameter], values: Sequence[int], rows: Sequence[Row]) -> Problem:
    """Linear around ``values``; only parameters that some body feels take part."""
    at = bench.cycles(parameters, values)
    unknown = sorted({row.body for row in rows} - set(at))
    if unknown:
        raise FitError(f"rows of bodies that this firmware does not have: {', '.join(unknown)}")
    columns = []
    for place in range(len(parameters)):
        more = bench.cycles(parameters, [value + (number == place) for number, value in enumerate(values)])
        columns.append([more[row.body] - at[row.body] for row in rows])
    counts = np.array(columns, dtype=float).T
    felt = np.flatnonzero(counts.any(axis=0)).tolist()
    fixed = np.array([at[row.body] for row in rows]) - counts @ np.array(values)
    return Problem(
        tuple(row.name for row in rows), tuple(row.body for row in rows), tuple(parameters[place].prior for place in felt),
        counts[:, felt], np.array([row.cycles for row in rows]) - fixed, np.array([row.sd for row in rows]),
    )  # fmt: skip


def _stepped(bench: Bench, parameters: Sequence[MemoryParameter], values: list[int], rows: Sequence[Row]) -> list[int]:
    """The best of ``values`` and those one step of one parameter away: what adds stalls one way may add none the other."""

    def loss(tried: Sequence[int]) -> float:
        cycles = bench.cycles(parameters, tried)
        return sum(min(((row.cycles - cycles[row.body]) / row.sd) ** 2, OUTLIER**2) for row in rows)

    return min([values, *_neighbours(parameters, values)], key=loss)


def _neighbours(parameters: Sequence[MemoryParameter], values: list[int]) -> Iterable[list[int]]:
    for place, parameter in enumerate(parameters):
        for step in (-1, 1):
            if values[place] + step >= parameter.least:
                yield [value + step * (number == place) for number, value in enumerate(values)]

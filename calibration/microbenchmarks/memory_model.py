"""Stalls of memories from cycles: wait states, misses, buses and opening cycles, found by running under other ones.

What a cache or a prefetch buffer answers depends on all accesses before, so there is no price of a body here: the same
firmware is run in the simulator on a board whose memories are as they might be. So only the bodies that meet memories take
part (``memory_bodies``), and a board has but a few parameters, which are integers.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from calibration.fit import Fit, fit, minima
from calibration.microbenchmarks.bodies import COPIES, Body
from calibration.microbenchmarks.firmware import Microbenchmarks, mark_of
from calibration.microbenchmarks.model import Row
from calibration.misfit import OUTLIER
from calibration.regression import FitError, Prior, Problem
from mcusim import program as programs
from mcusim.boards import Board
from mcusim.machine.machine import Machine, Options
from mcusim.machine.memory_timing import flash_wait_states
from mcusim.machine.what_if import AS_IT_IS, WhatIf

IN_MAIN = ("alu", "wide_run", "branch", "load", "load_apart", "load_literal", "store", "store_then_load", "load_multiple_3")
"""Bodies that show what the main memories cost, beside those of lines and of other memories."""
UNCERTAINTY, MOST = 2.0, 15
TURNS = 4
OF_BUS = ("cycles", "beat_cycles")
"""Numbers of a bus that bodies can tell: cycles of the core's own part always come with those of the bus."""
TIMED = struct.Struct("<I4xQ16x16x")
"""``struct timed`` of main.c: name and cycles of its mark, and what else it has."""
NAME_BYTES = 64

Cycles = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Memories:
    """A board as it might be: its file's, and what its memories do whatever the firmware programs."""

    board: Board
    what_if: WhatIf = AS_IT_IS


@dataclass(frozen=True, slots=True)
class MemoryParameter:
    """A number of a board's memories: its value there, and how to get memories with another."""

    name: str
    value: int
    change: Callable[[Memories, int], Memories]
    least: int = 0

    @property
    def prior(self) -> Prior:
        """What the board's file says, as a prior of a fit."""
        return Prior(self.name, self.value, UNCERTAINTY, self.least, max(MOST, self.value + MOST), integer=True)


def memory_bodies(made: Microbenchmarks) -> Microbenchmarks:
    """The same microbenchmarks with no more bodies than memories need."""
    return replace(made, bodies=tuple(body for body in made.bodies if _meets_memory(body)), energy_seconds=0.0)


def _meets_memory(body: Body) -> bool:
    lines = body.cold or body.in_memory == "constants" or body.name.startswith("jumps")
    return lines or "." in body.name or body.name in IN_MAIN


@dataclass(frozen=True)
class Bench:
    """Firmware that can be run on memories as they might be; each of them once."""

    made: Microbenchmarks
    elf: Path
    known: dict[tuple[int, ...], Cycles] = field(default_factory=dict)

    def cycles(self, parameters: Sequence[MemoryParameter], values: Sequence[int]) -> Cycles:
        """Cycles by body with these values of the parameters."""
        key = tuple(values)
        if key not in self.known:
            self.known[key] = run_on(self.made, self.elf, changed(Memories(self.made.board), parameters, values))
        return self.known[key]


def changed(memories: Memories, parameters: Sequence[MemoryParameter], values: Sequence[int]) -> Memories:
    """Memories with these values of the parameters."""
    for parameter, value in zip(parameters, values, strict=True):
        memories = parameter.change(memories, value)
    return memories


def run_on(made: Microbenchmarks, elf: Path, memories: Memories) -> Cycles:
    """Cycles that n more copies of each body take, the first time that it is timed.

    Read where the firmware keeps them once it begins to print: simulating a serial line takes longer than all bodies.
    """
    machine = _ran(made, elf, memories)
    marks = dict(_marks(machine))
    return {body.name: marks[mark_of(body, 2 * COPIES)] - marks[mark_of(body, COPIES)] for body in made.bodies}


def _ran(made: Microbenchmarks, elf: Path, memories: Memories) -> Machine:
    """The machine once it has begun to print."""
    options = Options(until=b"#mark", what_if=memories.what_if)
    machine = Machine(programs.load(elf, None, None, None), memories.board, made.core, options)
    machine.run()
    return machine


def _marks(machine: Machine) -> Iterable[tuple[str, int]]:
    """Names and cycles of the marks of ``bodies`` in main.c."""
    (table,) = machine.program.symbols_named("bodies")
    for name, cycles in TIMED.iter_unpack(machine.engine.read(table.address, table.size)):
        text = machine.engine.read(name, NAME_BYTES)
        yield text.split(b"\0", 1)[0].decode(), cycles


# --- parameters ---------------------------------------------------------------------------------------------------------
def memory_parameters(made: Microbenchmarks, elf: Path) -> tuple[MemoryParameter, ...]:
    """Wait states as the firmware programs them, opening cycles of each RAM, and cycles of each bus of an M7."""
    waits = flash_wait_states(made.board.memories, _ran(made, elf, Memories(made.board)))
    own = [_wait_states(waits)] if waits is not None else []
    memories = [each for each in made.board.memories if each.kind == "ram" and not each.alias_of]
    buses = made.board.parameters.get("buses", {})
    opening = [_opening(each.name, each.opening_cycles) for each in memories if each.bus not in buses]
    ways = [(bus, name, value) for bus, row in buses.items() for name, value in row.items() if name in OF_BUS]
    return (*own, *opening, *(_bus(*way) for way in ways))


def _wait_states(value: int) -> MemoryParameter:
    def change(memories: Memories, number: int) -> Memories:
        return replace(memories, what_if=replace(memories.what_if, wait_states=number))

    return MemoryParameter("flash.wait_states", value, change)


def _opening(memory: str, value: int) -> MemoryParameter:
    def change(memories: Memories, number: int) -> Memories:
        regions = tuple(
            replace(each, opening_cycles=number) if each.name == memory else each for each in memories.board.memories
        )
        return replace(memories, board=replace(memories.board, memories=regions))

    return MemoryParameter(f"{memory}.opening_cycles", value, change)


def _bus(bus: str, name: str, value: int) -> MemoryParameter:
    def change(memories: Memories, number: int) -> Memories:
        table = memories.board.parameters
        buses = {**table["buses"], bus: {**table["buses"][bus], name: number}}
        return replace(memories, board=replace(memories.board, parameters={**table, "buses": buses}))

    return MemoryParameter(f"{bus}.{name}", value, change, least=min(value, 1))


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

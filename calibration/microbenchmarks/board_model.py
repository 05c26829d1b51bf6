"""What a board says to each body: its core's prices, and what its memories make of the bodies that wait for them.

Prices of a core are cheap, and known one by one (``prices``). What a memory adds depends on all accesses before, so there the
firmware is run in the simulator, on the core and the memories as they might be, and only bodies that may wait are timed. Core
and memories are fitted together: code in flash feels both, and a core that was fitted first would take what memories add for
its own.

What a number of the core adds to a body that may wait is taken to be what it adds without memories. A wait may hide it; so what
none but such bodies feel is asked of the simulator too, where a design has to be ``exact``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from calibration.microbenchmarks.firmware import Microbenchmarks
from calibration.microbenchmarks.memory_model import Bench, MemoryParameter, meets_memory, memory_parameters
from calibration.microbenchmarks.model import Flags, Row, counts_of, felt_of, timed_of, values_of
from calibration.microbenchmarks.parameters import Parameter, changed, parameters_of
from calibration.microbenchmarks.prices import Prices, Timed
from calibration.microbenchmarks.rehearsal import booted
from calibration.regression import Array, FitError, Problem
from mcusim.cores import Core

LARGE_BYTES = 1 << 12
"""A cache of this size keeps what a body runs and reads from one time to the next; behind smaller ones any body may wait."""
SLOWER = 2
"""What is added to every number of the memories to see which bodies could wait."""


@dataclass(frozen=True, eq=False)
class Guess:
    """A board as it might be: its core, and a value for each parameter of its memories."""

    core: Core
    memories: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Design:
    """Bodies near a guess: cycles there, (bodies,), and what one more of each parameter adds to them, (bodies, parameters)."""

    cycles: Array
    counts: Array


class BoardModel:
    """Bodies, and the parameters of core and memories. ``bench`` times those that may wait; None where none does."""

    def __init__(
        self, core: Core, bodies: Sequence[Timed], prices: Prices | None = None,
        memories: Sequence[MemoryParameter] = (), bench: Bench | None = None,
    ) -> None:  # fmt: skip
        self.bodies, self.prices, self.bench = tuple(bodies), prices or Prices(), bench
        self.of_core, self.of_memories = parameters_of(core), tuple(memories)
        self.table = Guess(core, tuple(parameter.value for parameter in memories))
        self.number = {timed.body.name: place for place, timed in enumerate(self.bodies)}
        self._designs: dict[tuple[bool, tuple[int, ...]], Design] = {}
        self._values: dict[Guess, dict[str, int]] = {}

    @property
    def parameters(self) -> tuple[Parameter | MemoryParameter, ...]:
        """Those of the core, then those of the memories."""
        return (*self.of_core, *self.of_memories)

    def values(self, guess: Guess) -> dict[str, int]:
        """By name."""
        if guess not in self._values:
            names = (parameter.name for parameter in self.of_memories)
            self._values[guess] = values_of(guess.core, self.of_core) | dict(zip(names, guess.memories, strict=True))
        return self._values[guess]

    def at(self, values: Mapping[str, float]) -> Guess:
        """The table's with these values, by name."""
        memories = tuple(round(values.get(parameter.name, parameter.value)) for parameter in self.of_memories)
        return Guess(changed(self.table.core, self.of_core, values), memories)

    def moved(self, guess: Guess, parameter: Parameter | MemoryParameter, value: int) -> Guess:
        """The guess with another value of one parameter."""
        if isinstance(parameter, Parameter):
            return Guess(parameter.change(guess.core, value), guess.memories)
        place = self.of_memories.index(parameter)
        return Guess(guess.core, (*guess.memories[:place], value, *guess.memories[place + 1 :]))

    # --- cycles ---------------------------------------------------------------------------------------------------------
    def cycles(self, guess: Guess) -> Array:
        """Cycles of each body, (bodies,)."""
        return self.timed(guess, self.priced(guess.core))

    def priced(self, core: Core) -> Array:
        """The same on memories that answer at once."""
        return np.array([self.prices.cycles(core, timed) for timed in self.bodies], dtype=float)

    def timed(self, guess: Guess, cycles: Array) -> Array:
        """``cycles`` with those of the bench in their places."""
        found = cycles.copy()
        if self.bench is not None:
            for name, count in self.bench.cycles(self.of_memories, guess.memories, guess.core).items():
                found[self.number[name]] = count
        return found

    @cached_property
    def may_wait(self) -> Flags:
        """Bodies of the bench, (bodies,)."""
        return np.array([self.bench is not None and name in self.bench.chosen for name in self.number])

    def waiting(self, guess: Guess) -> Flags:
        """Bodies that memories make something else of, (bodies,)."""
        priced = self.priced(guess.core)
        waits: Flags = self.timed(guess, priced) != priced
        return waits

    def felt(self, core: Core) -> Flags:
        """Which parameters of the core each body's price looks at, (bodies, parameters)."""
        return felt_of(core, self.of_core, self.bodies, self.prices)

    # --- near a guess ---------------------------------------------------------------------------------------------------
    def design(self, guess: Guess, exact: bool = False) -> Design:
        """Cycles and counts. ``exact``: what a wait might hide was asked of the simulator, on the very core of the guess."""
        asked = exact and self.bench is not None
        key = (asked, tuple(self.values(guess).values()))
        if key not in self._designs:
            self._designs[key] = self._design(guess, asked)
        return self._designs[key]

    def _design(self, guess: Guess, exact: bool) -> Design:
        priced, of_core = counts_of(guess.core, self.of_core, self.bodies, self.prices)
        around = guess if exact else Guess(self.table.core, guess.memories)
        here = self.timed(around, priced)
        asked = [exact or guess is self.table or each.name in self._felt for each in self.of_memories]
        more = [self.timed(self.moved(around, each, around.memories[place] + 1), priced) - here if ask else np.zeros_like(here)
                for place, (each, ask) in enumerate(zip(self.of_memories, asked, strict=True))]  # fmt: skip
        if exact:
            of_core = self._asked(guess, of_core)
        return Design(self.timed(guess, priced), np.column_stack([of_core, *more]))

    @cached_property
    def _felt(self) -> frozenset[str]:
        """Parameters of the memories that bodies feel near the table: the others are asked for in exact designs only."""
        counts = self.design(self.table).counts[:, len(self.of_core) :]
        return frozenset(each.name for place, each in enumerate(self.of_memories) if counts[:, place].any())

    def _asked(self, guess: Guess, counts: Array) -> Array:
        """Counts of the core with those that only bodies which may wait have as the simulator has them."""
        found = counts.copy()
        for columns, change in self.steps_behind_waits(guess, counts, 1):
            for column in columns:
                found[:, column] = np.where(counts[:, column] != 0, change, 0)
        return found

    def steps_behind_waits(self, guess: Guess, counts: Array, step: int) -> Iterable[tuple[list[int], Array]]:
        """What ``step`` of parameters of the core that only bodies which may wait feel changes: columns of ``counts``, cycles.

        Parameters that no body feels two of are moved at once; none is moved below its least.
        """
        before, values = self.timed(guess, np.zeros(len(self.bodies))), values_of(guess.core, self.of_core)
        may = np.array([values[each.name] + step >= each.least for each in self.of_core])
        felt = counts[:, : len(self.of_core)] != 0
        alone = np.flatnonzero(may & felt.any(axis=0) & ~felt[~self.may_wait].any(axis=0))
        for columns in _apart(felt, alone.tolist()):
            there = {self.of_core[column].name: values[self.of_core[column].name] + step for column in columns}
            core = changed(self.table.core, self.of_core, values | there)
            yield columns, self.timed(Guess(core, guess.memories), np.zeros(len(self.bodies))) - before

    def problem(self, rows: Sequence[Row], at: Guess | None = None, exact: bool = False) -> Problem:
        """A fit's problem, linear around ``at`` (else the table's). Only parameters that some body feels take part.

        FitError for a row of a body that is not there.
        """
        around = at or self.table
        design = self.design(around, exact)
        here = np.array(list(self.values(around).values()), dtype=float)
        felt = np.flatnonzero(design.counts.any(axis=0)).tolist()
        unknown = sorted({row.body for row in rows} - set(self.number))
        if unknown:
            raise FitError(f"rows of bodies that this firmware does not have: {', '.join(unknown)}")
        places = [self.number[row.body] for row in rows]
        fixed = design.cycles - design.counts @ here
        return Problem(
            tuple(row.name for row in rows), tuple(row.body for row in rows),
            tuple(self.parameters[column].prior for column in felt), design.counts[places][:, felt],
            np.array([row.cycles for row in rows]) - fixed[places], np.array([row.sd for row in rows]),
        )  # fmt: skip


def _apart(felt: Flags, columns: Sequence[int]) -> list[list[int]]:
    """Columns in groups of which no row has two."""
    groups: list[list[int]] = []
    for column in columns:
        free = (group for group in groups if not (felt[:, group].any(axis=1) & felt[:, column]).any())
        group = next(free, None)
        if group is None:
            groups.append([column])
        else:
            group.append(column)
    return groups


def board_model(made: Microbenchmarks, elf: Path) -> BoardModel:
    """Core and memories of a board, as commanded firmware shows them; an ideal board's core alone."""
    if made.board.ideal:
        return BoardModel(made.core, timed_of(made, elf))
    caches = booted(made, elf).recorder.timings[-1].caches
    everywhere = min((cache.line_bytes * cache.sets * cache.ways for cache in caches), default=0) < LARGE_BYTES
    bodies = [timed for timed in timed_of(made, elf, lines=True) if not (everywhere and timed.body.cold)]
    may_wait = frozenset(timed.body.name for timed in bodies if everywhere or meets_memory(timed.body))
    tried = BoardModel(made.core, bodies, None, memory_parameters(made, elf), Bench(made, elf, may_wait))
    slower = Guess(made.core, tuple(value + SLOWER for value in tried.table.memories))
    waits = tried.waiting(tried.table) | tried.waiting(slower)
    names = frozenset(name for name, place in tried.number.items() if waits[place])
    return BoardModel(made.core, bodies, tried.prices, tried.of_memories, Bench(made, elf, names) if names else None)

"""What a core's table says to a body: cycles, which entries they came of, and the same answer for the same entries.

A walk through a body that reads the same values goes the same way. So it is enough to remember what a walk read and what it
came to: a core that differs elsewhere costs nothing, and a parameter that was not read is not felt.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from calibration.microbenchmarks.bodies import COPIES, Body
from mcusim.cores import Core
from mcusim.isa.instruction import Block, Instruction
from mcusim.isa.kind import Kind
from mcusim.pricing import pipeline
from mcusim.pricing.passage import Fact, MemoryTiming, RegionTiming

IDEAL = MemoryTiming((RegionTiming("memory"),))
PHASE = 8
"""Bytes after which code lies as before to all that fetches it: 64 bits on the M7."""
FAR = 30
"""Cycles added to how long results are kept in sight, so that a walk looks at all that other latencies may make it wait for."""

Names = frozenset[str]
"""Entries of a core's table, as ``parameters`` names them: ``rules.load_bubble``, ``latency.load.base``."""


@dataclass(frozen=True, slots=True)
class Step:
    """A block on a body's way: whether its branch is taken, and whether a predictor that knows the body expects otherwise."""

    block: Block
    taken: bool
    surprising: bool


@dataclass(frozen=True, slots=True)
class Course:
    """What a body executes."""

    body: Body
    steps: tuple[Step, ...]
    begin: int
    size: int

    @property
    def copies(self) -> tuple[tuple[Step, ...], ...]:
        """Steps by copy, of ``size`` bytes each from ``begin`` on, behind those before; empty where copies differ in size."""
        found: dict[int, list[Step]] = {-1: []}
        for step in self.steps:
            number = max(-1, (step.block.address - self.begin) // self.size)
            found.setdefault(number, []).append(step)
        whole = all(steps[0].block.address == self.begin + number * self.size for number, steps in found.items() if number >= 0)
        return tuple(tuple(steps) for steps in found.values()) if whole else ()

    @property
    def kinds(self) -> frozenset[Kind]:
        """Kinds of instruction that occur."""
        return frozenset(one.kind for step in self.steps for one in step.block.instructions)


@dataclass(frozen=True, slots=True)
class Timed:
    """A body with n and with 2n copies, and the kinds of instruction in it."""

    body: Body
    once: Course
    twice: Course
    copies: tuple[tuple[Step, ...], ...]
    kinds: frozenset[Kind]

    @property
    def tabled(self) -> tuple[Kind, ...]:
        """Kinds whose cycles are in tables by operands."""
        return tuple(kind for kind in _TABLES if kind in self.kinds)


def cycles_of(core: Core, timed: Timed) -> int:
    """Cycles that n more copies of a body take on memories that answer at once.

    Copies are walked until one begins as an earlier one did, and so goes on like it. The slow twin is ``walked``.
    """
    before, *copies = timed.copies or ((),)
    if len(copies) != 2 * COPIES:
        return walked(core, timed.twice) - walked(core, timed.once)
    walk, begun, spent = _Walk(core, timed.body), dict[Any, int](), list[int]()
    for step in before:
        walk.step(step)
    for number, copy in enumerate(copies):
        entry = walk.state, copy[0].block.address % PHASE
        if entry in begun:
            period = spent[begun[entry] :]
            return sum((spent + period * (2 * COPIES))[COPIES : 2 * COPIES])
        begun[entry] = number
        spent.append(sum(walk.step(step) for step in copy))
    return sum(spent[COPIES:])


class Prices:
    """Remembers, by body, what walks read and what they came to. Of one firmware, whose bodies have names of their own."""

    def __init__(self) -> None:
        self._known: dict[str, dict[Names, tuple[tuple[tuple[str, ...], ...], dict[Any, int]]]] = defaultdict(dict)
        self._watch = _Watch(None)

    def cycles(self, core: Core, timed: Timed) -> int:
        """``cycles_of``."""
        return self._found(core, timed)[1]

    def read(self, core: Core, timed: Timed) -> Names:
        """Rules and latencies that these cycles came of."""
        return self._found(core, timed)[0]

    def _found(self, core: Core, timed: Timed) -> tuple[Names, int]:
        walks, own = self._known[timed.body.name], _own(core, timed)
        for names, (places, answers) in walks.items():
            cycles = answers.get((own, _values(core, places)))
            if cycles is not None:
                return names, cycles
        if self._watch.core is not core:
            self._watch = _Watch(core)
        cycles, names = self._watch.cycles(timed)
        places, answers = walks.setdefault(names, (tuple(tuple(name.split(".")) for name in sorted(names)), {}))
        answers[own, _values(core, places)] = cycles
        return names, cycles


def _own(core: Core, timed: Timed) -> tuple[Any, ...]:
    """What the core's table has for the body's kinds; of tables by operands, which move as a whole, the first entry."""
    tables = [getattr(core, _TABLES[kind]) for kind in timed.tabled]
    return core.mispredict_cycles, *(core.timing[kind] for kind in timed.kinds), *(table[0][0] for table in tables if table)


def _values(core: Core, places: Sequence[tuple[str, ...]]) -> tuple[Any, ...]:
    """What the core's table has at ``places``."""
    rules = core.rules
    return tuple(
        rules.latencies[rest[0]][rest[1]] if group == "latency" else _hashable(getattr(rules, rest[0]))
        for group, *rest in places
    )


def _hashable(value: Any) -> Any:
    return tuple(value.items()) if isinstance(value, Mapping) else value


# --- watching -----------------------------------------------------------------------------------------------------------
class _Watch:
    """A core whose rules and latencies note which of them are looked at."""

    def __init__(self, core: Core | None) -> None:
        self.core = core
        self.read: set[str] = set()
        self.watched = core and replace(core, rules=_Rules(core.rules, self.read))

    def cycles(self, timed: Timed) -> tuple[int, Names]:
        """Those of a body, and what they came of."""
        assert self.watched is not None
        self.read.clear()
        return cycles_of(self.watched, timed), frozenset(self.read)


class _Rules:
    """Rules that note which were looked at."""

    def __init__(self, rules: Any, read: set[str]) -> None:
        table: Mapping[str, Mapping[str, int]] = getattr(rules, "latencies", {})
        self.latencies = {row: _Row(row, columns, read) for row, columns in table.items()}
        self._rules, self._read = rules, read

    def __getattr__(self, name: str) -> Any:
        self._read.add(f"rules.{name}")
        return getattr(self._rules, name)


class _Row(dict[str, int]):
    """Latencies of a kind of result that note which were looked at."""

    def __init__(self, row: str, columns: Mapping[str, int], read: set[str]) -> None:
        super().__init__(columns)
        self._row, self._read = row, read

    def __getitem__(self, role: str) -> int:
        self._read.add(f"latency.{self._row}.{role}")
        return super().__getitem__(role)

    def values(self) -> Any:
        """For how long a result is kept in sight: as long as any latency may be."""
        return [max(super().values()) + FAR]


# --- walking ------------------------------------------------------------------------------------------------------------
class _Walk:
    """A way through a body, entered by a branch: the pipeline's state between blocks."""

    def __init__(self, core: Core, body: Body) -> None:
        self.core, self.body, self.engine = core, body, pipeline(core)
        self.state = self.engine.start()

    def step(self, step: Step) -> int:
        """Cycles of the next block."""
        facts = {number: _fact(self.core, self.body, one) for number, one in enumerate(step.block.instructions)}
        passage = self.engine.run(step.block, self.state, facts, IDEAL)
        exit = passage.taken if step.taken else passage.fall
        self.state = exit.state
        return exit.cycles + (passage.mispredict_cycles if step.surprising and passage.predicted else 0)


def walked(core: Core, course: Course) -> int:
    """Cycles of a course, block after block."""
    walk = _Walk(core, course.body)
    return sum(walk.step(step) for step in course.steps)


_TABLES = {Kind.DIVIDE: "divide_cycles", Kind.MULTIPLY_LONG: "multiply_long_cycles",
           Kind.MULTIPLY_ACCUMULATE_LONG: "multiply_long_cycles"}  # fmt: skip


def _fact(core: Core, body: Body, one: Instruction) -> Fact:
    table = getattr(core, _TABLES[one.kind]) if one.kind in _TABLES else ()
    cycles = 0
    if table and body.operands is not None:
        first, second = body.operands
        cycles = table[first.bit_length()][second.bit_length()]
    return Fact(_executes(one), 0, body.misaligned if one.memory is not None else 0, cycles)


def _executes(one: Instruction) -> bool:
    """Whether an instruction in an IT block executes: bodies find Z set, and conditions there are EQ or NE."""
    return not one.in_it or one.condition != 1

"""What a core's table says to each body, and the rows of a fit: how much each parameter adds to each body.

A body is priced as the machine prices it, by the core's pipeline, from the code in the ELF; its branches go where the body
says.
The price depends on the parameters linearly only in part (what overlaps is hidden until it is longest), so that counts hold
near the core that they are taken of: ``recover`` takes them again where the fit went.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calibration.fit import Fit, fit, minima
from calibration.microbenchmarks.bodies import COPIES, Body
from calibration.microbenchmarks.firmware import Microbenchmarks, symbol_of
from calibration.microbenchmarks.parameters import Parameter, changed, parameters_of
from calibration.misfit import OUTLIER
from calibration.regression import Array, FitError, Problem
from mcusim import program as programs
from mcusim.cores import Core
from mcusim.isa.decode import decode, open_slots
from mcusim.isa.instruction import ALWAYS, Block, Instruction
from mcusim.isa.kind import Kind
from mcusim.pricing import pipeline
from mcusim.pricing.passage import Fact, MemoryTiming, RegionTiming
from mcusim.program import Program

IDEAL = MemoryTiming((RegionTiming("memory"),))
LEAST_SD = 0.5
"""Standard deviation in cycles below which no measurement of a counter is trusted."""
TURNS = 6


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

    @property
    def kinds(self) -> frozenset[Kind]:
        """Kinds of instruction that occur."""
        return frozenset(one.kind for step in self.steps for one in step.block.instructions)


@dataclass(frozen=True, slots=True)
class Timed:
    """A body with n and with 2n copies."""

    body: Body
    once: Course
    twice: Course

    @property
    def kinds(self) -> frozenset[Kind]:
        return self.twice.kinds


def timed_of(made: Microbenchmarks, elf: Path) -> tuple[Timed, ...]:
    """Bodies of an ELF as the core executes them, less those whose price is the memories' (``lines``, ``jumps``)."""
    loaded = programs.load(elf, None, None, None)
    bodies = (body for body in made.bodies if not _of_lines(body))
    return tuple(Timed(body, _course(loaded, body, COPIES), _course(loaded, body, 2 * COPIES)) for body in bodies)


def _of_lines(body: Body) -> bool:
    return body.cold or body.in_memory == "constants" or body.name.startswith("jumps")


def cycles_of(core: Core, timed: Timed) -> int:
    """Cycles that n more copies of a body take on memories that answer at once."""
    return _walked(core, timed.twice) - _walked(core, timed.once)


def counts_of(core: Core, parameters: Sequence[Parameter], bodies: Sequence[Timed]) -> tuple[Array, Array]:
    """Cycles of each body, (bodies,), and how much one more of each parameter adds to them, (bodies, parameters)."""
    cycles = np.array([cycles_of(core, timed) for timed in bodies], dtype=float)
    counts = np.zeros((len(bodies), len(parameters)))
    now = {parameter.name: parameter for parameter in parameters_of(core)}
    for column, parameter in enumerate(parameters):
        more = parameter.change(core, _value(now, parameter) + 1)
        for row, timed in enumerate(bodies):
            if not parameter.kinds or parameter.kinds & timed.kinds:
                counts[row, column] = cycles_of(more, timed) - cycles[row]
    return cycles, counts


def _value(now: Mapping[str, Parameter], parameter: Parameter) -> int:
    """The parameter's value in another core than the one it was read from; a field that became 0 is no longer listed."""
    return now[parameter.name].value if parameter.name in now else 0


@dataclass(frozen=True, slots=True)
class Row:
    """A measurement: cycles that n more copies of a body took; ``sd`` its standard deviation."""

    name: str
    body: str
    cycles: float
    sd: float


def rows_of(rounds: Iterable[Mapping[str, float]], noise: float) -> tuple[Row, ...]:
    """Rows in the order of measuring; ``noise`` is the relative standard deviation of a measurement."""
    return tuple(
        Row(f"{name}/{number}", name, cycles, max(noise * abs(cycles), LEAST_SD))
        for number, cycles_by_body in enumerate(rounds, 1)
        for name, cycles in cycles_by_body.items()
    )


def problem_of(
    core: Core, parameters: Sequence[Parameter], bodies: Sequence[Timed], rows: Sequence[Row], at: Core | None = None
) -> Problem:
    """A fit's problem: the parameters of ``core``, linear around the core ``at`` (else ``core`` itself).

    Only parameters that some body feels take part. FitError for a row of a body that is not there.
    """
    around = at or core
    cycles, counts = counts_of(around, parameters, bodies)
    here = np.array([values_of(around, parameters)[parameter.name] for parameter in parameters], dtype=float)
    felt = np.flatnonzero(counts.any(axis=0)).tolist()
    number = {timed.body.name: place for place, timed in enumerate(bodies)}
    unknown = sorted({row.body for row in rows} - set(number))
    if unknown:
        raise FitError(f"rows of bodies that this firmware does not have: {', '.join(unknown)}")
    places = [number[row.body] for row in rows]
    fixed = cycles - counts @ here
    return Problem(
        tuple(row.name for row in rows), tuple(row.body for row in rows),
        tuple(parameters[column].prior for column in felt), counts[places][:, felt],
        np.array([row.cycles for row in rows]) - fixed[places], np.array([row.sd for row in rows]),
    )  # fmt: skip


def values_of(core: Core, parameters: Sequence[Parameter]) -> dict[str, int]:
    """Parameters by name as they are in a core's table."""
    now = {parameter.name: parameter for parameter in parameters_of(core)}
    return {parameter.name: _value(now, parameter) for parameter in parameters}


@dataclass(frozen=True, slots=True)
class Recovered:
    """The core whose table explains the rows best, the last fit, and parameters of which the bodies know a limit only.

    Those of ``at_most`` may as well be smaller: what they add is hidden by something longer.
    """

    core: Core
    fit: Fit
    at_most: tuple[str, ...]

    @property
    def unknown(self) -> frozenset[str]:
        """Parameters that the rows do not settle."""
        return frozenset(self.at_most).union(*(each.names for each in self.fit.inseparable))


def recover(core: Core, bodies: Sequence[Timed], rows: Sequence[Row], *, seed: int = 0, resamples: int = 0) -> Recovered:
    """Parameters of the core that rows were measured on, from those of ``core``.

    Counts are taken anew around what each fit found until it stays there, at most ``TURNS`` times. Where prices have a kink,
    counts are those of the one side; steps of one, priced in full, find the other.
    """
    parameters, at = parameters_of(core), core
    for _ in range(TURNS):
        problem = problem_of(core, parameters, bodies, rows, at)
        values = minima(problem)[1].values
        there = changed(core, parameters, {prior.name: value for prior, value in zip(problem.priors, values, strict=True)})
        if values_of(there, parameters) == values_of(at, parameters):
            there = _stepped(at, parameters, bodies, rows)
        if there is at:
            break
        at = there
    return Recovered(at, fit(problem, seed=seed, resamples=resamples), tuple(_hidden(at, parameters, bodies)))


def _stepped(core: Core, parameters: Sequence[Parameter], bodies: Sequence[Timed], rows: Sequence[Row]) -> Core:
    """The core one step of one parameter away that explains the bodies which lie off best; ``core`` where none helps."""
    measured = {timed.body.name: [row for row in rows if row.body == timed.body.name] for timed in bodies}

    def loss(core: Core, timed: Timed) -> float:
        cycles = cycles_of(core, timed)
        return sum(min(((row.cycles - cycles) / row.sd) ** 2, OUTLIER**2) for row in measured[timed.body.name])

    losses = {timed.body.name: loss(core, timed) for timed in bodies}
    off = [timed for timed in bodies if losses[timed.body.name] > OUTLIER**2 / 2 * len(measured[timed.body.name])]
    now, best, least = values_of(core, parameters), core, 0.0
    for parameter in parameters:
        for value in (now[parameter.name] - 1, now[parameter.name] + 1):
            other = parameter.change(core, value)
            if value < parameter.least or all(loss(other, timed) == losses[timed.body.name] for timed in off):
                continue
            change = sum(loss(other, timed) - losses[timed.body.name] for timed in bodies)
            if change < least:
                best, least = other, change
    return best


def _hidden(core: Core, parameters: Sequence[Parameter], bodies: Sequence[Timed]) -> Iterable[str]:
    """Parameters that could be one less and no body would tell."""
    now, cycles = values_of(core, parameters), {timed.body.name: cycles_of(core, timed) for timed in bodies}
    for parameter in parameters:
        if now[parameter.name] <= parameter.least:
            continue
        less = parameter.change(core, now[parameter.name] - 1)
        felt = (timed for timed in bodies if not parameter.kinds or parameter.kinds & timed.kinds)
        if all(cycles_of(less, timed) == cycles[timed.body.name] for timed in felt):
            yield parameter.name


# --- walking ------------------------------------------------------------------------------------------------------------
def _course(loaded: Program, body: Body, copies: int) -> Course:
    """From the function's first instruction, which fetch may run ahead from, to the last copy."""
    symbol = symbol_of(body, copies)
    address, end = (loaded.symbols_named(name)[0].address for name in (symbol, f"{symbol}_end"))
    blocks: list[Step] = []
    run: list[Instruction] = []
    slots: tuple[int, ...] = ()
    turn = 1
    while address < end:
        one = decode(_code(loaded, address), address, slots)
        slots = open_slots(one, slots)
        run.append(one)
        if one.branch is None and one.end < end:
            address = one.end
            continue
        back = 0 <= (one.branch.target if one.branch is not None else -1) <= one.address
        taken = one.branch is not None and (turn < body.turns if back else body.taken or not _conditional(one))
        turn = turn + 1 if back and taken else 1
        blocks.append(Step(Block(run[0].address, tuple(run)), taken, back and not taken))
        address, run = (_target(one, body) if taken else one.end), []
    return Course(body, tuple(blocks))


def _code(loaded: Program, address: int) -> bytes:
    """Bytes of code where the program expects them when it runs."""
    for segment in loaded.segments:
        offset = address - segment.virtual_address
        if 0 <= offset < len(segment.data):
            return segment.data[offset : offset + 4]
    raise FitError(f"no code at {address:#010x}")


def _conditional(one: Instruction) -> bool:
    return one.branch is not None and (one.condition != ALWAYS or one.branch.kind == "compare")


def _target(one: Instruction, body: Body) -> int:
    assert one.branch is not None
    if one.branch.target >= 0:
        return one.branch.target
    return one.end + body.landing if body.landing >= 0 else (one.end + 3) & ~3


def _walked(core: Core, course: Course) -> int:
    """Cycles of a course, entered by a branch."""
    engine = pipeline(core)
    state, total = engine.start(), 0
    for step in course.steps:
        facts = {number: _fact(core, course.body, one) for number, one in enumerate(step.block.instructions)}
        passage = engine.run(step.block, state, facts, IDEAL)
        exit = passage.taken if step.taken else passage.fall
        state, total = exit.state, total + exit.cycles
        total += passage.mispredict_cycles if step.surprising and passage.predicted else 0
    return total


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

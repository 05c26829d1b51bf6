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
from calibration.microbenchmarks.prices import Course, Prices, Step, Timed, cycles_of
from calibration.misfit import OUTLIER
from calibration.regression import Array, FitError, Problem
from mcusim import program as programs
from mcusim.cores import Core
from mcusim.isa.decode import decode, open_slots
from mcusim.isa.instruction import ALWAYS, Block, Instruction
from mcusim.program import Program

__all__ = [
    "Course", "Prices", "Recovered", "Row", "Timed", "counts_of", "cycles_of", "problem_of", "recover", "rows_of", "timed_of",
    "values_of",
]  # fmt: skip
LEAST_SD = 0.5
"""Standard deviation in cycles below which no measurement of a counter is trusted."""
TURNS = 6
STEPS, CLIMBS = (-1, 1, -2, 2), 30
"""Steps that are tried of each parameter, and how many are taken at most: a model that is too small has no end of them."""


def timed_of(made: Microbenchmarks, elf: Path) -> tuple[Timed, ...]:
    """Bodies of an ELF as the core executes them, less those whose price is the memories' (``lines``, ``jumps``)."""
    loaded = programs.load(elf, None, None, None)
    bodies = (body for body in made.bodies if not _of_lines(body))
    return tuple(_timed(loaded, body) for body in bodies)


def _timed(loaded: Program, body: Body) -> Timed:
    once, twice = (_course(loaded, body, copies) for copies in (COPIES, 2 * COPIES))
    return Timed(body, once, twice, twice.copies, twice.kinds)


def _of_lines(body: Body) -> bool:
    return body.cold or body.in_memory == "constants" or body.name.startswith("jumps")


def counts_of(
    core: Core, parameters: Sequence[Parameter], bodies: Sequence[Timed], prices: Prices | None = None
) -> tuple[Array, Array]:
    """Cycles of each body, (bodies,), and how much one more of each parameter adds to them, (bodies, parameters)."""
    prices = prices or Prices()
    cycles = np.array([prices.cycles(core, timed) for timed in bodies], dtype=float)
    counts = np.zeros((len(bodies), len(parameters)))
    now = {parameter.name: parameter for parameter in parameters_of(core)}
    for column, parameter in enumerate(parameters):
        more = parameter.change(core, _value(now, parameter) + 1)
        for row, timed in enumerate(bodies):
            if _feels(core, timed, parameter, prices):
                counts[row, column] = prices.cycles(more, timed) - cycles[row]
    return cycles, counts


def _feels(core: Core, timed: Timed, parameter: Parameter, prices: Prices) -> bool:
    """Whether a body's price on this core looks at the parameter at all."""
    return bool(parameter.kinds & timed.kinds) if parameter.kinds else parameter.name in prices.read(core, timed)


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
    core: Core, parameters: Sequence[Parameter], bodies: Sequence[Timed], rows: Sequence[Row], at: Core | None = None,
    prices: Prices | None = None,
) -> Problem:  # fmt: skip
    """A fit's problem: the parameters of ``core``, linear around the core ``at`` (else ``core`` itself).

    Only parameters that some body feels take part. FitError for a row of a body that is not there.
    """
    around = at or core
    cycles, counts = counts_of(around, parameters, bodies, prices)
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
    """The core whose table explains the rows best, the last fit, and parameters of which the bodies know a limit, or nothing.

    Those of ``at_most`` may as well be smaller: what they add is hidden by something longer. Those of ``unfelt`` may as well be
    larger, or no body has what they are for.
    """

    core: Core
    fit: Fit
    at_most: tuple[str, ...]
    unfelt: tuple[str, ...]

    @property
    def unknown(self) -> frozenset[str]:
        """Parameters that the rows do not settle."""
        return frozenset((*self.at_most, *self.unfelt)).union(*(each.names for each in self.fit.inseparable))


def recover(
    core: Core, bodies: Sequence[Timed], rows: Sequence[Row], *, seed: int = 0, resamples: int = 0, prices: Prices | None = None
) -> Recovered:
    """Parameters of the core that rows were measured on, from those of ``core``.

    Counts are taken anew around what each fit found until it stays there, at most ``TURNS`` times. Where prices have a kink,
    counts are those of the one side; steps of one, priced in full, find the other. ``prices``: of the same bodies, kept for
    the next board.
    """
    parameters, prices, seen = parameters_of(core), prices or Prices(), [core]
    for _ in range(TURNS):
        problem = problem_of(core, parameters, bodies, rows, seen[-1], prices)
        values = minima(problem)[1].values
        there = changed(core, parameters, {prior.name: value for prior, value in zip(problem.priors, values, strict=True)})
        if any(values_of(there, parameters) == values_of(each, parameters) for each in seen):
            break
        seen.append(there)
    losses = Losses(bodies, rows, prices)
    at = _climbed(min(seen, key=losses.total), parameters, losses)
    problem = problem_of(core, parameters, bodies, rows, at, prices)
    felt = {prior.name for prior in problem.priors}
    unfelt = tuple(parameter.name for parameter in parameters if parameter.name not in felt)
    hidden = tuple(_hidden(at, [parameter for parameter in parameters if parameter.name in felt], bodies, prices))
    return Recovered(at, fit(problem, seed=seed, resamples=resamples), hidden, unfelt)


class Losses:
    """How badly a core explains each body's rows: squares in standard deviations, of outliers no more than theirs."""

    def __init__(self, bodies: Sequence[Timed], rows: Sequence[Row], prices: Prices) -> None:
        self.bodies, self.prices = bodies, prices
        self.rows: dict[str, list[Row]] = {timed.body.name: [] for timed in bodies}
        for row in rows:
            self.rows[row.body].append(row)

    def of(self, core: Core, timed: Timed) -> float:
        """That of one body."""
        cycles = self.prices.cycles(core, timed)
        return sum(min(((row.cycles - cycles) / row.sd) ** 2, OUTLIER**2) for row in self.rows[timed.body.name])

    def total(self, core: Core) -> float:
        """That of all."""
        return sum(self.of(core, timed) for timed in self.bodies)

    def off(self, timed: Timed, loss: float) -> bool:
        """Whether a body with such a loss lies off as a whole."""
        return loss > OUTLIER**2 / 2 * len(self.rows[timed.body.name])


def _climbed(core: Core, parameters: Sequence[Parameter], losses: Losses) -> Core:
    """From ``core`` in steps, each the best there is, to where none helps: prices are no straight lines everywhere."""
    for _ in range(CLIMBS):
        there = _stepped(core, parameters, losses)
        if there is core:
            break
        core = there
    return core


def _stepped(core: Core, parameters: Sequence[Parameter], losses: Losses) -> Core:
    """The core one step of one parameter away that explains the bodies which lie off best; ``core`` where none helps."""
    own = {timed.body.name: losses.of(core, timed) for timed in losses.bodies}
    off = [timed for timed in losses.bodies if losses.off(timed, own[timed.body.name])]
    now, best, least = values_of(core, parameters), core, 0.0
    for parameter in parameters:
        if not any(_feels(core, timed, parameter, losses.prices) for timed in off):
            continue
        felt = [timed for timed in losses.bodies if _feels(core, timed, parameter, losses.prices)]
        for value in (now[parameter.name] + step for step in STEPS):
            if value < parameter.least:
                continue
            other = parameter.change(core, value)
            change = sum(losses.of(other, timed) - own[timed.body.name] for timed in felt)
            if change < least:
                best, least = other, change
    return best


def _hidden(core: Core, parameters: Sequence[Parameter], bodies: Sequence[Timed], prices: Prices) -> Iterable[str]:
    """Parameters that could be one less and no body would tell."""
    now = values_of(core, parameters)
    for parameter in parameters:
        if now[parameter.name] <= parameter.least:
            continue
        less = parameter.change(core, now[parameter.name] - 1)
        felt = (timed for timed in bodies if _feels(core, timed, parameter, prices))
        if all(prices.cycles(less, timed) == prices.cycles(core, timed) for timed in felt):
            yield parameter.name


# --- walking ------------------------------------------------------------------------------------------------------------
def _course(loaded: Program, body: Body, copies: int) -> Course:
    """From the function's first instruction, which fetch may run ahead from, to the last copy."""
    symbol = symbol_of(body, copies)
    address, begin, end = (loaded.symbols_named(f"{symbol}{name}")[0].address for name in ("", "_begin", "_end"))
    blocks: list[Step] = []
    run: list[Instruction] = []
    slots: tuple[int, ...] = ()
    turn = 1
    size = (end - begin) // copies
    cuts = set(range(begin, end, size))
    while address < end:
        one = decode(_code(loaded, address), address, slots)
        slots = open_slots(one, slots)
        run.append(one)
        if one.branch is None and one.end < end and (one.end not in cuts or slots):
            address = one.end
            continue
        back = 0 <= (one.branch.target if one.branch is not None else -1) <= one.address
        taken = one.branch is not None and (turn < body.turns if back else body.taken or not _conditional(one))
        turn = turn + 1 if back and taken else turn if one.branch is None else 1
        blocks.append(Step(Block(run[0].address, tuple(run)), taken, back and not taken))
        address, run = (_target(one, body) if taken else one.end), []
    return Course(body, tuple(blocks), begin, size)


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

"""A board's parameters from measurements of its bodies: fits around what fits found, until nothing moves.

Prices depend on the parameters linearly only in part (what overlaps is hidden until it is longest), so that counts hold near
the guess that they are taken of, and on one side of a kink. Steps of one or two, priced in full, find the other side.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from calibration.fit import Fit, fit, minima
from calibration.microbenchmarks.board_model import BoardModel, Guess
from calibration.microbenchmarks.model import Row, values_of
from calibration.microbenchmarks.parameters import Parameter
from calibration.microbenchmarks.prices import Timed
from calibration.misfit import OUTLIER
from calibration.regression import Array
from mcusim.cores import Core

TURNS = 6
STEPS, CLIMBS = (-1, 1, -2, 2), 30
"""Steps that are tried of each parameter, and how many are taken at most: a model that is too small has no end of them."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """The guess that explains the rows best, the last fit, and parameters of which the bodies know a limit, or nothing.

    Those of ``at_most`` may as well be smaller: what they add is hidden by something longer. Those of ``unfelt`` may as well be
    larger, or no body has what they are for.
    """

    guess: Guess
    fit: Fit
    at_most: tuple[str, ...]
    unfelt: tuple[str, ...]

    @property
    def core(self) -> Core:
        return self.guess.core

    @property
    def unknown(self) -> frozenset[str]:
        """Parameters that the rows do not settle."""
        return frozenset((*self.at_most, *self.unfelt)).union(*(each.names for each in self.fit.inseparable))


def recover(
    model: BoardModel, rows: Sequence[Row], *, seed: int = 0, resamples: int = 0, best: Guess | None = None
) -> Recovered:
    """Parameters of the board that rows were measured on, from those of the model's table.

    ``resamples`` of the bootstrap are drawn with ``seed``. ``best``: the best guess, where it is known.
    """
    at = best or best_guess(model, rows)
    problem = model.problem(rows, at, exact=True)
    felt = {prior.name for prior in problem.priors}
    unfelt = tuple(parameter.name for parameter in model.parameters if parameter.name not in felt)
    hidden = tuple(name for name in _hidden(model, at) if name in felt)
    return Recovered(at, fit(problem, seed=seed, resamples=resamples), hidden, unfelt)


def best_guess(model: BoardModel, rows: Sequence[Row]) -> Guess:
    """The guess that explains the rows best.

    Counts are taken anew around what each fit found until it stays there, at most ``TURNS`` times; then in steps.
    """
    seen = [model.table]
    for _ in range(TURNS):
        problem = model.problem(rows, seen[-1])
        values = minima(problem)[1].values
        there = model.at({prior.name: value for prior, value in zip(problem.priors, values, strict=True)})
        if any(model.values(there) == model.values(each) for each in seen):
            break
        seen.append(there)
    losses = Losses(model, rows)
    return _climbed(min(seen, key=losses.total), losses)


class Losses:
    """How badly a guess explains each body's rows: squares in standard deviations, of outliers no more than theirs."""

    def __init__(self, model: BoardModel, rows: Sequence[Row]) -> None:
        self.model = model
        self.rows: dict[str, list[Row]] = {timed.body.name: [] for timed in model.bodies}
        for row in rows:
            self.rows[row.body].append(row)

    def of(self, timed: Timed, cycles: float) -> float:
        """That of one body which takes these cycles."""
        return sum(min(((row.cycles - cycles) / row.sd) ** 2, OUTLIER**2) for row in self.rows[timed.body.name])

    def each(self, guess: Guess) -> list[float]:
        """Those of all bodies."""
        return [self.of(timed, cycles) for timed, cycles in zip(self.model.bodies, self.model.cycles(guess), strict=True)]

    def total(self, guess: Guess) -> float:
        """Their sum."""
        return sum(self.each(guess))

    def off(self, timed: Timed, loss: float) -> bool:
        """Whether a body with such a loss lies off as a whole."""
        return loss > OUTLIER**2 / 2 * len(self.rows[timed.body.name])


def _climbed(guess: Guess, losses: Losses) -> Guess:
    """From ``guess`` in steps, each the best there is, to where none helps: prices are no straight lines everywhere."""
    for _ in range(CLIMBS):
        there = _stepped(guess, losses)
        if there is guess or losses.total(there) >= losses.total(guess):
            break
        guess = there
    return guess


def _stepped(guess: Guess, losses: Losses) -> Guess:
    """The guess one step of one parameter away that explains the bodies which lie off best; ``guess`` where none helps."""
    own = losses.each(guess)
    off = [timed for timed, loss in zip(losses.model.bodies, own, strict=True) if losses.off(timed, loss)]
    if not off:
        return guess
    steps = [*_steps_of_core(guess, losses, own, off), *_steps_of_memories(guess, losses, own, off)]
    change, best = min(steps, key=lambda step: step[0], default=(0.0, guess))
    return best if change < 0 else guess


def _steps_of_core(
    guess: Guess, losses: Losses, own: Sequence[float], off: Sequence[Timed]
) -> Iterable[tuple[float, Guess]]:
    """Guesses, and what each changes: what memories add is taken to stay as it is."""
    model = losses.model
    adds = model.cycles(guess) - model.priced(guess.core)
    now = values_of(guess.core, model.of_core)
    felt_by, far = model.felt(guess.core), [model.number[timed.body.name] for timed in off]
    for column, parameter in enumerate(model.of_core):
        if not felt_by[far, column].any():
            continue
        felt = np.flatnonzero(felt_by[:, column]).tolist()
        for value in (now[parameter.name] + step for step in STEPS):
            if value < parameter.least:
                continue
            other = parameter.change(guess.core, value)
            change = sum(
                losses.of(model.bodies[place], model.prices.cycles(other, model.bodies[place]) + adds[place]) - own[place]
                for place in felt
            )
            yield change, replace(guess, core=other)


def _steps_of_memories(
    guess: Guess, losses: Losses, own: Sequence[float], off: Sequence[Timed]
) -> Iterable[tuple[float, Guess]]:
    """Guesses, and what each changes, where a body lies off that may wait for memories."""
    model = losses.model
    if model.bench is None or not any(timed.body.name in model.bench.chosen for timed in off):
        return
    before = sum(own)
    for parameter, now in zip(model.of_memories, guess.memories, strict=True):
        for value in (now + step for step in STEPS):
            if value >= parameter.least:
                there = model.moved(guess, parameter, value)
                yield losses.total(there) - before, there


def _hidden(model: BoardModel, guess: Guess) -> Iterable[str]:
    """Parameters that could be one less and no body would tell."""
    felt, now = model.felt(guess.core) & ~model.may_wait[:, None], model.values(guess)
    told = set(_told_behind_waits(model, guess))
    for column, parameter in enumerate(model.parameters):
        if now[parameter.name] <= parameter.least or parameter.name in told:
            continue
        less = model.moved(guess, parameter, now[parameter.name] - 1)
        if isinstance(parameter, Parameter):
            bodies = [model.bodies[place] for place in np.flatnonzero(felt[:, column]).tolist()]
            if all(model.prices.cycles(less.core, timed) == model.prices.cycles(guess.core, timed) for timed in bodies):
                yield parameter.name
        elif np.array_equal(model.cycles(less), model.cycles(guess)):
            yield parameter.name


def _told_behind_waits(model: BoardModel, guess: Guess) -> Iterable[str]:
    """Parameters of the core that only bodies which may wait feel, and of which one less shows in them."""
    if model.bench is None:
        return
    counts: Array = model.design(guess).counts
    for columns, change in model.steps_behind_waits(guess, counts, -1):
        for column in columns:
            if change[counts[:, column] != 0].any():
                yield model.of_core[column].name

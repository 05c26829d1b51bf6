"""How sure the integers of a fit are, and which measurement makes them surer.

A **target** is what rows can settle: a parameter, or, of parameters that no rows can tell apart, a combination of them that
they can. Its **doubt** is the probability that it is off by one, up or down, all other parameters following as the rows would
have it. Rows are Gaussian with a share of gross errors, which may lie a few standard deviations off, where they look like a
measurement of something else. So no single row can settle anything, however many cycles it takes: what it says at most is the
odds that it is no gross error.

The next body to measure is that whose row would take most from the variance of the targets in doubt, per second.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from calibration.misfit import EXPECTED_OUTLIERS
from calibration.regression import Array, Problem, Solution, inseparable

DOUBT = 1e-4
"""Probability of a wrong integer below which a target is settled."""
GROSS_RANGE = 10.0
"""Standard deviations within which gross errors lie: those farther off betray themselves."""
GROSS = EXPECTED_OUTLIERS * math.sqrt(2 * math.pi) / GROSS_RANGE
"""Their density beside that of a Gaussian at its top."""
MANY = 16
"""Rows of each body that decide what can be settled at all."""
NEGLIGIBLE = 1e-6
TIE = 1e-6
"""Bodies that tell as much but for this part are alike, and the first is taken: each processor rounds sums in its way."""


@dataclass(frozen=True, eq=False)
class Target:
    """A combination of parameters, (parameters,), with 1 as its largest weight."""

    name: str
    weights: Array


def targets_of(problem: Problem) -> tuple[Target, ...]:
    """What rows can settle of which ``problem`` has one for each body."""
    sets = [names for names, _ in inseparable(replace(problem, sds=problem.sds / math.sqrt(MANY)))]
    names = [prior.name for prior in problem.priors]
    shared = {name for each in sets for name in each}
    alone = [Target(name, np.eye(len(names))[place]) for place, name in enumerate(names) if name not in shared]
    together = [target for each in sets for target in _combinations(problem, [names.index(name) for name in each])]
    return (*alone, *together)


def _combinations(problem: Problem, places: Sequence[int]) -> list[Target]:
    """Of parameters that cannot be told apart, the combinations in which rows know them nevertheless."""
    others = [place for place in range(len(problem.priors)) if place not in places]
    whitened = problem.counts / problem.sds[:, None] * problem.prior_sds
    known = whitened[:, places]
    if others:
        basis, sizes, _ = np.linalg.svd(whitened[:, others], full_matrices=False)
        basis = basis[:, sizes > NEGLIGIBLE * max(sizes[0], 1)]
        known = known - basis @ (basis.T @ known)
    _, sizes, directions = np.linalg.svd(known, full_matrices=False)
    found = []
    for direction in directions[sizes > 1]:
        weights = np.zeros(len(problem.priors))
        scaled = direction / problem.prior_sds[places]
        weights[places] = scaled / scaled[np.argmax(np.abs(scaled))]
        names = " + ".join(problem.priors[place].name for place in places if abs(weights[place]) > 0.05)
        found.append(Target(names, weights))
    return found


def doubts_of(problem: Problem, best: Solution, targets: Sequence[Target]) -> Array:
    """Probability that each target is off by one, (targets,)."""
    residuals = problem.residuals(best.values)
    covariance = np.linalg.inv(best.normal)
    from_priors = best.values - problem.means
    doubts = []
    for target in targets:
        step = covariance @ target.weights
        step = step / (target.weights @ step)
        moved = problem.counts @ step / problem.sds
        odds = 0.0
        for sign in (-1, 1):
            worse = float(np.sum(_loss(residuals - sign * moved) - _loss(residuals)))
            worse += float(np.sum(((from_priors + sign * step) ** 2 - from_priors**2) / (2 * problem.prior_sds**2)))
            odds += math.exp(-min(max(worse, -50.0), 700.0))
        doubts.append(odds / (1 + odds))
    return np.array(doubts)


def _loss(residuals: Array) -> Array:
    """Minus the logarithm of a row's likelihood, up to a constant: Gaussian or a gross error."""
    loss: Array = -np.log((1 - EXPECTED_OUTLIERS) * np.exp(-(residuals**2) / 2) + GROSS)
    return loss


def choose(
    best: Solution, bodies: Problem, targets: Sequence[Target], open_: Collection[int], seconds: Array, number: int
) -> list[int]:
    """Bodies to be measured next, as rows of ``bodies``: of each the one that tells most per second, given those before.

    ``bodies`` has a row for each; ``seconds`` (bodies,) are infinite for one that may not be measured. Empty where none tells
    anything.
    """
    if not open_:
        return []
    weights = np.array([targets[place].weights for place in sorted(open_)])
    scales = np.einsum("ij,j,ij->i", weights, bodies.prior_sds**2, weights)
    spread = bodies.counts @ np.linalg.inv(best.normal)
    variances = bodies.sds**2 + np.einsum("ij,ij->i", spread, bodies.counts)
    told = spread @ weights.T
    chosen: list[int] = []
    for _ in range(number):
        gains = (told**2 / scales).sum(axis=1) / variances / seconds
        place = int(np.argmax(gains >= gains.max() * (1 - TIE)))
        if not gains[place] > 0:
            break
        chosen.append(place)
        # the covariance loses the outer product of what the body tells with itself, and all that is made of it follows
        own, like = spread[place].copy(), bodies.counts @ spread[place] / variances[place]
        told, spread = told - np.outer(like, told[place]), spread - np.outer(like, own)
        variances = variances - like**2 * variances[place]
    return chosen

"""Robust regularised least squares on event counts: the numbers behind ``calibration.fit``.

Minimised is, over the parameters b within their bounds (some of them integers),

    sum over rows of loss((y - X b) / s)  +  sum over parameters of ((b - m) / t)^2

with counts X, measured values y and their standard deviations s, prior means m and their standard deviations t. The loss is
Huber's first, which has one minimum only, then Tukey's biweight from there, which gives gross errors no say at all; both by
iteratively reweighted least squares. Integers are found on the quadratic that the last weights leave: rounded one after the
other, the most certain first, and then improved by steps of one in any one or two of them until none helps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mcusim.errors import McusimError

Array = npt.NDArray[np.float64]

HUBER = 1.345
TUKEY = 4.685
"""In standard deviations: 95 % efficiency on Gaussian errors (Maronna et al., Robust Statistics, 2019)."""
ITERATIONS = 60
SETTLED = 1e-6
"""An iteration that moves no parameter by more than this share of its prior's standard deviation is the last."""
NEGLIGIBLE = 1e-9


class FitError(McusimError):
    """Rows or priors that no fit can use."""


@dataclass(frozen=True, slots=True)
class Prior:
    """What is known of a parameter before: ``mean`` and ``sd`` in its own unit, and bounds that belong to it."""

    name: str
    mean: float
    sd: float
    low: float = -np.inf
    high: float = np.inf
    integer: bool = False

    def __post_init__(self) -> None:
        if not (self.sd > 0 and np.isfinite(self.mean) and np.isfinite(self.sd)):
            raise FitError(f"parameter {self.name}: mean {self.mean} and sd {self.sd}: need finite numbers, sd above 0")
        if not self.low <= self.mean <= self.high:
            raise FitError(f"parameter {self.name}: the mean {self.mean} is not within {self.low} .. {self.high}")


@dataclass(frozen=True, eq=False)
class Problem:
    """Rows to be explained: ``counts`` (rows, parameters), ``values`` and ``sds`` (rows,) in one unit.

    ``rows`` are names, in the order in which they were measured; ``groups`` say what belongs together (the repetitions of one
    body), is left out together and judged together. Raises FitError for shapes that do not agree, for numbers that are
    not finite and standard deviations that are not above 0.
    """

    rows: tuple[str, ...]
    groups: tuple[str, ...]
    priors: tuple[Prior, ...]
    counts: Array
    values: Array
    sds: Array

    def __post_init__(self) -> None:
        for name in ("counts", "values", "sds"):
            array = np.array(getattr(self, name), dtype=float)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        self._check_shapes()
        self._check_numbers()

    def _check_shapes(self) -> None:
        rows, parameters = len(self.rows), len(self.priors)
        shapes = {name: getattr(self, name).shape for name in ("counts", "values", "sds")} | {"groups": (len(self.groups),)}
        for name, got in shapes.items():
            shape = (rows, parameters) if name == "counts" else (rows,)
            if got != shape:
                raise FitError(f"{name}: expected shape {shape}, got {got}")
        if not rows or not parameters:
            raise FitError(f"a fit needs rows and parameters; there are {rows} and {parameters}")
        names = [prior.name for prior in self.priors]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise FitError(f"parameters occur twice: {', '.join(twice)}")

    def _check_numbers(self) -> None:
        sound = np.isfinite(self.counts).all(axis=1) & np.isfinite(self.values) & np.isfinite(self.sds) & (self.sds > 0)
        if not sound.all():
            number = int(np.flatnonzero(~sound)[0])
            raise FitError(f"row {self.rows[number]}: needs finite numbers, and a standard deviation above 0")

    @property
    def means(self) -> Array:
        """Prior means, (parameters,)."""
        return np.array([prior.mean for prior in self.priors], dtype=float)

    @property
    def prior_sds(self) -> Array:
        """Prior standard deviations, (parameters,)."""
        return np.array([prior.sd for prior in self.priors], dtype=float)

    @property
    def integers(self) -> npt.NDArray[np.bool_]:
        """Which parameters are integers, (parameters,)."""
        return np.array([prior.integer for prior in self.priors])

    @property
    def bounds(self) -> tuple[Array, Array]:
        """Lowest and highest values, (parameters,) each."""
        return np.array([prior.low for prior in self.priors]), np.array([prior.high for prior in self.priors])

    def residuals(self, values: Array) -> Array:
        """Measured less predicted, in standard deviations, (rows,)."""
        whitened: Array = (self.values - self.counts @ values) / self.sds
        return whitened


@dataclass(frozen=True, eq=False)
class Solution:
    """Where the minimum is: ``values`` (parameters,), what each row weighs there, 0 .. 1, and the normal matrix."""

    values: Array
    weights: Array
    normal: Array


def huber(residuals: Array) -> Array:
    """Weights of rows by their residuals in standard deviations."""
    return np.minimum(1, HUBER / np.maximum(np.abs(residuals), 1e-300))


def tukey(residuals: Array) -> Array:
    """The same, 0 beyond 4.685."""
    weights: Array = np.where(np.abs(residuals) < TUKEY, (1 - (residuals / TUKEY) ** 2) ** 2, 0.0)
    return weights


def solve(problem: Problem, start: Array | None = None) -> Solution:
    """Minimum over real numbers. ``start``: that of a problem so similar that Huber's loss is not needed to come near it."""
    weights = np.ones(len(problem.rows)) if start is None else tukey(problem.residuals(start))
    values, normal = _weighted(problem, weights, start)
    for loss in (huber, tukey) if start is None else (tukey,):
        for _ in range(ITERATIONS):
            weights, before = loss(problem.residuals(values)), values
            values, normal = _weighted(problem, weights, values)
            if np.all(np.abs(values - before) <= SETTLED * problem.prior_sds):
                break
    return Solution(values, weights, normal)


def solve_integers(problem: Problem, real: Solution) -> Solution:
    """Minimum with the integer parameters on integers, from that over real numbers."""
    solution, seen = real, None
    for _ in range(10):
        values = _lattice(problem, solution)
        if seen is not None and np.array_equal(values, seen):
            break
        seen, weights = values, tukey(problem.residuals(values))
        free, normal = _weighted(problem, weights)
        solution = Solution(free, weights, normal)
    assert seen is not None
    return Solution(seen, solution.weights, solution.normal)


def _weighted(problem: Problem, weights: Array, near: Array | None = None) -> tuple[Array, Array]:
    """Minimum and normal matrix of the quadratic with these weights of the rows, within bounds; ``near``: not far from it."""
    scaled = problem.counts * (weights / problem.sds**2)[:, None]
    precisions = problem.prior_sds**-2
    normal = problem.counts.T @ scaled + np.diag(precisions)
    right = scaled.T @ problem.values + precisions * problem.means
    return _bounded(normal, right, *problem.bounds, near), normal


def _bounded(normal: Array, right: Array, low: Array, high: Array, near: Array | None = None) -> Array:
    """Minimum of b.N.b/2 - r.b within bounds, by an active set: hold what leaves, release what pulls back.

    Held to begin with is what is at its bound ``near`` by.
    """
    values = np.zeros(len(right)) if near is None else np.clip(near, low, high)
    held = np.zeros(len(right), dtype=bool) if near is None else (near <= low) | (near >= high)
    for _ in range(3 * len(right) + 1):
        free = ~held
        rest = right[free] - normal[np.ix_(free, held)] @ values[held]
        values[free] = np.linalg.solve(normal[np.ix_(free, free)], rest)
        outside = (values < low) | (values > high)
        if outside.any():
            held |= outside
            values = np.clip(values, low, high)
            continue
        slope = normal @ values - right
        back = held & (((values <= low) & (slope < -NEGLIGIBLE)) | ((values >= high) & (slope > NEGLIGIBLE)))
        if not back.any():
            break
        held[np.argmax(np.where(back, np.abs(slope), -1))] = False
    return values


def _lattice(problem: Problem, solution: Solution) -> Array:
    """Values with integers in their places, by the quadratic around ``solution``."""
    integer = problem.integers
    if not integer.any():
        return solution.values
    low, high = problem.bounds
    low, high = np.ceil(low[integer]), np.floor(high[integer])
    normal, cross = solution.normal[np.ix_(integer, integer)], solution.normal[np.ix_(integer, ~integer)]
    # what the real parameters give way is no cost of the integers: Schur's complement
    gives = np.linalg.solve(solution.normal[np.ix_(~integer, ~integer)], cross.T)
    reduced = normal - cross @ gives
    found = _improved(reduced, solution.values[integer], _rounded(reduced, solution.values[integer], low, high), low, high)
    values = solution.values.copy()
    values[integer] = found
    values[~integer] -= gives @ (found - solution.values[integer])
    bottom, top = problem.bounds
    return np.clip(values, bottom, top)


def _rounded(normal: Array, centre: Array, low: Array, high: Array) -> Array:
    """Integers near ``centre``: the most certain is rounded, the others follow it, and so on."""
    values, left = centre.copy(), list(range(len(centre)))
    while left:
        covariance = np.linalg.inv(normal[np.ix_(left, left)])
        place = int(np.argmin(np.diag(covariance)))
        number = left.pop(place)
        step = np.clip(np.rint(values[number]), low[number], high[number]) - values[number]
        others = np.delete(np.arange(len(covariance)), place)
        values[left] += covariance[others, place] / covariance[place, place] * step
        values[number] += step
    return np.clip(np.rint(values), low, high)


def _improved(normal: Array, centre: Array, values: Array, low: Array, high: Array) -> Array:
    """No step of one, in any one or two integers at once, comes nearer to ``centre`` than what is returned."""
    own = np.diag(normal)
    for _ in range(100 * len(values)):
        slope = normal @ (values - centre)
        best, change = -NEGLIGIBLE, np.zeros(len(values))
        for first in (-1.0, 1.0):
            may = (values + first >= low) & (values + first <= high)
            single = np.where(may, first * slope + own / 2, np.inf)
            for second in (-1.0, 1.0):
                other = (values + second >= low) & (values + second <= high)
                alone = np.where(other, second * slope + own / 2, np.inf)
                gain = single[:, None] + alone[None, :] + first * second * normal
                np.fill_diagonal(gain, single)
                place = np.unravel_index(int(np.argmin(gain)), gain.shape)
                if gain[place] < best:
                    best, change = gain[place], np.zeros(len(values))
                    change[place[1]], change[place[0]] = second, first
        if not change.any():
            break
        values = values + change
    return values


def leverage_of(problem: Problem, solution: Solution, bends: npt.NDArray[np.bool_] | None = None) -> Array:
    """How far each row settles its own prediction, 0 .. 1, (rows,); ``bends``: by these parameters, the others being known."""
    chosen = np.ones(len(problem.priors), dtype=bool) if bends is None else bends
    whitened = problem.counts[:, chosen] / problem.sds[:, None] * np.sqrt(solution.weights)[:, None]
    normal = solution.normal[np.ix_(chosen, chosen)]
    hat: Array = np.einsum("ij,ji->i", whitened, np.linalg.solve(normal, whitened.T))
    return hat


def inseparable(problem: Problem, weak: float = 1.0, share: float = 0.02) -> tuple[tuple[tuple[str, ...], int], ...]:
    """Sets of parameters that the rows cannot separate, each with the number of directions that stay open in it.

    The whitened counts, each parameter in units of its prior's standard deviation, are taken apart by their singular values;
    the priors take no part. A direction with a singular value below ``weak`` is one of which the rows tell less than the prior;
    a parameter of which more than ``share`` lies in such directions is named, with those it shares them with.
    """
    whitened = problem.counts / problem.sds[:, None] * problem.prior_sds
    # the triangle has the same singular values and directions, and no side as long as there are rows
    _, sizes, directions = np.linalg.svd(np.linalg.qr(whitened, mode="r"), full_matrices=True)
    sizes = np.concatenate([sizes, np.zeros(len(directions) - len(sizes))])
    open_ = directions[sizes < weak]
    # Bases of one space differ; the projector on it does not.
    projector = open_.T @ open_
    linked = np.abs(projector) > share
    return tuple(
        (tuple(problem.priors[i].name for i in part), max(1, round(float(np.trace(projector[np.ix_(part, part)])))))
        for part in _connected(linked)
    )


def _connected(linked: npt.NDArray[np.bool_]) -> Sequence[list[int]]:
    """Connected parts of a graph, of those nodes that are linked to themselves."""
    parts: list[list[int]] = []
    left = [int(node) for node in np.flatnonzero(np.diag(linked))]
    while left:
        part, edge = [], [left.pop(0)]
        while edge:
            node = edge.pop()
            part.append(node)
            near = [other for other in left if linked[node, other]]
            left = [other for other in left if other not in near]
            edge += near
        parts.append(sorted(part))
    return parts

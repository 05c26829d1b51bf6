"""adapt: a model of a board from a few measurements of it, as a mixture of boards with the same core that are known.

What a layer takes beside the core's own cycles is waiting for memories. Boards that are known stand for kinds of memories,
and a new one is told by how much it has of each: weights that are not negative, held to equal shares, since ten measurements
cannot say more. Not modelled: a memory that is slower, for some kinds of layers, than all of those known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cost_models.errors import CostModelError
from cost_models.estimates import QUANTILES
from cost_models.layers import Layers
from cost_models.linear import Linear, LinearFit
from cost_models.model import WIDEN, Networks, Spread, State, layers_of
from cost_models.regression import nonnegative
from cost_models.shipped import boards_like, load
from cost_models.student import reach

HELD = 1e-3
"""How much weights are held to equal shares: a measurement of all boards alike is worth a hundred to one of their
differences."""

LEAST = 3
"""Measurements, for an interval."""


def adapted(
    board: str, clock_hertz: int, networks: Networks, latency_seconds: Sequence[float], like: Sequence[str | Linear] = (),
    name: str = "",
) -> Linear:  # fmt: skip
    """A model of a board, from the ``latency_seconds`` of ``networks`` measured on it at ``clock_hertz``.

    ``board``: one of the same core, whose sizes and energy per cycle are taken. ``like``: boards or models to mix, () for all
    boards of its core that models are shipped for. ``name``: what the new board is called. Intervals are from measurements that
    were left out, one by one, and as wide as so few of them allow (Student's t). CostModelError for fewer than three.
    """
    layers, met = layers_of(networks), np.asarray(latency_seconds, np.float64) * clock_hertz
    if len(met) != len(layers) or len(met) < LEAST:
        raise CostModelError(f"{len(met)} measurements of {len(layers)} networks; allowed: one each, of {LEAST} and more")
    if not (np.isfinite(met).all() and (met > 0).all()):
        raise CostModelError(f"a measured latency of {min(latency_seconds)} s; allowed: more than 0")
    known = [each if isinstance(each, Linear) else load(each) for each in (like or boards_like(board))]
    states = [model.learnt for model in known if isinstance(model, Linear)]
    guessed = np.stack([_cycles(state, layers) for state in states], axis=1)
    weights = _weights(guessed, met)
    base = next((state for state in states if state.board == board), states[0])
    fit = _mixed([_linear(state) for state in states], weights, _linear(base))
    model = Linear()
    model.state_ = replace(base, board=name or board, clock_hertz=clock_hertz, layers=fit)
    deviations = model.costs_of(layers, WIDEN)[0].deviations * clock_hertz
    model.state_ = replace(model.state_, spreads=tuple(_spread(guessed, met, deviations) for _ in base.spreads))
    return model


def _linear(state: State) -> LinearFit:
    assert isinstance(state.layers, LinearFit)
    return state.layers


def _cycles(state: State, layers: Layers) -> np.ndarray:
    return np.asarray(layers.per_network(state.layers.price(layers).values[0]))


def _weights(guessed: np.ndarray, met: np.ndarray) -> np.ndarray:
    """By board: what of each, summed, comes nearest to what was met, relative to that."""
    level = float(np.median(met / guessed.mean(axis=1)))
    shares = np.full(guessed.shape[1], level / guessed.shape[1])
    return nonnegative(guessed, met, HELD, met, shares)


def _mixed(fits: Sequence[LinearFit], weights: np.ndarray, base: LinearFit) -> LinearFit:
    """Cycles are mixed; joules stay those of the base for each of its cycles."""
    coefficients = base.coefficients.copy()
    coefficients[0] = np.einsum("b,bkw->kw", weights, np.stack([fit.coefficients[0] for fit in fits]))
    ratio = coefficients[0].sum() / max(base.coefficients[0].sum(), 1e-30)
    coefficients[1:] *= ratio
    largest = base.largest.copy()
    for fit in fits:
        largest = np.fmax(largest, fit.largest)
    return replace(base, coefficients=coefficients, largest=largest)


def _spread(guessed: np.ndarray, met: np.ndarray, deviations: np.ndarray) -> Spread:
    """From errors of measurements that took no part, in the deviations that the model tells."""
    count, scores = len(met), []
    for place in range(count):
        others = np.arange(count) != place
        scores.append((guessed[place] @ _weights(guessed[others], met[others]) - met[place]) / deviations[place])
    size = float(np.sqrt(np.mean(np.square(scores)) * (1 + 1 / count)))
    reaches = {share: size * reach(share, count - 1) for share in QUANTILES}
    return Spread(reaches, reaches)



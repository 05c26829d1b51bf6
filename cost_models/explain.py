"""explain: what a linear model adds up for a network, term by term."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cost_models.errors import CostModelError
from cost_models.features import counted
from cost_models.kinds import KINDS
from cost_models.linear import Linear, LinearFit
from cost_models.model import CostModel, Networks, layers_of


@dataclass(frozen=True, slots=True)
class Contribution:
    """One term of one layer: it is counted ``count`` times, and takes ``cycles_each``. ``layer``: its place in the network."""

    layer: int
    name: str
    kind: str
    term: str
    count: float
    cycles_each: float

    @property
    def cycles(self) -> float:
        """What it takes."""
        return self.count * self.cycles_each


def explain(model: CostModel, network: Networks) -> Sequence[Contribution]:
    """All terms that take something, layer after layer, the largest of each first; they add up to the latency in cycles.

    CostModelError for a model that is not a sum of terms.
    """
    if not isinstance(model, Linear):
        raise CostModelError(f"{type(model).__name__} is no sum of terms; allowed: a Linear model")
    layers, fit = layers_of(network), model.learnt.layers
    assert isinstance(fit, LinearFit)
    kinds, counts = counted(layers.table, fit.dsp, layers.starts)
    names = layers.layer_names or tuple(map(str, range(len(kinds))))
    return [
        Contribution(place, names[place], KINDS[code].name, name, count, each)
        for place, code in enumerate(kinds.tolist())
        for name, count, each in _terms(code, counts[place], fit.coefficients[0, code])
    ]


def _terms(code: int, counts: np.ndarray, coefficients: np.ndarray) -> list[tuple[str, float, float]]:
    """Name, count and cycles of each."""
    cycles = counts * coefficients
    order = np.argsort(-cycles, kind="stable")
    return [(KINDS[code].terms[p], float(counts[p]), float(coefficients[p])) for p in order.tolist() if cycles[p] > 0]

"""evaluate: how far a model is off on networks that it has not seen: by network, by family, by board."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cost_models.costs import Costs
from cost_models.estimates import Estimate
from cost_models.layers import Layers
from cost_models.model import WIDEN, LearningModel
from cost_models.store import Examples

HELD_OUT = 5
"""Every fifth network is held out."""

Made = Callable[[Layers, Costs], LearningModel]
"""Fits a model."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Relative errors of ``networks``: their median, the shares within 5 and 10 %, the largest; the share of 90 % intervals
    that hold what was met; Kendall's tau.
    """

    networks: int
    median: float
    within_5_percent: float
    within_10_percent: float
    largest: float
    covered: float
    kendall_tau: float


def errors_of(estimate: Estimate, met: np.ndarray) -> Errors:
    """Of estimates, beside what was met."""
    errors = np.abs(estimate.values / met - 1)
    low, high = estimate.interval(0.9)
    return Errors(
        len(met), float(np.median(errors)), float((errors <= 0.05).mean()), float((errors <= 0.10).mean()), float(errors.max()),
        float(((low <= met) & (met <= high)).mean()), kendall_tau(estimate.values, met),
    )  # fmt: skip


def kendall_tau(left: np.ndarray, right: np.ndarray) -> float:
    """Kendall's tau-a: how often two orders agree about a pair, less how often they do not."""
    signs = np.sign(left[:, None] - left) * np.sign(right[:, None] - right)
    pairs = len(left) * (len(left) - 1)
    return float(signs.sum() / pairs) if pairs else 1.0


def split(examples: Examples) -> tuple[Examples, Examples]:
    """Networks to learn from, and those held out; by network, never by layer."""
    numbers = range(len(examples.layers))
    return (
        examples.selected([n for n in numbers if n % HELD_OUT]), examples.selected([n for n in numbers if not n % HELD_OUT])
    )  # fmt: skip


def known_to(model: LearningModel, examples: Examples) -> Examples:
    """The networks of which the model knows all layers."""
    known = model.learnt.layers.price(examples.layers.table).known
    return examples.selected(np.flatnonzero(examples.layers.per_network(~known) == 0).tolist())


def told(model: LearningModel, held: Examples) -> Mapping[str, Errors]:
    """Errors by quantity, on networks that the model knows all layers of."""
    held = known_to(model, held)
    estimates, costs = model.predict(held.layers, outside=WIDEN), held.costs
    found = {"latency": errors_of(estimates.latency_seconds, held.layers.per_network(costs.cycles) / costs.clock_hertz)}
    if estimates.energy_joules is not None:
        found["energy"] = errors_of(estimates.energy_joules, held.layers.per_network(costs.joules))
    return found


def held_out(make: Made, examples: Examples) -> Mapping[str, Errors]:
    """Of a model that has learnt from four networks in five, on the fifth ones."""
    learning, held = split(examples)
    return told(make(learning.layers, learning.costs), held)


def by_family(make: Made, examples: Examples) -> Mapping[str, Mapping[str, Errors]]:
    """The same, family by family."""
    learning, held = split(examples)
    model = make(learning.layers, learning.costs)
    return {family: told(model, of_family(held, {family})) for family in dict.fromkeys(held.families)}


def without_family(make: Made, examples: Examples) -> Mapping[str, Mapping[str, Errors]]:
    """Of models that have learnt from all families but one, on that."""
    families = dict.fromkeys(examples.families)
    found = {}
    for family in families:
        others = of_family(examples, set(families) - {family})
        found[family] = told(make(others.layers, others.costs), of_family(examples, {family}))
    return found


def of_family(examples: Examples, families: set[str]) -> Examples:
    """The networks of some families."""
    return examples.selected([n for n, family in enumerate(examples.families) if family in families])


def rows_of(title: str, errors: Mapping[str, Errors]) -> Sequence[Sequence[str]]:
    """As rows of a table for people."""
    return [
        (title, quantity, f"{each.networks}", f"{each.median:.2%}", f"{each.within_5_percent:.1%}",
        f"{each.within_10_percent:.1%}",
         f"{each.largest:.1%}", f"{each.covered:.1%}", f"{each.kendall_tau:.3f}")
        for quantity, each in errors.items()
    ]  # fmt: skip


COLUMNS = ("", "quantity", "networks", "median error", "within 5 %", "within 10 %", "largest", "90 % intervals hold", "tau")

"""evaluate: how far a model is off on networks that it has not seen: by network, by family, by board."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet

import numpy as np

from cost_models.accuracy import POINTS, Accuracy, Errors, Points, errors_of
from cost_models.model import WIDEN, LearningModel
from cost_models.store import Examples

HELD_OUT = 5
"""Every fifth network is held out."""

Made = Callable[[AbstractSet[str]], LearningModel]
"""A model that has not seen the networks of these names, on any board."""


def held(examples: Examples) -> Examples:
    """Every fifth network; by network, never by layer."""
    return examples.selected(range(0, len(examples.layers), HELD_OUT))


def without(examples: Examples, names: AbstractSet[str]) -> Examples:
    """The networks of other names."""
    return examples.selected([place for place, name in enumerate(examples.layers.names) if name not in names])


def of_family(examples: Examples, family: str) -> Examples:
    """The networks of a family."""
    return examples.selected([place for place, each in enumerate(examples.families) if each == family])


def known_to(model: LearningModel, examples: Examples) -> Examples:
    """The networks of which the model knows all layers."""
    known = model.learnt.layers.price(examples.layers.table).known
    return examples.selected(np.flatnonzero(examples.layers.per_network(~known) == 0).tolist())


def told(model: LearningModel, asked: Examples) -> Mapping[str, Errors]:
    """Errors by quantity, on networks that the model knows all layers of; none where there are none of those."""
    asked = known_to(model, asked)
    if not len(asked.layers):
        return {}
    estimates, costs = model.predict(asked.layers, outside=WIDEN), asked.costs
    found = {"latency": errors_of(estimates.latency_seconds, seconds_of(asked))}
    if estimates.energy_joules is not None:
        found["energy"] = errors_of(estimates.energy_joules, asked.layers.per_network(costs.joules))
    found["RAM"] = errors_of(estimates.ram_bytes, costs.ram_bytes)
    found["flash"] = errors_of(estimates.flash_bytes, costs.flash_bytes)
    return found


def seconds_of(examples: Examples) -> np.ndarray:
    """What each network took."""
    return np.asarray(examples.layers.per_network(examples.costs.cycles) / examples.costs.clock_hertz)


def accuracy(make: Made, examples: Examples) -> Accuracy:
    """Of a model that has learnt from four networks in five, on the fifth ones, as a whole and by family; and of those that
    have learnt from all families but one.
    """
    asked = held(examples)
    model = make(frozenset(asked.layers.names))
    families = tuple(dict.fromkeys(examples.families))
    by_family = {family: told(model, of_family(asked, family)) for family in families}
    return Accuracy(told(model, asked), by_family, without_family(make, examples), points(model, asked))


def without_family(make: Made, examples: Examples) -> Mapping[str, Mapping[str, Errors]]:
    """Of models that have learnt from all families but one, on that; none where there is no other."""
    families = tuple(dict.fromkeys(examples.families))
    parts = {family: of_family(examples, family) for family in families[: len(families) if families[1:] else 0]}
    return {family: told(make(frozenset(part.layers.names)), part) for family, part in parts.items()}


def points(model: LearningModel, asked: Examples) -> Points:
    """Latencies of some of the networks."""
    asked = known_to(model, asked)
    asked = asked.selected(range(0, len(asked.layers), -(-len(asked.layers) // POINTS) or 1))
    if not len(asked.layers):
        return Points()
    estimates = model.predict(asked.layers, outside=WIDEN).latency_seconds
    return Points(asked.families, tuple(seconds_of(asked).tolist()), tuple(estimates.values.tolist()))


def rows_of(title: Sequence[str], errors: Mapping[str, Errors]) -> Sequence[Sequence[str]]:
    """As rows of a table for people: ``title`` in the first columns, COLUMNS in the others."""
    return [
        (*title, quantity, f"{each.networks:,}", f"{each.median:.2%}", f"{each.within_5_percent:.1%}",
         f"{each.within_10_percent:.1%}", f"{each.largest:.1%}", f"{each.coverage[0.9]:.1%}", f"{each.kendall_tau:.3f}")
        for quantity, each in errors.items()
    ]  # fmt: skip


COLUMNS = ("quantity", "networks", "median error", "within 5 %", "within 10 %", "largest", "90 % intervals hold", "tau")

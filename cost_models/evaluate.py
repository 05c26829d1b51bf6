"""evaluate: how far a model is off on networks that it has not seen: by network, by family, by board."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from cost_models.accuracy import POINTS, Accuracy, Errors, Points, errors_of
from cost_models.estimates import Estimate
from cost_models.model import WIDEN, LearningModel
from cost_models.store import Examples

FOLDS = 5
"""Parts of the networks, each of which is held out once."""

Made = Callable[[AbstractSet[str]], LearningModel]
"""A model that has not seen the networks of these names, on any board."""


def held(examples: Examples, fold: int = 0, folds: int = FOLDS) -> Examples:
    """Every fifth network from ``fold`` on; by network, never by layer."""
    return examples.selected(range(fold, len(examples.layers), folds))


def without(examples: Examples, names: AbstractSet[str]) -> Examples:
    """The networks of other names."""
    return examples.selected([place for place, name in enumerate(examples.layers.names) if name not in names])


def of_family(examples: Examples, family: str) -> Examples:
    """The networks of a family."""
    return examples.selected([place for place, each in enumerate(examples.families) if each == family])


def known_to(model: LearningModel, examples: Examples) -> Examples:
    """The networks of which the model knows all layers."""
    known = model.learnt.layers.price(examples.layers).known
    return examples.selected(np.flatnonzero(examples.layers.per_network(~known) == 0).tolist())


@dataclass(frozen=True, slots=True)
class Joined:
    """Estimates of several models as one, in order."""

    parts: tuple[Estimate, ...]

    @property
    def values(self) -> np.ndarray:
        """Of all parts."""
        return np.concatenate([part.values for part in self.parts])

    def interval(self, share: float) -> tuple[np.ndarray, np.ndarray]:
        """Of all parts, each with what its model has met."""
        ends = [part.interval(share) for part in self.parts]
        return np.concatenate([low for low, _ in ends]), np.concatenate([high for _, high in ends])


@dataclass(frozen=True, slots=True)
class Told:
    """What models that had not seen them told of networks, and what these took: by quantity."""

    families: tuple[str, ...]
    met: Mapping[str, np.ndarray]
    estimates: Mapping[str, tuple[Estimate, ...]]

    def errors(self) -> Mapping[str, Errors]:
        """By quantity; none where there are no networks."""
        if not self.families:
            return {}
        return {name: errors_of(Joined(self.estimates[name]), met) for name, met in self.met.items()}


def joined(parts: Sequence[Told]) -> Told:
    """One after the other."""
    parts = [part for part in parts if part.families]
    names = parts[0].met if parts else ()
    return Told(
        tuple(family for part in parts for family in part.families),
        {name: np.concatenate([part.met[name] for part in parts]) for name in names},
        {name: tuple(each for part in parts for each in part.estimates[name]) for name in names},
    )


def told(model: LearningModel, asked: Examples) -> Told:
    """By quantity, of networks that the model knows all layers of. RAM and flash are not learnt, and not among them."""
    asked = known_to(model, asked)
    if not len(asked.layers):
        return Told((), {}, {})
    latency, energy, _ = model.costs_of(asked.layers, WIDEN)
    costs, met, found = asked.costs, {"latency": seconds_of(asked)}, {"latency": (latency,)}
    if energy is not None:
        met["energy"], found["energy"] = asked.layers.per_network(costs.joules), (energy,)
    return Told(asked.families, met, found)


def seconds_of(examples: Examples) -> np.ndarray:
    """What each network took."""
    return np.asarray(examples.layers.per_network(examples.costs.cycles) / examples.costs.clock_hertz)


def accuracy(make: Made, examples: Examples) -> Accuracy:
    """Of models that have learnt from four networks in five, on the fifth ones, each network being one of those once; as a
    whole and by family; and of those that have learnt from all families but one.
    """
    folds = [held(examples, fold) for fold in range(min(FOLDS, len(examples.layers)))]
    parts = [(make(frozenset(fold.layers.names)), fold) for fold in folds]
    families = tuple(dict.fromkeys(examples.families))
    by_family = {
        family: joined([told(model, of_family(fold, family)) for model, fold in parts]).errors() for family in families
    }  # fmt: skip
    whole = joined([told(model, fold) for model, fold in parts])
    return Accuracy(whole.errors(), by_family, without_family(make, examples), points(whole))


def without_family(make: Made, examples: Examples) -> Mapping[str, Mapping[str, Errors]]:
    """Of models that have learnt from all families but one, on that; none where there is no other."""
    families = tuple(dict.fromkeys(examples.families))
    parts = {family: of_family(examples, family) for family in families[: len(families) if families[1:] else 0]}
    return {family: told(make(frozenset(part.layers.names)), part).errors() for family, part in parts.items()}


def points(whole: Told) -> Points:
    """Latencies of some of the networks."""
    some = slice(0, None, -(-len(whole.families) // POINTS) or 1)
    if not whole.families:
        return Points()
    values = Joined(whole.estimates["latency"]).values
    return Points(whole.families[some], tuple(whole.met["latency"][some].tolist()), tuple(values[some].tolist()))


def rows_of(title: Sequence[str], errors: Mapping[str, Errors]) -> Sequence[Sequence[str]]:
    """As rows of a table for people: ``title`` in the first columns, COLUMNS in the others."""
    return [
        (*title, quantity, f"{each.networks:,}", f"{each.median:.2%}", f"{each.within_5_percent:.1%}",
         f"{each.within_10_percent:.1%}", f"{each.largest:.1%}", f"{each.coverage[0.9]:.1%}", f"{each.kendall_tau:.3f}")
        for quantity, each in errors.items()
    ]  # fmt: skip


COLUMNS = ("quantity", "networks", "median error", "within 5 %", "within 10 %", "largest", "90 % intervals hold", "tau")

"""Costs that are made up by a formula, so that what a model should learn is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from cost_models.costs import NETWORK, Costs
from cost_models.features import counted_plainly
from cost_models.layers import CODES, Layers, from_network, joined
from cost_models.model import LearningModel
from cost_models.sampling import sample
from cost_models.shipped import class_of
from mcusim.network import Network

HERTZ = 1_000_000
JOULES_PER_CYCLE = 2e-9

QUICK: Mapping[str, Mapping[str, int]] = {"trees": {"trees": 20}, "neural": {"width": 16, "steps": 150, "batch": 256}}
"""Parameters with which models are fitted quickly, by name."""

FITTED_BY = {"trees": "sklearn", "neural": "torch"}
"""What some models are fitted by."""


def networks(count: int, seed: int = 3) -> Sequence[Network]:
    return [sample(seed, number) for number in range(count)]


def cycles_of(layers: Layers) -> np.ndarray:
    """One to five cycles for each of the terms; nothing for a view."""
    _, terms = counted_plainly(layers.table, True, layers.starts)
    made = terms @ (1 + np.arange(terms.shape[1]) % 5)
    return np.round(np.where(layers.table["operator"] == CODES["Reshape"], 0, made)).astype(np.int64)


def costs_of(layers: Layers, energy: bool = True) -> Costs:
    cycles = cycles_of(layers)
    rows = np.zeros(len(layers), NETWORK)
    rows["arena_bytes"] = layers.largest(layers.table["live_bytes"])
    rows["static_bytes"], rows["stack_bytes"], rows["code_bytes"] = 100, 900, 20_000
    rows["weight_bytes"] = layers.per_network(layers.table["weight_bytes"])
    joules = cycles * JOULES_PER_CYCLE if energy else np.full(len(cycles), np.nan)
    return Costs("m4", HERTZ, cycles, joules, rows)


def examples(count: int, energy: bool = True) -> tuple[Layers, Costs]:
    layers = joined(map(from_network, networks(count)))
    return layers, costs_of(layers, energy)


def quick(name: str) -> LearningModel:
    """A model that learns in a second. Skips where what it is fitted by is missing."""
    if name in FITTED_BY:
        pytest.importorskip(FITTED_BY[name], reason=f"{FITTED_BY[name]} is missing, by which {name} is fitted")
    return class_of(name)(**QUICK.get(name, {}))

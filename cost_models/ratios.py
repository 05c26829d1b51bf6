"""Ratios: a rough cost of each kind of layer, and how many times that was met. What lookup, trees and neural have in common.

Rough is a call, and so much for each byte and each multiply-accumulate. What is left to learn is near 1, has no unit, and stays
as it is where layers grow beyond what was met; so no model here grows without bounds or falls to nothing outside its data.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np

from cost_models.errors import CostModelError
from cost_models.features import counted
from cost_models.kinds import CODE_OF, KINDS
from cost_models.layers import Layers
from cost_models.model import LearningModel, Priced
from cost_models.regression import nonnegative

CONSTANTS = ("per_call", "per_byte", "per_mac")
LARGEST = ("macs", "weight_bytes", "input_bytes", "output_bytes")

SLACK = 1.25
"""A layer is inside the domain where none of LARGEST is above the largest that was met, times this."""

LEAST_CYCLES, RIDGE, TINY = 30.0, 1e-6, 1e-30
"""As in ``cost_models.linear``."""

FURTHEST = 8.0
"""Natural logarithm of the ratio beyond which none is told."""


class Ratios(Protocol):
    """Logarithms of ratios."""

    def logs(self, table: np.ndarray, slots: np.ndarray) -> np.ndarray:
        """Of each row, whose kind is that of number ``slots``; [quantities, rows]."""

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""


@dataclass(frozen=True, slots=True)
class Rough:
    """Costs by kind. ``names``: kinds that were met; the place of one is its slot. ``constants``, [quantities, slots,
    CONSTANTS]; ``largest``, [slots, LARGEST]. ``dsp``: whether kernels use the DSP extension.
    """

    dsp: bool
    names: tuple[str, ...]
    constants: np.ndarray
    largest: np.ndarray

    def slots(self, table: np.ndarray) -> np.ndarray:
        """Of each row; -1 for a kind that was not met."""
        of_code = np.full(len(KINDS), -1)
        of_code[[CODE_OF[name] for name in self.names]] = np.arange(len(self.names))
        return np.asarray(of_code[counted(table, self.dsp)[0]])

    def values(self, table: np.ndarray, slots: np.ndarray) -> np.ndarray:
        """Costs, [quantities, rows]."""
        return np.einsum("rc,qrc->qr", counts(table), self.constants[:, slots])


def counts(table: np.ndarray) -> np.ndarray:
    """Calls, bytes and multiply-accumulates of each row, [rows, CONSTANTS]."""
    moved = table["input_bytes"] + table["output_bytes"] + table["weight_bytes"]
    return np.stack([np.ones(len(table)), moved, table["macs"]], axis=1).astype(np.float64)


def bounds(table: np.ndarray) -> np.ndarray:
    """LARGEST of each row."""
    return np.stack([table[name] for name in LARGEST], axis=1).astype(np.float64)


def fit_rough(table: np.ndarray, values: np.ndarray, dsp: bool) -> Rough:
    """Least squares of relative errors, kind by kind."""
    codes, features = counted(table, dsp)[0], counts(table)
    met = np.unique(codes)
    floors = np.maximum(LEAST_CYCLES * values.sum(axis=1) / max(values[0].sum(), TINY), TINY)
    sizes = np.maximum(values, floors[:, None])
    constants = [
        [nonnegative(features[rows], each[rows], RIDGE, size[rows]) for rows in (codes == code for code in met)]
        for each, size in zip(values, sizes, strict=True)
    ]
    largest = [bounds(table[codes == code]).max(axis=0) for code in met]
    return Rough(dsp, tuple(KINDS[code].name for code in met), np.array(constants), np.array(largest))


@dataclass(frozen=True, slots=True)
class RatioFit:
    """``relative``, [quantities, slots]: standard deviations, relative to the value."""

    rough: Rough
    ratios: Ratios
    relative: np.ndarray

    def price(self, layers: Layers) -> Priced:
        """Of each row."""
        table = layers.table
        slots = self.rough.slots(table)
        logs = np.clip(self.ratios.logs(table, slots), -FURTHEST, FURTHEST)
        values = self.rough.values(table, slots) * np.exp(logs)
        inside = (bounds(table) <= SLACK * self.rough.largest[slots]).all(axis=1)
        return Priced(values, values * self.relative[:, slots], slots >= 0, inside)

    def kinds(self, table: np.ndarray) -> np.ndarray:
        """The slot of each row."""
        return self.rough.slots(table)

    def with_deviations(self, relative: np.ndarray) -> Self:
        """With other relative deviations, [quantities, slots]."""
        return replace(self, relative=relative)

    def plain(self, quantities: Sequence[str]) -> dict[str, Any]:
        """Kinds by name, in the order of their slots, and the ratios."""
        kinds = {
            kind: {
                "largest": dict(zip(LARGEST, self.rough.largest[slot].tolist(), strict=True)),
                **{
                    name: dict(zip(CONSTANTS, self.rough.constants[place, slot].tolist(), strict=True))
                    | {"relative_deviation": float(self.relative[place, slot])}
                    for place, name in enumerate(quantities)
                },
            }
            for slot, kind in enumerate(self.rough.names)
        }
        return {"kinds": kinds, "ratios": self.ratios.plain()}


class RatioModel(LearningModel):
    """A model that learns ratios."""

    @abstractmethod
    def learn(self, table: np.ndarray, slots: np.ndarray, logs: np.ndarray, kinds: int) -> Ratios:
        """From logarithms of ratios that were met, [quantities, rows], of some of ``kinds`` slots."""

    @classmethod
    @abstractmethod
    def read_ratios(cls, plain: Mapping[str, Any], quantities: int, kinds: int) -> Ratios:
        """Those that ``Ratios.plain`` wrote; ValueError where they are none."""

    def fit_layers(self, layers: Layers, values: np.ndarray, dsp: bool) -> RatioFit:
        """A rough cost of each kind that is met, and ratios of all layers that cost something."""
        table = layers.table
        rough = fit_rough(table, values, dsp)
        slots = rough.slots(table)
        expected = rough.values(table, slots)
        rows = (expected > 0).all(axis=0) & (values > 0).all(axis=0)
        logs = np.log(values[:, rows] / expected[:, rows])
        kinds = len(rough.names)
        return RatioFit(rough, self.learn(table[rows], slots[rows], logs, kinds), np.zeros((len(values), kinds)))

    @classmethod
    def read_layers(cls, plain: Mapping[str, Any], quantities: Sequence[str], dsp: bool) -> RatioFit:
        """The fit that ``RatioFit.plain`` wrote. CostModelError for a kind that there is not."""
        kinds = plain["kinds"]
        for name in kinds:
            if name not in CODE_OF:
                raise CostModelError(f"a {cls.name} model of kind {name!r}, which this version has not")
        largest = np.array([[each["largest"][name] for name in LARGEST] for each in kinds.values()], np.float64)
        constants = [[[each[name][one] for one in CONSTANTS] for each in kinds.values()] for name in quantities]
        relative = [[each[name]["relative_deviation"] for each in kinds.values()] for name in quantities]
        rough = Rough(dsp, tuple(kinds), np.array(constants, np.float64), largest)
        ratios = cls.read_ratios(plain["ratios"], len(quantities), len(kinds))
        return RatioFit(rough, ratios, np.array(relative, np.float64))

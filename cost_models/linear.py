"""Linear: each kind of layer takes a sum of its features, with a coefficient each, fitted by ridge regression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from cost_models.errors import CostModelError
from cost_models.features import FEATURES, KIND_NAMES, features_of, kinds_of
from cost_models.model import LayerFit, LearningModel, Priced
from cost_models.regression import nonnegative

SLACK = 1.25
"""A layer is inside the domain where no feature is larger than the largest that was met, times this."""

FLOOR = 1e-6
"""Values count as at least this part of the largest, for relative errors."""


@dataclass(frozen=True, slots=True)
class LinearFit:
    """``coefficients``, [kinds, features]: NaN for kinds that were not met. ``largest``: the largest features that were met.

    ``relative``: standard deviations by kind, relative to the value.
    """

    coefficients: np.ndarray
    largest: np.ndarray
    relative: np.ndarray

    def price(self, table: np.ndarray) -> Priced:
        """Of each row."""
        kinds, features = kinds_of(table), features_of(table)
        values = (features * self.coefficients[kinds]).sum(axis=1)
        inside = (features <= SLACK * self.largest[kinds]).all(axis=1)
        return Priced(values, values * self.relative[kinds], np.isfinite(values), inside)

    def kinds(self, table: np.ndarray) -> Sequence[str]:
        """The name of the kind of each row."""
        return [KIND_NAMES[kind] for kind in kinds_of(table)]

    def with_deviations(self, deviations: Mapping[str, float]) -> Self:
        """With other relative deviations."""
        relative = [deviations.get(name, old) for name, old in zip(KIND_NAMES, self.relative, strict=True)]
        return replace(self, relative=np.array(relative))

    def plain(self) -> dict[str, Any]:
        """Kinds that were met, by name."""
        return {
            KIND_NAMES[kind]: {
                "coefficients": dict(zip(FEATURES, self.coefficients[kind].tolist(), strict=True)),
                "largest": dict(zip(FEATURES, self.largest[kind].tolist(), strict=True)),
                "relative_deviation": float(self.relative[kind]),
            }
            for kind in np.flatnonzero(np.isfinite(self.coefficients[:, 0]))
        }


class Linear(LearningModel):
    """``ridge``: how much large coefficients are held against a fit."""

    name: ClassVar[str] = "linear"

    def __init__(self, ridge: float = 1e-7) -> None:
        super().__init__()
        self.ridge = ridge

    def fit_layers(self, table: np.ndarray, values: np.ndarray) -> LayerFit:
        """A regression for each kind that is met."""
        kinds, features = kinds_of(table), features_of(table)
        made = _empty()
        for kind in np.unique(kinds):
            rows = kinds == kind
            floor = max(float(values[rows].max()) * FLOOR, np.finfo(np.float64).tiny)
            made.coefficients[kind] = nonnegative(features[rows], values[rows], self.ridge, floor)
            made.largest[kind] = features[rows].max(axis=0)
        return made

    @classmethod
    def read_layers(cls, plain: Mapping[str, Any]) -> LayerFit:
        """The fit that ``LinearFit.plain`` wrote. CostModelError for kinds or features that there are not."""
        made = _empty()
        for name, each in plain.items():
            if name not in KIND_NAMES or set(each["coefficients"]) != set(FEATURES):
                raise CostModelError(f"a linear model of kind {name!r} with features that this version has not")
            kind = KIND_NAMES.index(name)
            made.coefficients[kind] = [each["coefficients"][feature] for feature in FEATURES]
            made.largest[kind] = [each["largest"][feature] for feature in FEATURES]
            made.relative[kind] = each["relative_deviation"]
        return made


def _empty() -> LinearFit:
    shape = len(KIND_NAMES), len(FEATURES)
    return LinearFit(np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(len(KIND_NAMES)))

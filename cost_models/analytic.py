"""Analytic: a roofline. A layer takes as long as its multiply-accumulates or its bytes, whichever is longer, and a call.

Three constants for each operator. Not modelled: shapes of any kind, caches, odd channels, padding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from cost_models.errors import CostModelError
from cost_models.layers import OPERATORS, is_float
from cost_models.model import LayerFit, LearningModel, Priced

GROUPS = tuple(f"{name}{ending}" for name in OPERATORS for ending in ("", " float"))
"""An operator on integers, and on floats."""

CONSTANTS = ("per_mac", "per_byte", "per_call", "largest_macs", "largest_bytes", "relative_deviation")
SLACK = 1.25


@dataclass(frozen=True, slots=True)
class Roofline:
    """``constants``, [groups, CONSTANTS]: NaN for groups that were not met; in the unit of the quantity."""

    constants: np.ndarray

    def price(self, table: np.ndarray) -> Priced:
        """Of each row."""
        per_mac, per_byte, per_call, most_macs, most_bytes, relative = self.constants[groups_of(table)].T
        macs, moved = table["macs"].astype(np.float64), bytes_of(table)
        values = np.maximum(macs * per_mac, moved * per_byte) + per_call
        inside = (macs <= SLACK * most_macs) & (moved <= SLACK * most_bytes)
        return Priced(values, values * relative, np.isfinite(values), inside)

    def kinds(self, table: np.ndarray) -> Sequence[str]:
        """The name of the group of each row."""
        return [GROUPS[group] for group in groups_of(table)]

    def with_deviations(self, deviations: Mapping[str, float]) -> Self:
        """With other relative deviations."""
        constants = self.constants.copy()
        for name, value in deviations.items():
            constants[GROUPS.index(name), -1] = value
        return replace(self, constants=constants)

    def plain(self) -> dict[str, Any]:
        """Groups that were met, by name."""
        met = np.flatnonzero(np.isfinite(self.constants[:, 0]))
        return {GROUPS[group]: dict(zip(CONSTANTS, self.constants[group].tolist(), strict=True)) for group in met}


def groups_of(table: np.ndarray) -> np.ndarray:
    """The group of each row, as a place in GROUPS."""
    return 2 * table["operator"].astype(np.int64) + is_float(table)


def bytes_of(table: np.ndarray) -> np.ndarray:
    """Bytes that a layer reads and writes at least."""
    return (table["input_bytes"] + table["output_bytes"] + table["weight_bytes"]).astype(np.float64)


class Analytic(LearningModel):
    """No parameters; constants are medians of what was met."""

    name: ClassVar[str] = "analytic"

    def __init__(self) -> None:
        super().__init__()

    def fit_layers(self, table: np.ndarray, values: np.ndarray) -> LayerFit:
        """Constants of each group that is met."""
        groups, made = groups_of(table), Roofline(np.full((len(GROUPS), len(CONSTANTS)), np.nan))
        macs, moved = table["macs"].astype(np.float64), bytes_of(table)
        for group in np.unique(groups):
            rows = groups == group
            made.constants[group] = _constants(macs[rows], moved[rows], values[rows])
        return made

    @classmethod
    def read_layers(cls, plain: Mapping[str, Any]) -> LayerFit:
        """The fit that ``Roofline.plain`` wrote. CostModelError for a group that there is not."""
        made = Roofline(np.full((len(GROUPS), len(CONSTANTS)), np.nan))
        for name, each in plain.items():
            if name not in GROUPS:
                raise CostModelError(f"an analytic model of {name!r}, which is no operator of this version")
            made.constants[GROUPS.index(name)] = [each[constant] for constant in CONSTANTS]
        return made


def _constants(macs: np.ndarray, moved: np.ndarray, values: np.ndarray) -> tuple[float, ...]:
    """Rates from the larger half of the layers, then what a call takes besides, from the smaller half."""
    work, computing = (macs, True) if macs.any() else (moved, False)
    large = work >= np.median(work)
    rate = float(np.median(values[large] / np.maximum(work[large], 1)))
    small = work <= np.median(work)
    call = max(float(np.median(values[small] - rate * work[small])), 0.0)
    per_mac, per_byte = (rate, 0.0) if computing else (0.0, rate)
    return per_mac, per_byte, call, float(macs.max()), float(moved.max()), 0.0

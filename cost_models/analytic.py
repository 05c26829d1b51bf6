"""Analytic: a roofline. A layer takes as long as its multiply-accumulates or its bytes, whichever is longer, and a call.

Three constants for each operator. Not modelled: shapes of any kind, caches, odd channels, padding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from cost_models.errors import CostModelError
from cost_models.layers import OPERATORS, Layers, is_float
from cost_models.model import LearningModel, Priced

GROUPS = tuple(f"{name}{ending}" for name in OPERATORS for ending in ("", " float"))
"""An operator on integers, and on floats."""

CONSTANTS = ("per_mac", "per_byte", "per_call")
LARGEST = ("macs", "bytes")
SLACK = 1.25


@dataclass(frozen=True, slots=True)
class Roofline:
    """``constants``, [quantities, groups, CONSTANTS]; ``largest``, [groups, LARGEST], NaN for groups that were not met;
    ``relative``, [quantities, groups]: standard deviations, relative to the value.
    """

    constants: np.ndarray
    largest: np.ndarray
    relative: np.ndarray

    def price(self, layers: Layers) -> Priced:
        """Of each row."""
        table = layers.table
        groups = groups_of(table)
        per_mac, per_byte, per_call = np.moveaxis(self.constants[:, groups], 2, 0)
        work = np.stack([table["macs"].astype(np.float64), bytes_of(table)], axis=1)
        values = np.maximum(work[:, 0] * per_mac, work[:, 1] * per_byte) + per_call
        inside = (work <= SLACK * self.largest[groups]).all(axis=1)
        return Priced(values, values * self.relative[:, groups], np.isfinite(self.largest[groups, 0]), inside)

    def kinds(self, table: np.ndarray) -> np.ndarray:
        """The group of each row."""
        return groups_of(table)

    def with_deviations(self, relative: np.ndarray) -> Self:
        """With other relative deviations, [quantities, groups]."""
        return replace(self, relative=relative)

    def plain(self, quantities: Sequence[str]) -> dict[str, Any]:
        """Groups that were met, by name."""
        return {
            GROUPS[group]: {
                "largest": dict(zip(LARGEST, self.largest[group].tolist(), strict=True)),
                **{
                    name: dict(zip(CONSTANTS, self.constants[place, group].tolist(), strict=True))
                    | {"relative_deviation": float(self.relative[place, group])}
                    for place, name in enumerate(quantities)
                },
            }
            for group in np.flatnonzero(np.isfinite(self.largest[:, 0]))
        }


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

    def fit_layers(self, layers: Layers, values: np.ndarray, dsp: bool) -> Roofline:
        """Constants of each group that is met."""
        del dsp
        table = layers.table
        groups, made = groups_of(table), _empty(len(values))
        macs, moved = table["macs"].astype(np.float64), bytes_of(table)
        for group in np.unique(groups):
            rows = groups == group
            made.largest[group] = macs[rows].max(), moved[rows].max()
            for place, each in enumerate(values):
                made.constants[place, group] = _constants(macs[rows], moved[rows], each[rows])
        return made

    @classmethod
    def read_layers(cls, plain: Mapping[str, Any], quantities: Sequence[str], dsp: bool) -> Roofline:
        """The fit that ``Roofline.plain`` wrote. CostModelError for a group that there is not."""
        del dsp
        made = _empty(len(quantities))
        for name, each in plain.items():
            if name not in GROUPS:
                raise CostModelError(f"an analytic model of {name!r}, which is no operator of this version")
            group = GROUPS.index(name)
            made.largest[group] = [each["largest"][bound] for bound in LARGEST]
            for place, quantity in enumerate(quantities):
                made.constants[place, group] = [each[quantity][constant] for constant in CONSTANTS]
                made.relative[place, group] = each[quantity]["relative_deviation"]
        return made


def _empty(quantities: int) -> Roofline:
    shape = quantities, len(GROUPS)
    return Roofline(np.zeros((*shape, len(CONSTANTS))), np.full((len(GROUPS), len(LARGEST)), np.nan), np.zeros(shape))


def _constants(macs: np.ndarray, moved: np.ndarray, values: np.ndarray) -> tuple[float, ...]:
    """Rates from the larger half of the layers, then what a call takes besides, from the smaller half."""
    work, computing = (macs, True) if macs.any() else (moved, False)
    large = work >= np.median(work)
    rate = float(np.median(values[large] / np.maximum(work[large], 1)))
    small = work <= np.median(work)
    call = max(float(np.median(values[small] - rate * work[small])), 0.0)
    per_mac, per_byte = (rate, 0.0) if computing else (0.0, rate)
    return per_mac, per_byte, call

"""constraints: limits on what networks take, as people write them, and as Optuna and BoTorch ask for them.

Neither of the two is imported here. Both are told how far each figure is beyond its limit, relative to the limit: 0 and below
where it is met.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from cost_models.errors import CostModelError
from cost_models.estimates import Estimate, Estimates
from cost_models.layers import Layers
from cost_models.model import WIDEN, CostModel
from cost_models.shipped import load
from mcusim.network import Network

SECONDS = {"": 1.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
JOULES = {"": 1.0, "J": 1.0, "mJ": 1e-3, "uJ": 1e-6, "µJ": 1e-6, "nJ": 1e-9}
BYTES = {"": 1.0, "B": 1.0, "Ki": 1024.0, "KiB": 1024.0, "Mi": 1024.0**2, "MiB": 1024.0**2}

UNITS: Mapping[str, Mapping[str, float]] = {
    "latency_seconds": SECONDS, "energy_joules": JOULES, "ram_bytes": BYTES, "flash_bytes": BYTES,
}  # fmt: skip
"""Quantities that can be limited, and the units in which a limit can be written."""

_TEXT = re.compile(r"\s*(\w+)\s*(<=)\s*([0-9.]+(?:[eE][-+]?[0-9]+)?)\s*([A-Za-zµ]*)\s*")


@dataclass(frozen=True, slots=True)
class Constraint:
    """``quantity``, one of UNITS, is to be at most ``limit``, above 0, in the unit that its name says."""

    quantity: str
    limit: float

    def __post_init__(self) -> None:
        if self.quantity not in UNITS:
            raise CostModelError(f"a constraint on {self.quantity!r}; allowed: {', '.join(UNITS)}")
        if not (np.isfinite(self.limit) and self.limit > 0):
            raise CostModelError(f"{self.quantity}<={self.limit}: allowed is a limit above 0")

    def __str__(self) -> str:
        return f"{self.quantity}<={self.limit:g}"

    def of(self, estimates: Estimates) -> Estimate:
        """The quantity. CostModelError for an energy on a board without energy table."""
        found: Estimate | None = getattr(estimates, self.quantity)
        if found is None:
            raise CostModelError(f"{self}: {estimates.board} has no energy table")
        return found

    def margin(self, value: float) -> float:
        """Room below the limit, relative to it; negative where it is broken."""
        return float(1 - value / self.limit)


Constraints = str | Constraint | Sequence[str | Constraint]
"""Some of them; as text with commas between."""


def parsed(constraints: Constraints) -> tuple[Constraint, ...]:
    """``latency_seconds<=100ms, ram_bytes<=256Ki`` and the like. CostModelError for what is no constraint, and for none."""
    several = [constraints] if isinstance(constraints, str | Constraint) else constraints
    found = tuple(
        one
        for each in several
        for one in ([each] if isinstance(each, Constraint) else map(_read, each.split(",")))
    )
    if not found:
        raise CostModelError("no constraint; allowed: one or more, as latency_seconds<=0.1")
    return found


def _read(text: str) -> Constraint:
    found = _TEXT.fullmatch(text)
    if found is None:
        raise CostModelError(f"{text!r} is no constraint; allowed: QUANTITY<=NUMBER[UNIT], as latency_seconds<=100ms")
    quantity, _, number, unit = found.groups()
    if quantity not in UNITS:
        raise CostModelError(f"{text.strip()}: no quantity {quantity!r}; allowed: {', '.join(UNITS)}")
    units = UNITS[quantity]
    if unit not in units:
        raise CostModelError(f"{text.strip()}: unit {unit!r}; allowed: {', '.join(filter(None, units))}, or none")
    try:
        return Constraint(quantity, float(number) * units[unit])
    except ValueError:
        raise CostModelError(f"{text.strip()}: {number!r} is no number") from None


def excesses(
    networks: Sequence[Network | Layers], constraints: Constraints, model: CostModel | str, share: float | None = None
) -> np.ndarray:
    """How far each network is beyond each limit, [networks, constraints], relative to the limit; 0 and below where it is met.

    ``model``: or the board that the linear one is loaded of. ``share``: count the high ends of intervals that hold so much, and
    not the estimates themselves. Layers larger than all that the model has learnt from have wider intervals; a kind that it has
    not learnt is a CostModelError.
    """
    limits, asked = parsed(constraints), load(model) if isinstance(model, str) else model
    estimates = asked.predict(networks, outside=WIDEN)
    figures = (limit.of(estimates) for limit in limits)
    ends = [each.values if share is None else each.interval(share)[1] for each in figures]
    return np.stack([values / limit.limit - 1 for limit, values in zip(limits, ends, strict=True)], axis=1)


Built = Callable[[Any], Network | Layers]
"""The network, or the table of its layers, that a point of the search stands for."""


def optuna_constraints(
    build: Built, constraints: Constraints, model: CostModel | str, share: float | None = None
) -> Callable[[Any], tuple[float, ...]]:
    """Of a trial of Optuna, how far its network is beyond each limit: for ``Trial.set_constraint``, or as the
    ``constraints_func`` that samplers took before version 5.

    ``build`` is given the trial's ``params``.
    """
    limits = parsed(constraints)

    def constraints_func(trial: Any) -> tuple[float, ...]:
        return tuple(map(float, excesses([build(trial.params)], limits, model, share)[0]))

    return constraints_func


def botorch_outcomes(
    build: Built, constraints: Constraints, model: CostModel | str, share: float | None = None
) -> Callable[[Any], Any]:
    """The function of a BoTorch ``GenericDeterministicModel``: of points [..., d], how far their networks are beyond each
    limit, [..., constraints].

    ``build`` is given a point as an array [d].
    """
    limits = parsed(constraints)

    def outcomes(points: Any) -> Any:
        rows = np.asarray(points.detach().cpu()).reshape(-1, points.shape[-1])
        found = excesses([build(row) for row in rows], limits, model, share)
        return points.new_tensor(found.reshape(*points.shape[:-1], len(limits)).tolist())

    return outcomes


def botorch_constraints(count: int, first: int = 1) -> list[Callable[[Any], Any]]:
    """The ``constraints`` of BoTorch's acquisition functions: outcomes ``first`` and the ``count`` - 1 behind it are to be 0 at
    most.
    """
    return [partial(_outcome, place) for place in range(first, first + count)]


def _outcome(place: int, samples: Any) -> Any:
    return samples[..., place]

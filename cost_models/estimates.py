"""Estimates: what networks take, each figure with its standard deviation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from cost_models.errors import CostModelError

QUANTILES: Mapping[float, float] = {0.5: 0.6745, 0.8: 1.2816, 0.9: 1.6449, 0.95: 1.9600, 0.99: 2.5758}
"""Half of an interval around the mean in standard deviations, by the share of a normal distribution inside."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """One quantity: ``values`` and their standard ``deviations`` (0: exact), in the unit that its name says.

    ``reaches``: half of an interval in deviations, by the share of errors inside: those of a normal distribution, or as a model
    has met them on networks that it had not seen.
    """

    values: np.ndarray
    deviations: np.ndarray
    reaches: Mapping[float, float] = field(default_factory=lambda: QUANTILES)

    def interval(self, share: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Low and high ends that hold ``share`` of what is met; ``share`` one of QUANTILES."""
        if share not in self.reaches:
            raise CostModelError(f"an interval of {share}; allowed: {', '.join(map(str, self.reaches))}")
        half = self.reaches[share] * self.deviations
        return np.maximum(self.values - half, 0), self.values + half

    def times(self, factor: float) -> Estimate:
        """In another unit."""
        return Estimate(self.values * factor, self.deviations * factor, self.reaches)


def exactly(values: np.ndarray) -> Estimate:
    """Without doubt."""
    return Estimate(np.asarray(values, np.float64), np.zeros(len(values)))


@dataclass(frozen=True, slots=True)
class LayerEstimates:
    """Of each layer of all networks, one after the other; ``starts``: the first one of each network.

    A layer without code (a view) takes 0. ``energy_joules`` is None on a board without energy table.
    """

    names: tuple[str, ...]
    starts: np.ndarray
    latency_seconds: Estimate
    energy_joules: Estimate | None
    in_domain: np.ndarray


@dataclass(frozen=True, slots=True)
class Estimates:
    """Of each network, in the order of the question. Latency and energy are those of one inference, without printing.

    ``ram_bytes``: arena and static data, without the stack. ``flash_bytes``: code and constants. ``in_domain``: whether all
    layers are like those that the model has learnt from. ``as_it_is``: whether the main RAM holds all of it, so that it is
    built as it is; ``ram_bytes`` are those of the network as it is also where it is not. ``energy_joules`` is None on a board
    without energy table.
    """

    board: str
    names: tuple[str, ...]
    latency_seconds: Estimate
    energy_joules: Estimate | None
    ram_bytes: Estimate
    flash_bytes: Estimate
    in_domain: np.ndarray
    as_it_is: np.ndarray
    layers: LayerEstimates

    def __len__(self) -> int:
        """The number of networks."""
        return len(self.names)

"""Accuracy: how far estimates are off what was met, as numbers to keep beside a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from cost_models.estimates import QUANTILES

POINTS = 400
"""So many networks are kept as points, at most."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Relative errors of ``networks``: their median, the shares within 5 and 10 %, the largest; by the share that an interval
    should hold, how many of them hold what was met; Kendall's tau.
    """

    networks: int
    median: float
    within_5_percent: float
    within_10_percent: float
    largest: float
    coverage: Mapping[float, float]
    kendall_tau: float


@dataclass(frozen=True, slots=True)
class Points:
    """Latencies in seconds of networks that a model had not seen, as met and as told; and their families."""

    families: tuple[str, ...] = ()
    met: tuple[float, ...] = ()
    told: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Errors by quantity: of networks that were held out, each once; of the same by family; of each family, where the others
    alone were learnt from. ``points``: of the networks held out.
    """

    held_out: Mapping[str, Errors] = field(default_factory=dict)
    by_family: Mapping[str, Mapping[str, Errors]] = field(default_factory=dict)
    without_family: Mapping[str, Mapping[str, Errors]] = field(default_factory=dict)
    points: Points = Points()


class Interval(Protocol):
    """What errors are told of: an Estimate, or several as one."""

    @property
    def values(self) -> np.ndarray:
        """Of each network."""

    def interval(self, share: float) -> tuple[np.ndarray, np.ndarray]:
        """Low and high ends."""


def errors_of(estimate: Interval, met: np.ndarray) -> Errors:
    """Of estimates, beside what was met."""
    errors = np.abs(estimate.values / met - 1)
    return Errors(
        len(met), float(np.median(errors)), float((errors <= 0.05).mean()), float((errors <= 0.10).mean()), float(errors.max()),
        {share: _covered(estimate, met, share) for share in QUANTILES}, kendall_tau(estimate.values, met),
    )  # fmt: skip


def _covered(estimate: Interval, met: np.ndarray, share: float) -> float:
    low, high = estimate.interval(share)
    return float(((low <= met) & (met <= high)).mean())


def kendall_tau(left: np.ndarray, right: np.ndarray) -> float:
    """Kendall's tau-a: how often two orders agree about a pair, less how often they do not."""
    signs = np.sign(left[:, None] - left) * np.sign(right[:, None] - right)
    pairs = len(left) * (len(left) - 1)
    return float(signs.sum() / pairs) if pairs else 1.0

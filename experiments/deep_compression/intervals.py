"""Intervals: how sure one may be that two networks differ in accuracy, both asked about the same samples."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, sqrt

import numpy as np

from experiments.deep_compression.errors import StudyError

NORMAL_95 = 1.959963984540054
"""Quantile of the normal distribution at 0.975."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Accuracy of the second less that of the first, with the ends of a 95 % interval, all as parts of 1."""

    value: float
    low: float
    high: float


def paired(first: np.ndarray, second: np.ndarray) -> Difference:
    """Difference of accuracies from what each of two networks gets right (bool, [samples], the same samples).

    The interval is Tango's score interval of a paired difference (T. Tango, Equivalence test and confidence interval for the
    difference in proportions for the paired-sample design, 1998), which is right near no difference and near a few
    differences too, where Wald's is not. StudyError for none, or for different numbers of samples.
    """
    if first.shape != second.shape or first.size == 0:
        raise StudyError(f"{first.size} and {second.size} samples cannot be paired")
    n = first.size
    won, lost = int(np.sum(~first & second)), int(np.sum(first & ~second))
    value = (won - lost) / n
    return Difference(value, _end(won, lost, n, -1.0, value), _end(won, lost, n, 1.0, value))


def score(won: int, lost: int, n: int, difference: float) -> float:
    """Tango's statistic for a true ``difference``: standard deviations between it and what was met."""
    linear = -(won + lost) + (2 * n - won + lost) * difference
    constant = -lost * difference * (1 - difference)
    losing = (sqrt(max(linear**2 - 8 * n * constant, 0.0)) - linear) / (4 * n)
    variance = n * (2 * losing + difference * (1 - difference))
    apart = won - lost - n * difference
    return apart / sqrt(variance) if variance > 0 else (0.0 if apart == 0 else apart * float("inf"))


def _end(won: int, lost: int, n: int, side: float, value: float) -> float:
    """Where the statistic passes the quantile, by halving; it falls as the difference rises."""
    near, far = value, side
    for _ in range(60):
        middle = (near + far) / 2
        if abs(score(won, lost, n, middle)) < NORMAL_95:
            near = middle
        else:
            far = middle
    return (near + far) / 2


def bootstrapped(first: np.ndarray, second: np.ndarray, seed: int = 0, rounds: int = 2000) -> Difference:
    """The same from samples drawn again and again; slow, and assumes nothing. ``paired`` is held to it."""
    steps = second.astype(np.int8) - first.astype(np.int8)
    random = np.random.default_rng(seed)
    means = [steps[random.integers(0, steps.size, steps.size)].mean() for _ in range(rounds)]
    low, high = np.quantile(means, (0.025, 0.975))
    return Difference(float(steps.mean()), float(low), float(high))


def mcnemar(first: np.ndarray, second: np.ndarray) -> float:
    """Probability of at least such a difference between two networks that are equally good: McNemar's exact test."""
    won, lost = int(np.sum(~first & second)), int(np.sum(first & ~second))
    fewer, both = min(won, lost), won + lost
    if both == 0:
        return 1.0
    tail = sum(comb(both, k) for k in range(fewer + 1))
    return min(1.0, 2 * tail / 2**both)

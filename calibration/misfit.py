"""Whether what a fit leaves over is noise, or a mechanism that the model lacks.

Each test looks at the residuals in standard deviations; noise fails any of them once in a thousand fits. Gross errors of single
rows are expected and take part with at most ``OUTLIER`` standard deviations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from calibration.regression import Array, Problem

OUTLIER = 4.0
"""Standard deviations beyond which a row is called an outlier: one of 16,000 of Gaussian noise."""
EXPECTED_OUTLIERS = 0.02
"""Share of gross errors that measurements may have without anything being amiss."""
SIGNIFICANCE = 0.001
ROUNDING = 1e-6
"""Standard deviations below which a residual has no sign: rows of a simulator are met exactly."""
SHOWN = 8


@dataclass(frozen=True, slots=True)
class Misfit:
    """A test that failed: its probability under noise, the rows that show it most, and what it says."""

    test: str
    probability: float
    rows: tuple[str, ...]
    text: str


def misfits_of(problem: Problem, residuals: Array, leverage: Array) -> tuple[Misfit, ...]:
    """What the residuals (rows,) show; empty where they look like noise."""
    found = (test(problem, residuals, leverage) for test in TESTS)
    return tuple(misfit for misfits in found for misfit in misfits)


def _groups(problem: Problem, residuals: Array, leverage: Array) -> list[Misfit]:
    """Groups that lie off as a whole: the third that lies furthest off is left out, which may be outliers."""
    names = list(dict.fromkeys(problem.groups))
    numbers = np.array([names.index(group) for group in problem.groups])
    clipped = np.clip(residuals, -OUTLIER, OUTLIER)
    found = []
    for number, name in enumerate(names):
        rows = np.flatnonzero(numbers == number)
        if len(rows) < 2:
            continue
        kept = rows[np.argsort(np.abs(residuals[rows]), kind="stable")][: len(rows) - len(rows) // 3]
        score = float(clipped[kept].sum() / math.sqrt(len(kept)))
        probability = min(1.0, two_sided(score) * len(names))
        if probability < SIGNIFICANCE:
            off = float(np.median(residuals[rows] * problem.sds[rows]))
            text = f"{name}: its {len(rows)} rows lie off by {off:+.3g} together"
            found.append(Misfit("group", probability, tuple(problem.rows[row] for row in rows), text))
    return sorted(found, key=lambda misfit: misfit.probability)


def _trend(problem: Problem, residuals: Array, leverage: Array) -> list[Misfit]:
    """Residuals that grow or fall in the order of measurement, such as under a clock that drifts."""
    order = np.arange(len(residuals)) - (len(residuals) - 1) / 2
    score = float(order @ np.clip(residuals, -OUTLIER, OUTLIER)) / max(math.sqrt(float(order @ order)), 1e-300)
    text = f"residuals {'rise' if score > 0 else 'fall'} in the order of measurement: {score:+.1f} standard deviations"
    ends = [*range(SHOWN // 2), *range(len(residuals) - SHOWN // 2, len(residuals))] if len(residuals) > SHOWN else []
    return _if_unlikely("trend", two_sided(score), [problem.rows[row] for row in ends], text)


def _runs(problem: Problem, residuals: Array, leverage: Array) -> list[Misfit]:
    """Neighbours that agree in sign more often than chance has it (Wald and Wolfowitz, 1940).

    Rows that are met exactly, as short bodies are by a counter of whole cycles, have no sign and no say.
    """
    above = residuals[np.abs(residuals) > ROUNDING] > 0
    up, down = int(above.sum()), int((~above).sum())
    if min(up, down) < 10:
        return []
    runs = 1 + int((above[1:] != above[:-1]).sum())
    mean = 1 + 2 * up * down / (up + down)
    variance = (mean - 1) * (mean - 2) / (up + down - 1)
    score = (runs - mean) / math.sqrt(variance)
    text = f"{runs} runs of one sign in the order of measurement, {mean:.0f} expected"
    return _if_unlikely("runs", one_sided(-score), _largest(problem, residuals), text)


def _chi_square(problem: Problem, residuals: Array, leverage: Array) -> list[Misfit]:
    """Residuals that are larger, outliers left out, than the stated standard deviations allow."""
    sound = np.abs(residuals) <= OUTLIER
    freedom = float(sound.sum() - leverage[sound].sum())
    if freedom < 1:
        return []
    total = float((residuals[sound] ** 2).sum())
    text = f"chi-square {total:.0f} at {freedom:.0f} degrees of freedom: residuals exceed the stated standard deviations"
    rows = _largest(problem, np.where(sound, residuals, 0))
    return _if_unlikely("chi-square", chi_square_tail(total, freedom), rows, text)


def _outliers(problem: Problem, residuals: Array, leverage: Array) -> list[Misfit]:
    """More outliers than measuring makes."""
    rows, count = len(residuals), int((np.abs(residuals) > OUTLIER).sum())
    tail = binomial_tail(count, rows, EXPECTED_OUTLIERS)
    text = f"{count} of {rows} rows are outliers, more than measuring makes ({EXPECTED_OUTLIERS:.0%})"
    return _if_unlikely("outliers", tail, _largest(problem, residuals), text)


Test = Callable[[Problem, Array, Array], list[Misfit]]
TESTS: Sequence[Test] = (_groups, _trend, _runs, _chi_square, _outliers)


def _if_unlikely(test: str, probability: float, rows: Sequence[str], text: str) -> list[Misfit]:
    return [Misfit(test, probability, tuple(rows), text)] if probability < SIGNIFICANCE else []


def _largest(problem: Problem, residuals: Array) -> list[str]:
    order = np.argsort(-np.abs(residuals), kind="stable")[:SHOWN]
    return [problem.rows[row] for row in order]


def one_sided(score: float) -> float:
    """Probability that a standard normal number exceeds ``score``."""
    return math.erfc(score / math.sqrt(2)) / 2


def two_sided(score: float) -> float:
    """Probability that its magnitude exceeds that of ``score``."""
    return math.erfc(abs(score) / math.sqrt(2))


def chi_square_tail(total: float, freedom: float) -> float:
    """Probability that a chi-square number exceeds ``total`` (Wilson and Hilferty, 1931: good to a percent in its tail)."""
    spread = 2 / (9 * freedom)
    return one_sided(((total / freedom) ** (1 / 3) - 1 + spread) / math.sqrt(spread))


def binomial_tail(count: int, trials: int, share: float) -> float:
    """Probability of ``count`` or more of ``trials``, each with probability ``share``."""
    if not count:
        return 1.0
    whole, hit, miss = math.lgamma(trials + 1), math.log(share), math.log1p(-share)
    below = (whole - math.lgamma(k + 1) - math.lgamma(trials - k + 1) + k * hit + (trials - k) * miss for k in range(count))
    return max(0.0, 1 - math.fsum(map(math.exp, below)))

"""Intervals of paired differences, against counting and drawing."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.deep_compression.errors import StudyError
from experiments.deep_compression.intervals import bootstrapped, mcnemar, paired, score


def answers(both: int, first: int, second: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    """What two networks get right, from how many samples both, only one, and none of them do."""
    counts = (both, first, second, neither)
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


def most_likely(won: int, lost: int, n: int, difference: float) -> float:
    """The probability of losing under which such counts are most likely, when that of winning is greater by ``difference``."""
    q = np.linspace(max(0.0, -difference), (1 - difference) / 2, 400_001)[1:-1]
    logs = won * np.log(q + difference) + lost * np.log(q) + (n - won - lost) * np.log(1 - 2 * q - difference)
    return float(q[logs.argmax()])


@pytest.mark.parametrize("difference", [-0.3, -0.02, 0.01, 0.2])
def test_the_statistic_takes_the_variance_that_is_most_likely(difference: float) -> None:
    won, lost, n = 12, 5, 90
    q = most_likely(won, lost, n, difference)
    expected = (won - lost - n * difference) / np.sqrt(n * (2 * q + difference - difference**2))
    assert score(won, lost, n, difference) == pytest.approx(expected, rel=1e-4)


def test_the_interval_ends_where_the_statistic_is_the_quantile() -> None:
    found = paired(*answers(60, 5, 12, 13))
    assert score(12, 5, 90, found.low) == pytest.approx(1.95996, abs=1e-4)
    assert score(12, 5, 90, found.high) == pytest.approx(-1.95996, abs=1e-4)


@pytest.mark.parametrize("counts", [(9500, 100, 150, 250), (9800, 40, 10, 150), (700, 100, 120, 80)])
def test_the_interval_is_that_of_samples_drawn_again_and_again(counts: tuple[int, int, int, int]) -> None:
    found, drawn = paired(*answers(*counts)), bootstrapped(*answers(*counts))
    width = drawn.high - drawn.low
    assert found.value == pytest.approx(drawn.value, abs=1e-12)
    assert found.low == pytest.approx(drawn.low, abs=0.1 * width)
    assert found.high == pytest.approx(drawn.high, abs=0.1 * width)


def test_networks_that_agree_leave_a_doubt_that_shrinks_with_samples() -> None:
    few, many = paired(*answers(90, 0, 0, 10)), paired(*answers(9000, 0, 0, 1000))
    assert few.value == many.value == 0
    assert -few.low == pytest.approx(few.high)
    assert few.high > 50 * many.high > 0


def test_all_lost_is_a_difference_of_one() -> None:
    found = paired(*answers(0, 50, 0, 0))
    assert (found.value, found.low) == (-1, pytest.approx(-1))
    assert found.high < -0.8


def test_mcnemar_counts_tosses_of_a_coin() -> None:
    assert mcnemar(*answers(10, 0, 0, 3)) == 1
    assert mcnemar(*answers(10, 0, 4, 3)) == pytest.approx(2 / 16)
    assert mcnemar(*answers(10, 1, 4, 3)) == pytest.approx(2 * (1 + 5) / 32)


def test_other_samples_cannot_be_paired() -> None:
    with pytest.raises(StudyError, match="3 and 2 samples"):
        paired(np.ones(3, bool), np.ones(2, bool))

"""Schedules and plans, worked out by hand."""

from __future__ import annotations

import pytest

from experiments.deep_compression.errors import StudyError
from experiments.deep_compression.schedules import schedule


def test_agp_falls_short_by_the_cube_of_what_is_left_of_time() -> None:
    assert schedule("agp", 0.0, 0.8, 4) == pytest.approx([0.8 - 0.8 * (k / 4) ** 3 for k in (3, 2, 1, 0)])
    assert schedule("agp", 0.5, 0.9, 2) == pytest.approx([0.9 - 0.4 / 8, 0.9])


def test_one_shot_prunes_at_the_first_step() -> None:
    assert schedule("one_shot", 0.5, 0.9, 3) == [0.9, 0.9, 0.9]


@pytest.mark.parametrize(("name", "initial", "final", "steps"), [("linear", 0, 0.5, 2), ("agp", 0.5, 0.4, 2), ("agp", 0, 1, 2)])
def test_what_is_no_schedule_is_refused(name: str, initial: float, final: float, steps: int) -> None:
    with pytest.raises(StudyError, match="allowed"):
        schedule(name, initial, final, steps)

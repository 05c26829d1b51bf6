"""A few hundred images of every kind; ``make fuzz`` runs tens of thousands."""

from __future__ import annotations

import pytest

from tests.fuzz.cases import CORES, PLAN, REAL_BOARDS, names
from tests.fuzz.sweep import sweep

PARTS = {
    "streams on ideal boards": names({"stream": CORES}, 72),
    "streams on real boards": names({"stream": REAL_BOARDS}, 52),
    "mutated firmware": names({"mutant": PLAN["mutant"]}, 60),
    "noise and boot headers": names({"noise": PLAN["noise"], "boot": PLAN["boot"]}, 90),
}


@pytest.mark.parametrize("part", PARTS)
def test_every_image_ends_with_a_report_or_a_clear_error(part):
    summary = sweep(PARTS[part])
    assert summary.failures == {}
    assert summary.images == len(PARTS[part])
    assert len(summary.outcomes) >= 3, "the images have become too much alike to find anything"

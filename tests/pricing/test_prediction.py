"""Which branches M7 predicts, and what a wrong prediction costs."""

from __future__ import annotations

import pytest

from mcusim import cores
from tests.pricing.harness import price

SUBS, NOP_W, BNE, CBZ, BX, B, BL, POP = "3f01", "f3af 8000", "d1fe", "b108", "4770", "e7fe", "f7ff fffe", "bd10"


@pytest.mark.parametrize(
    ("words", "cycles"),
    [
        (f"{SUBS} {BNE}", 8),  # flags just set (JNK)
        (f"{SUBS} {NOP_W} {NOP_W} {BNE}", 8),  # two cycles ahead is not enough: a step, not a ramp
        (f"{SUBS} {' '.join([NOP_W] * 5)} {BNE}", 6),  # three cycles ahead
        (CBZ, 8),
        (BX, 8),
        (POP, 8),
        (B, 0),  # always taken, target in the instruction
        (BL, 0),
        (NOP_W, 0),
    ],
)
def test_a_misprediction_costs_eight_cycles_or_six_when_flags_are_early(words: str, cycles: int) -> None:
    passage = price("m7", words)
    assert (passage.mispredict_cycles, passage.predicted) == (cycles, cycles > 0)


@pytest.mark.parametrize("core", [name for name in cores.NAMES if name != "m7"])
def test_no_other_core_predicts(core: str) -> None:
    assert not price(core, f"{SUBS} {BNE}").predicted

"""Which branches M7 predicts, and what a wrong prediction costs."""

from __future__ import annotations

import pytest

from mcusim import cores
from mcusim.pricing import pipeline
from tests.isa.assembly import block_of
from tests.pricing.harness import IDEAL, price

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


ADDS, ADD_W, B_N = ("3001", "3101"), ("eb02 0203", "eb04 0405"), "e7fe"


def turns(words: str, count: int) -> int:
    """Cycles of ``count`` turns of a loop on M7, once it has settled."""
    engine, block = pipeline(cores.load("m7")), block_of(words)
    state, cycles = engine.start(), 0
    for turn in range(2 * count):
        way = engine.run(block, state, {}, IDEAL).taken
        state, cycles = way.state, cycles + (way.cycles if turn >= count else 0)
    return cycles


@pytest.mark.parametrize(
    ("words", "cycles"),
    [
        ([*ADDS, *ADD_W, B_N], 5),  # five instructions: in every second turn the branch shares its cycle with the target
        ([ADDS[0], *ADD_W, ADD_W[0], B_N], 6),  # fetch is not far enough ahead
        ([*ADDS, ADD_W[0], B_N], 4),  # two full cycles: nothing to gain
        ([*ADDS, *ADD_W, BX], 6),  # no predicted target
    ],
)
def test_a_taken_branch_pairs_with_its_target_behind_two_narrow_instructions(words: list[str], cycles: int) -> None:
    assert turns(" ".join(words), 2) == cycles

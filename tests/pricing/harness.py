"""Prices the rows of the tests."""

from __future__ import annotations

from collections.abc import Mapping

from mcusim import cores
from mcusim.isa.instruction import Block
from mcusim.pricing import pipeline
from mcusim.pricing.passage import Fact, MemoryTiming, Passage, RegionTiming
from tests.isa.assembly import block_of
from tests.pricing.rows import Row

IDEAL = MemoryTiming((RegionTiming("memory"), RegionTiming("other", slave=1)))
"""Memories without wait states, on two slaves."""


def price(
    core: str,
    words: str,
    *,
    facts: Mapping[int, Fact] | None = None,
    timing: MemoryTiming = IDEAL,
    address: int = 0x8000,
) -> Passage:
    """Passage of machine code entered by a branch."""
    return price_block(core, block_of(words, address), facts=facts, timing=timing)


def price_block(
    core: str, block: Block, *, facts: Mapping[int, Fact] | None = None, timing: MemoryTiming = IDEAL
) -> Passage:
    engine = pipeline(cores.load(core))
    return engine.run(block, engine.start(), facts or {}, timing)


def price_row(core: str, row: Row) -> tuple[int, int]:
    """Cycles of falling through and of leaving; rows that do not say the second do not look at it."""
    passage = price(core, row.words, facts=row.facts, address=row.address)
    return passage.fall.cycles, passage.taken.cycles if row.taken >= 0 else -1

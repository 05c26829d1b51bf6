"""Expected cycles, worked out by hand from the documents that docs/timing.md lists. Never fill one in from the code
under test.

A row is source, machine code, cycles; the code is entered by a taken branch at an aligned address with idle memories.
Facts of the run are given where the price depends on them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mcusim.pricing.passage import Fact


@dataclass(frozen=True)
class Row:
    """One sequence and its cycles; ``taken``: cycles when the branch that ends it is taken."""

    source: str
    words: str
    cycles: int
    taken: int = -1
    facts: dict[int, Fact] = field(default_factory=dict)
    address: int = 0x8000

    def __str__(self) -> str:
        return self.source


def cost(cycles: int, index: int = 0) -> dict[int, Fact]:
    """Facts: instruction ``index`` is operand-dependent and takes ``cycles``."""
    return {index: Fact(operand_cycles=cycles)}


def at(misalignment: int, index: int = 0) -> dict[int, Fact]:
    """Facts: instruction ``index`` accesses an address with that remainder modulo 8."""
    return {index: Fact(misalignment=misalignment)}


SKIPPED = Fact(executed=False)

"""Store buffers, worked out by hand: what an unaligned store leaves to do while the core goes on."""

from __future__ import annotations

import pytest

from mcusim import cores
from mcusim.pricing import pipeline
from mcusim.pricing.passage import Fact
from tests.isa.assembly import block_of
from tests.pricing.harness import IDEAL, price

NARROW, STORE, DMB, DSB = "3001", "6008", "f3bf 8f5f", "f3bf 8f4f"  # ADDS R0, #1; STR R0, [R1]; DMB; DSB
ODD = Fact(misalignment=1)
"""A word at an odd byte takes two transfers more."""


@pytest.mark.parametrize("core", ["m3", "m4"])
@pytest.mark.parametrize(
    ("words", "cycles"),
    [
        # One entry, emptied 2 cycles behind its store: issue of the store 1, and the next access waits for the rest.
        (f"{STORE} {STORE} {STORE}", 1 + (2 + 1) + (2 + 1)),  # each later store finds the entry full
        (f"{STORE} {NARROW} {STORE}", 1 + 1 + (1 + 1)),  # one cycle of the two was hidden
        (f"{STORE} {NARROW} {NARROW} {STORE}", 4),  # both were
        (f"{STORE} {DMB}", 1 + 2 + 1),  # a barrier drains it
        (f"{STORE} {DSB}", 1 + 2 + 1),  # DSB too
        (f"{STORE} {NARROW} {DMB}", 1 + 1 + 1 + 1),
        (f"{STORE} {NARROW} {NARROW}", 3),  # nothing waits that does not access memory
    ],
)
def test_h11_the_write_buffer_has_one_entry(core: str, words: str, cycles: int) -> None:
    """H11: M4 TRM (DDI 0439D) 3.5: stores are buffered one deep, the next access waits while it is full."""
    assert price(core, words, facts={0: ODD, 1: ODD}).fall.cycles == cycles


def test_a_store_in_the_buffer_delays_the_next_block() -> None:
    engine = pipeline(cores.load("m4"))
    first = engine.run(block_of(STORE), engine.start(), {0: ODD}, IDEAL)
    second = engine.run(block_of(STORE, 0x8002), first.fall.state, {}, IDEAL)
    assert (first.fall.cycles, second.fall.cycles) == (1, 2 + 1)


@pytest.mark.parametrize(
    ("words", "misalignment", "sustained"),
    [
        ("f8c1 0000", 0, 1),  # STR.W: one per cycle
        ("f881 0000", 0, 2),  # STRB.W: 4 on one bank, 2 on both, 2.4 at rising addresses; 2 is taken
        ("f8c1 0000", 1, 4),  # unaligned
    ],
)
def test_the_store_buffer_of_m7_takes_five_at_once_and_then_drains(words: str, misalignment: int, sustained: int) -> None:
    """JNK (cortex_m7.md): five stores in a row never wait; behind them one in 1, 2 or 4 cycles."""
    facts = {index: Fact(misalignment=misalignment) for index in range(40)}

    def stores(count: int) -> int:
        return price("m7", " ".join([words] * count), facts=facts).fall.cycles

    assert stores(5) == 5
    assert stores(40) - stores(20) == 20 * sustained


def test_a_word_copy_on_m7_takes_two_cycles_a_turn() -> None:
    """LDR beside STR of what it loads, SUBS beside BNE (JNK)."""
    engine, loop = pipeline(cores.load("m7")), block_of("f851 3b04 f840 3b04 3a01 d1f9")
    first = engine.run(loop, engine.start(), {}, IDEAL).taken
    assert engine.run(loop, first.state, {}, IDEAL).taken.cycles == 2

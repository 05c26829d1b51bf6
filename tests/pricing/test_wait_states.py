"""Memories with wait states, worked out by hand."""

from __future__ import annotations

import pytest

from mcusim import cores
from mcusim.pricing import pipeline
from mcusim.pricing.passage import Fact, MemoryTiming, RegionTiming
from tests.isa.assembly import block_of
from tests.pricing.harness import price

NARROW, WIDE = "3001", "eb01 0002"  # ADDS R0, #1; ADD.W R0, R1, R2
STORE, LOAD, DMB = "6008", "6808", "f3bf 8f5f"  # STR R0, [R1]; LDR R0, [R1]; DMB


def flash(**properties: object) -> MemoryTiming:
    """Code in a flash; data, by facts with region 1, in a RAM without wait states."""
    return MemoryTiming((RegionTiming("flash", **properties), RegionTiming("ram")))  # type: ignore[arg-type]


@pytest.mark.parametrize("core", ["m0", "m0plus", "m3", "m4"])
def test_without_prefetch_every_line_waits(core: str) -> None:
    timing = flash(fetch_wait_cycles=5, fetch_line_bytes=16)
    # the first line after a branch 5, eight instructions, the next line 5, one instruction
    assert price(core, " ".join([NARROW] * 9), timing=timing).fall.cycles == 5 + 8 + 5 + 1


@pytest.mark.parametrize("core", ["m0", "m0plus", "m3", "m4", "m33"])
def test_prefetch_hides_a_line_behind_eight_narrow_instructions(core: str) -> None:
    timing = flash(fetch_wait_cycles=5, fetch_line_bytes=16, prefetch=True)
    assert price(core, " ".join([NARROW] * 9), timing=timing).fall.cycles == 5 + 8 + 0 + 1


@pytest.mark.parametrize("core", ["m3", "m4", "m33"])
def test_prefetch_leaves_a_rest_behind_four_wide_instructions(core: str) -> None:
    timing = flash(fetch_wait_cycles=5, fetch_line_bytes=16, prefetch=True)
    # RM0090 3.5.2: waits + 1 less the four cycles that the line lasts
    assert price(core, " ".join([WIDE] * 5), timing=timing).fall.cycles == 5 + 4 + (5 + 1 - 4) + 1


def test_a_taken_branch_waits_for_its_target_in_the_next_block() -> None:
    engine = pipeline(cores.load("m4"))
    timing = flash(fetch_wait_cycles=3, fetch_line_bytes=16, prefetch=True)
    loop = block_of(f"{NARROW} e7fd")  # ADDS; B to it
    first = engine.run(loop, engine.start(), {}, timing, 0)
    second = engine.run(loop, first.taken.state, {}, timing, 0)
    assert (first.taken.cycles, second.taken.cycles) == (3 + 1 + 2, 3 + 1 + 2)
    assert second.taken.state == first.taken.state


@pytest.mark.parametrize("core", cores.NAMES)
def test_a_load_waits_for_its_region(core: str) -> None:
    timing = MemoryTiming((RegionTiming("code"), RegionTiming("slow", read_wait_cycles=3)))
    facts = {0: Fact(region=1)}
    assert price(core, LOAD, timing=timing, facts=facts).fall.cycles == price(core, LOAD).fall.cycles + 3


@pytest.mark.parametrize("core", ["m0", "m0plus", "m3", "m4", "m33"])
def test_a_multiple_load_waits_for_every_word(core: str) -> None:
    timing = MemoryTiming((RegionTiming("slow", read_wait_cycles=2),))
    assert price(core, "cf0e", timing=timing).fall.cycles == price(core, "cf0e").fall.cycles + 3 * 2  # LDM R7!, {R1-R3}


@pytest.mark.parametrize("core", ["m3", "m4"])
def test_the_write_buffer_hides_one_store(core: str) -> None:
    timing = MemoryTiming((RegionTiming("slow", write_wait_cycles=2),))
    assert price(core, STORE, timing=timing).fall.cycles == 1
    assert price(core, f"{STORE} {STORE}", timing=timing).fall.cycles == 1 + 2 + 1
    assert price(core, f"{STORE} {NARROW} {NARROW} {STORE}", timing=timing).fall.cycles == 4
    assert price(core, f"{STORE} {DMB}", timing=timing).fall.cycles == 1 + 2 + 1


@pytest.mark.parametrize("core", ["m3", "m4"])
@pytest.mark.parametrize(
    ("words", "cycles"),
    [
        # One entry, emptied 3 cycles behind its store: issue of the store 1, and the next access waits for the rest.
        (f"{STORE} {STORE} {STORE}", 1 + (3 + 1) + (3 + 1)),  # each later store finds the entry full
        (f"{STORE} {NARROW} {STORE}", 1 + 1 + (2 + 1)),  # one cycle of the three was hidden
        (f"{STORE} {NARROW} {NARROW} {NARROW} {STORE}", 5),  # all three were
        (f"{STORE} {DMB}", 1 + 3 + 1),  # a barrier drains it
        (f"{STORE} f3bf 8f4f", 1 + 3 + 1),  # DSB too
        (f"{STORE} {NARROW} {DMB}", 1 + 1 + 2 + 1),
        (f"{STORE} {NARROW} {NARROW}", 3),  # nothing waits that does not access memory
    ],
)
def test_h11_the_write_buffer_has_one_entry(core: str, words: str, cycles: int) -> None:
    """H11: M4 TRM (DDI 0439D) 3.5: stores are buffered one deep, the next access waits while it is full."""
    timing = MemoryTiming((RegionTiming("slow", write_wait_cycles=3),))
    assert price(core, words, timing=timing).fall.cycles == cycles


def test_a_store_in_the_buffer_delays_the_next_block() -> None:
    engine = pipeline(cores.load("m4"))
    timing = MemoryTiming((RegionTiming("slow", write_wait_cycles=4),))
    first = engine.run(block_of(STORE), engine.start(), {}, timing, 0)
    second = engine.run(block_of(STORE, 0x8002), first.fall.state, {}, timing, 0)
    assert (first.fall.cycles, second.fall.cycles) == (1, 4 + 1)


@pytest.mark.parametrize("core", ["m0", "m0plus"])
@pytest.mark.parametrize(
    ("region", "cycles"),
    [
        # First line 2; LDR 2, ADDS 1; the second line was read behind the first: 0; ADDS 1.
        (1, 2 + 2 + 1 + 0 + 1),
        # LDR waits 2 more, and the flash is its own for three cycles: one of LDR and one of ADDS are left to read ahead.
        (0, 2 + (2 + 2) + 1 + (2 + 1 - 2) + 1),
    ],
)
def test_code_and_data_share_the_port_of_a_flash(core: str, region: int, cycles: int) -> None:
    timing = flash(fetch_wait_cycles=2, read_wait_cycles=2, fetch_line_bytes=4, prefetch=True)
    facts = {0: Fact(region=region)}
    assert price(core, f"{LOAD} {NARROW} {NARROW}", timing=timing, facts=facts).fall.cycles == cycles


@pytest.mark.parametrize(("core", "cycles"), [("m0", 2), ("m0plus", 1)])
def test_only_m0plus_has_a_single_cycle_port(core: str, cycles: int) -> None:
    timing = MemoryTiming((RegionTiming("port", single_cycle_io=True),))
    assert price(core, LOAD, timing=timing).fall.cycles == cycles
    assert price(core, STORE, timing=timing).fall.cycles == cycles


def test_tightly_coupled_and_cached_data_do_not_wait_on_m7() -> None:
    for properties in ({"tightly_coupled": True}, {"cached_data": True}):
        timing = MemoryTiming((RegionTiming("memory", read_wait_cycles=7, **properties),))  # type: ignore[arg-type]
        assert price("m7", LOAD, timing=timing).fall.cycles == 1


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
    first = engine.run(loop, engine.start(), {}, flash(), 0).taken
    assert engine.run(loop, first.state, {}, flash(), 0).taken.cycles == 2


LOADS = {
    "6808": 3,  # LDR: 2, and 1 because the memory was idle
    "6808 681a": 4,  # LDR, LDR: 3 + 1
    "6808 3001 681a": 7,  # LDR, ADDS, LDR: 3 + 1 + 3
    "6008 681a": 3,  # STR, LDR: the store has opened it, and there is no wait between the two
    "e891 000c": 4,  # LDM of two: 3 + 1
}


@pytest.mark.parametrize("words", LOADS)
def test_a_memory_slow_to_open_delays_the_first_load_of_a_series_on_m4(words: str) -> None:
    timing = MemoryTiming((RegionTiming("code"), RegionTiming("sram3", slave=1, opening_cycles=1)))
    facts = {number: Fact(region=1) for number in range(3)}
    assert price("m4", words, timing=timing, facts=facts).fall.cycles == LOADS[words]

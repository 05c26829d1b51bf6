"""What a pipeline feels of the memory that an access goes to, worked out by hand."""

from __future__ import annotations

import pytest

from mcusim.pricing.passage import Fact, MemoryTiming, RegionTiming
from tests.pricing.harness import price


@pytest.mark.parametrize(("core", "cycles"), [("m0", 2), ("m0plus", 1)])
@pytest.mark.parametrize("words", ["6808", "6008"])  # LDR R0, [R1]; STR R0, [R1]
def test_only_m0plus_has_a_single_cycle_port(core: str, cycles: int, words: str) -> None:
    timing = MemoryTiming((RegionTiming("port", single_cycle_io=True),))
    assert price(core, words, timing=timing).fall.cycles == cycles


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

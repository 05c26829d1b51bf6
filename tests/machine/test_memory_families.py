"""Memories of each family of chips: stalls of loads, worked out by hand from the manuals' numbers.

Each case walks through a memory with loads far enough apart for it to be idle again. What a walk costs is the difference to the
same program without it (``more``), or to a walk of half its length, so that nothing else counts.
"""

from __future__ import annotations

import pytest

from tests.support.boards import KIB
from tests.support.walks import F4, F7, G0, ICACHE, L4, U5, WALKERS, set_up_xip, stalls


def more(board: str, region: str, before: str, after: str) -> int:
    """Read stalls of ``region`` that the fragments ``after`` add behind ``before``."""
    walker = WALKERS[board]
    return stalls(walker.run(before, after), region) - stalls(walker.run(before), region)


def apiece(board: str, region: str, before: str, base: int, stride: int, gap: int = 30) -> float:
    """Stall of one load of a walk, the walk's own start left out."""
    walker = WALKERS[board]
    half, whole = (more(board, region, before, walker.reads(base, stride, count, gap)) for count in (32, 64))
    return (whole - half) / 32


# --- STM32 with ART: F4, L4+, G0, F7 ------------------------------------------------------------------------------------
@pytest.mark.parametrize(("board", "words"), [("nucleo-l4r5zi", 16), ("nucleo-l4r5zi-single-bank", 8)])
def test_an_l4_fills_its_data_cache_by_flash_words(board, words):
    """128 bytes are four lines of 32; a miss reads one flash word of 8 bytes, of 16 in single-bank mode, at 5 wait states."""
    walker = WALKERS[board]
    on = walker.put(L4, 5 | 1 << 9 | 1 << 10)
    walk = walker.reads(0x08008000, stride=4, count=32)
    assert more(board, "flash", on, walk) == words * 5
    assert more(board, "flash", on + walk, walk) == 0


def test_the_reset_bit_of_an_l4_empties_the_data_cache():
    walker = WALKERS["nucleo-l4r5zi"]
    on, off = walker.put(L4, 5 | 1 << 9 | 1 << 10), walker.put(L4, 5 | 1 << 9)
    walk, reset = walker.reads(0x08008000, stride=8, count=16), walker.put(L4, 5 | 1 << 9 | 1 << 12)
    assert more("nucleo-l4r5zi", "flash", on + walk, off + on + walk) == 0  # it keeps what it holds while it is off
    assert more("nucleo-l4r5zi", "flash", on + walk, off + reset + off + on + walk) == 16 * 5


def test_an_f4_keeps_eight_lines_of_16_bytes_of_data():
    walker = WALKERS["nucleo-f446re"]
    on = walker.put(F4, 5 | 1 << 9 | 1 << 10)
    eight, sixteen = (walker.reads(0x08008000, stride=16, count=count) for count in (8, 16))
    assert more("nucleo-f446re", "flash", on, eight) == 8 * 5
    assert more("nucleo-f446re", "flash", on + eight, eight) == 0
    assert more("nucleo-f446re", "flash", on + sixteen, sixteen) == 16 * 5  # least recently used: each is gone when it is due


def test_a_g0_has_no_cache_for_data():
    walker = WALKERS["nucleo-g0b1re"]
    on = walker.put(G0, 0x40000 | 2 | 1 << 9)
    assert apiece("nucleo-g0b1re", "flash", on, 0x08008000, stride=8) == 2


def test_the_accelerator_of_an_f7_serves_the_itcm_port_until_it_is_reset():
    """64 lines of 32 bytes at 7 wait states; ARTEN 9, ARTRST 11."""
    walker = WALKERS["nucleo-f746zg"]
    on, off = walker.put(F7, 7 | 1 << 9), walker.put(F7, 7)
    walk, reset = walker.reads(0x00208000, stride=32, count=16), walker.put(F7, 7 | 1 << 11)
    assert more("nucleo-f746zg", "flash_itcm", on, walk) == 16 * 7
    assert more("nucleo-f746zg", "flash_itcm", on + walk, walk) == 0
    assert more("nucleo-f746zg", "flash_itcm", on + walk, off + reset + off + on + walk) == 16 * 7


# --- STM32 with ICACHE --------------------------------------------------------------------------------------------------
def test_a_miss_in_the_cache_of_a_u5_costs_the_wait_states_and_one_cycle():
    walker = WALKERS["nucleo-u575zi-q"]
    on, empty = walker.put(U5, 4) + walker.put(ICACHE, 5), walker.put(ICACHE, 7)
    walk = walker.reads(0x08008000, stride=16, count=64)
    assert more("nucleo-u575zi-q", "flash", on, walk) == 64 * (4 + 1)
    assert more("nucleo-u575zi-q", "flash", on + walk, walk) == 0
    assert more("nucleo-u575zi-q", "flash", on + walk, empty + walk) == 64 * (4 + 1)


def test_ways_decide_whether_two_lines_of_one_set_stay():
    """256 sets of two ways, or 512 of one: what lies 8 KB apart shares a set in both."""
    walker = WALKERS["nucleo-u575zi-q"]
    pair = walker.reads(0x08008000, stride=8 * KIB, count=2)
    for control, misses in ((5, 0), (1, 2)):
        on = walker.put(U5, 4) + walker.put(ICACHE, control)
        assert more("nucleo-u575zi-q", "flash", on + pair, pair) == misses * 5


def test_without_its_cache_a_u5_reads_each_flash_word_once():
    walker = WALKERS["nucleo-u575zi-q"]
    slow = walker.put(U5, 4)
    assert more("nucleo-u575zi-q", "flash", slow, walker.reads(0x08008000, stride=4, count=64)) == 16 * 4


def test_the_miss_monitor_counts_what_was_missed():
    walker = WALKERS["nucleo-u575zi-q"]
    on = walker.put(U5, 4) + walker.put(ICACHE, 5 | 3 << 16)

    def misses(*fragments: str) -> int:
        return walker.run(on, *fragments).peripherals["icache"].read(0x14, 4)

    walk = walker.reads(0x08008000, stride=16, count=64)
    assert misses(walk, walk) - misses(walker.reads(0x08008000, stride=16, count=1), walk) == 0
    assert misses(walk, walk) - misses(walker.reads(0x08008000, stride=16, count=32), walk[:0]) >= 32


# --- Cortex-M7: what is not cached -----------------------------------------------------------------------------------------
def test_the_read_buffer_of_an_h7_spares_the_array_three_reads_of_four():
    """64 MHz on both sides: 3 + (5 + 4 + 1) cycles with 4 wait states; out of the 32 bytes read last 3 + (5 + 1)."""
    walker = WALKERS["nucleo-h743zi"]
    setup = walker.put(0x52002000, 0x34) + walker.put(0xE000ED14, 0x00020200)  # code from the instruction cache, data uncached
    assert apiece("nucleo-h743zi", "flash", setup, 0x08008000, stride=8) == (13 + 3 * 9) / 4
    assert apiece("nucleo-h743zi", "flash", setup, 0x08008000, stride=32) == 13


def test_the_read_buffer_of_an_h7a3_is_half_as_wide():
    walker = WALKERS["nucleo-h7a3zi-q"]
    setup = walker.put(0x52002000, 0x36) + walker.put(0xE000ED14, 0x00020200)
    assert apiece("nucleo-h7a3zi-q", "flash", setup, 0x08008000, stride=8) == ((3 + 5 + 6 + 1) + (3 + 5 + 1)) / 2


def test_ocram_of_an_rt1062_answers_at_the_clock_of_its_bus():
    """As the boot ROM leaves it, 132 MHz against 396: 3 + 3 * (5 + 1) cycles to the first 8 bytes of a line."""
    walker = WALKERS["teensy-4.0"]
    on = walker.put(0xE000ED14, 0x00030200)
    walk = walker.reads(0x20200000, stride=32, count=64)
    assert more("teensy-4.0", "ocram", on, walk) == 64 * 21
    assert more("teensy-4.0", "ocram", on + walk, walk) == 0


def test_flash_of_an_rt1062_is_read_ahead_into_the_buffer():
    """396 MHz against 100: 36 clocks are 142 cycles, and 70 of the controller and 9 of the bus come on top; a line that has
    arrived in the buffer costs 28."""
    walker = WALKERS["teensy-4.0"]
    on = walker.put(0xE000ED14, 0x00030200)
    assert apiece("teensy-4.0", "flash", on, 0x60008000, stride=64, gap=800) == 142 + 70 + 9
    assert apiece("teensy-4.0", "flash", on, 0x60008000, stride=32, gap=800) == 28


# --- nRF, MCX --------------------------------------------------------------------------------------------------------------
def test_data_of_an_nrf52840_go_round_the_instruction_cache():
    walker = WALKERS["nano-33-ble"]
    walk = walker.reads(0x8000, stride=4, count=64)
    assert more("nano-33-ble", "flash", "", walk) == 64 * 2
    on = walker.put(0x4001E540, 1)
    assert more("nano-33-ble", "flash", on + walk, walk) == 64 * 2


def test_a_miss_of_an_nrf52840_costs_three_wait_states():
    """128 NOPs are 16 lines of 16 bytes; the second call finds them."""
    walker = WALKERS["nano-33-ble"]
    function = " b 3f\n .balign 16\n2: .rept 127\n nop\n .endr\n bx lr\n3:\n"

    def fetches(calls: int) -> int:
        called = " .balign 16\n" + " bl 2b\n" * calls + " nop.w\n" * (2 - calls)  # always as long
        return stalls(walker.run(walker.put(0x4001E540, 1), function, called), "flash", "fetch")

    assert fetches(1) - fetches(0) == 16 * 3
    assert fetches(2) == fetches(1)


def test_the_cache_of_an_nrf5340_holds_data_until_it_is_invalidated():
    walker = WALKERS["nrf5340-dk"]
    on, empty, walk = walker.put(0x50001500, 1), walker.put(0x50001504, 1), walker.reads(0x8000, stride=16, count=64)
    assert more("nrf5340-dk", "flash", on, walk) == 64 * 5
    assert more("nrf5340-dk", "flash", on + walk, walk) == 0
    assert more("nrf5340-dk", "flash", on + walk, empty + walk) == 64 * 5


def test_the_code_cache_of_an_mcxn947_holds_data_until_it_is_cleared():
    walker = WALKERS["frdm-mcxn947"]
    on = walker.put(0x40043008, 3) + walker.put(0x40000400, 1) + walker.put(0x40000824, 0)  # three wait states, no speculation
    walk = walker.reads(0x8000, stride=16, count=64)
    assert more("frdm-mcxn947", "flash", on, walk) == 64 * 3
    assert more("frdm-mcxn947", "flash", on + walk, walk) == 0
    assert more("frdm-mcxn947", "flash", on + walk, walker.put(0x40000824, 2) + walk) == 64 * 3


# --- RP2040, RP2350 ----------------------------------------------------------------------------------------------------------
def test_a_line_of_an_rp2040_costs_20_serial_clocks_to_the_word_that_is_asked_for():
    walker = WALKERS["raspberry-pi-pico"]
    setup = set_up_xip(walker)
    assert apiece("raspberry-pi-pico", "flash", setup, 0x10008000, stride=8, gap=60) == 20 * 2 + 10


@pytest.mark.parametrize("view", [0x11000000, 0x12000000, 0x13000000])
def test_the_uncached_views_of_an_rp2040_read_the_flash_each_time(view):
    walker = WALKERS["raspberry-pi-pico"]
    setup, walk = set_up_xip(walker), walker.reads(view + 0x8000, stride=4, count=64, gap=60)
    assert apiece("raspberry-pi-pico", "flash_uncached", setup + walk, view + 0x8000, stride=4, gap=60) == 20 * 2 + 10


@pytest.mark.parametrize(
    ("stride", "gap", "cycles"),
    [
        (8, 30, 48 + 5),  # right behind the last: 16 clocks of data at a third of the core's clock, and 5 around it
        (16, 30, 2 + 28 * 3 + 5 + 10),  # elsewhere while chip select is low: closing it costs 1 + 2 + 7 more
        (8, 100, 2 + 28 * 3 + 5),  # chip select has gone high after 64 cycles: all 28 clocks again
    ],
)  # fmt: skip
def test_a_line_of_an_rp2350_costs_what_the_qmi_needs(stride, gap, cycles):
    assert apiece("raspberry-pi-pico-2", "flash", "", 0x10008000, stride, gap) == cycles


def test_the_uncached_view_of_an_rp2350_reads_words_of_32_bits():
    """20 clocks of 3 cycles, 2 + 5 around them, apart from each other."""
    walk = WALKERS["raspberry-pi-pico-2"].reads(0x14008000, stride=8, count=64, gap=100)
    assert apiece("raspberry-pi-pico-2", "flash_uncached", walk, 0x14008000, stride=8, gap=100) == 20 * 3 + 7

"""Clocks of the RP chips, set up as the Pico SDK does; frequencies worked out by hand from the registers."""

from __future__ import annotations

import pytest

from mcusim.errors import BoardError
from tests.peripherals.board_chip import BoardChip

SET, CLEAR = 0x2000, 0x3000
XOSC, PLL_SYS, PLL_USB, CLOCKS, RESETS, WATCHDOG = 0x40024000, 0x40028000, 0x4002C000, 0x40008000, 0x4000C000, 0x40058000


@pytest.fixture
def pico() -> BoardChip:
    return BoardChip("raspberry-pi-pico")


def wait_for(chip: BoardChip, address: int, bit: int, limit: int = 100_000) -> int:
    """Cycles until a register bit is set, polled every cycle."""
    start = chip.now()
    while not chip.load(address) >> bit & 1:
        chip.advance(1)
        assert chip.now() - start < limit
    return chip.now() - start


def start_crystal(chip: BoardChip, base: int = XOSC) -> int:
    chip.store(base + 0x0C, 47)
    chip.store(base, 0xFABAA0)
    return wait_for(chip, base + 4, 31)


def start_pll(chip: BoardChip, base: int, feedback: int, first: int, second: int) -> None:
    chip.store(base, 1)
    chip.store(base + 8, feedback)
    chip.store(base + 4 + CLEAR, 0x21)
    wait_for(chip, base, 31)
    chip.store(base + 0xC, first << 16 | second << 12)
    chip.store(base + 4 + CLEAR, 8)


def run_at_125_megahertz(chip: BoardChip) -> None:
    start_crystal(chip)
    start_pll(chip, PLL_SYS, 125, 6, 2)
    chip.store(CLOCKS + 0x30, 2)
    chip.store(CLOCKS + 0x3C, 1)


def test_the_core_runs_from_the_ring_oscillator_out_of_reset(pico):
    assert pico.core_hertz() == 6_500_000
    assert pico.clock_hertz("clk_sys") == 6_500_000
    assert pico.load(CLOCKS + 0x44) == 1


def test_the_crystal_is_stable_after_256_times_startup_periods(pico):
    # 47 * 256 periods of 12 MHz = 1.002667 ms, in cycles of 6.5 MHz: 6517.33, rounded up.
    assert start_crystal(pico) == 6518


def test_a_pll_locks_only_when_powered_and_gives_its_product(pico):
    start_crystal(pico)
    pico.advance(1000)
    assert not pico.load(PLL_SYS) >> 31
    start_pll(pico, PLL_SYS, 125, 6, 2)
    # 12 MHz * 125 / (6 * 2)
    assert pico.clock_hertz("pll_sys") == 125_000_000
    start_pll(pico, PLL_USB, 100, 5, 5)
    assert pico.clock_hertz("pll_usb") == 48_000_000


def test_clk_sys_follows_the_mux_and_its_divider(pico):
    run_at_125_megahertz(pico)
    assert pico.core_hertz() == 125_000_000
    assert pico.load(CLOCKS + 0x44) == 1 << 1
    pico.store(CLOCKS + 0x40, 2 << 8 | 0x80)  # 2.5
    assert pico.core_hertz() == 50_000_000


def test_switching_back_to_clk_ref_gives_the_crystal(pico):
    run_at_125_megahertz(pico)
    pico.store(CLOCKS + 0x3C + CLEAR, 3)
    assert pico.core_hertz() == 12_000_000
    assert pico.load(CLOCKS + 0x44) == 1


def test_clk_peri_is_off_until_enabled(pico):
    run_at_125_megahertz(pico)
    assert pico.clock_hertz("clk_peri") == 0
    pico.store(CLOCKS + 0x48, 1 << 11)
    assert pico.clock_hertz("clk_peri") == 125_000_000
    pico.store(CLOCKS + 0x48, 1 << 11 | 4 << 5)
    assert pico.clock_hertz("clk_peri") == 12_000_000


def test_the_frequency_counter_reports_kilohertz_in_its_upper_bits(pico):
    run_at_125_megahertz(pico)
    pico.store(CLOCKS + 0x94, 9)
    assert not pico.load(CLOCKS + 0x98) >> 4 & 1
    pico.advance_seconds(0.98e-6 * 256 + 1e-6)
    assert pico.load(CLOCKS + 0x98) >> 4 & 1
    assert pico.load(CLOCKS + 0x9C) >> 5 == 125_000


def test_an_unknown_clock_is_an_error_that_lists_the_known_ones(pico):
    with pytest.raises(BoardError, match="clk_sys"):
        pico.clock_hertz("apb1")


def test_reset_done_follows_reset_and_a_reset_block_forgets_its_registers(pico):
    assert pico.load(RESETS + 8) == 0
    pico.store(RESETS + CLEAR, 1 << 22)
    assert pico.load(RESETS + 8) == 1 << 22
    pico.store(0x40034024, 67)
    pico.store(RESETS + SET, 1 << 22)
    assert pico.load(0x40034024) == 0
    assert pico.load(RESETS) == 0x1FFFFFF


def test_atomic_aliases_set_clear_and_flip_bits(pico):
    watch = WATCHDOG + 0x0C
    pico.store(watch, 0xF0)
    pico.store(watch + SET, 0x0F)
    assert pico.load(watch) == 0xFF
    pico.store(watch + CLEAR, 0x3C)
    assert pico.load(watch) == 0xC3
    pico.store(watch + 0x1000, 0xFF)
    assert pico.load(watch) == 0x3C


def test_narrow_writes_reach_all_byte_lanes(pico):
    # Datasheet 2.1.4: an 8-bit write of 0xA5 writes 0xA5A5A5A5.
    pico.store(WATCHDOG + 0x0C, 0xA5, 1)
    assert pico.load(WATCHDOG + 0x0C) == 0xA5A5A5A5


def test_the_watchdog_counts_twice_a_tick_and_resets(pico):
    run_at_125_megahertz(pico)
    pico.store(WATCHDOG + 0x2C, 12 | 1 << 9)  # 1 MHz
    pico.store(WATCHDOG + 4, 2000)  # RP2040-E1: 1000 us
    pico.store(WATCHDOG + SET, 1 << 30)
    pico.advance(125 * 999)
    assert pico.resets == []
    pico.advance(125)
    assert pico.resets == ["watchdog"]


def test_reloading_the_watchdog_starts_its_time_over(pico):
    run_at_125_megahertz(pico)
    pico.store(WATCHDOG + 0x2C, 12 | 1 << 9)
    pico.store(WATCHDOG + 4, 2000)
    pico.store(WATCHDOG + SET, 1 << 30)
    pico.advance(125 * 900)
    pico.store(WATCHDOG + 4, 2000)
    pico.advance(125 * 900)
    assert pico.resets == []


def test_watchdog_scratch_registers_survive_a_reset_of_the_registers(pico):
    pico.store(WATCHDOG + 0x0C, 0x1234)
    pico.peripheral("watchdog").reset_registers()
    assert pico.load(WATCHDOG + 0x0C) == 0x1234


class TestRp2350:
    CLOCKS, XOSC, PLL_SYS, TICKS, WATCHDOG = 0x40010000, 0x40048000, 0x40050000, 0x40108000, 0x400D8000

    @pytest.fixture
    def pico2(self) -> BoardChip:
        chip = BoardChip("raspberry-pi-pico-2")
        start_crystal(chip, self.XOSC)
        start_pll(chip, self.PLL_SYS, 125, 5, 2)
        chip.store(self.CLOCKS + 0x30, 2)
        chip.store(self.CLOCKS + 0x3C, 1)
        return chip

    def test_the_sdk_settings_give_150_megahertz(self, pico2):
        assert pico2.core_hertz() == 150_000_000  # 12 MHz * 125 / (5 * 2)

    def test_dividers_have_16_fractional_bits(self, pico2):
        pico2.store(self.CLOCKS + 0x40, 1 << 16 | 0x8000)
        assert pico2.core_hertz() == 100_000_000

    def test_each_tick_generator_divides_clk_ref(self, pico2):
        pico2.store(self.TICKS + 0x18 + 4, 12)
        pico2.store(self.TICKS + 0x18, 1)
        assert pico2.clock_hertz("tick_timer0") == 1_000_000
        assert pico2.clock_hertz("tick_timer1") == 0
        assert pico2.load(self.TICKS + 0x18) == 3  # enabled, running

    def test_the_watchdog_counts_once_a_tick(self, pico2):
        pico2.store(self.TICKS + 0x30 + 4, 12)
        pico2.store(self.TICKS + 0x30, 1)
        pico2.store(self.WATCHDOG + 4, 1000)
        pico2.store(self.WATCHDOG + SET, 1 << 30)
        pico2.advance(150 * 999)
        assert pico2.resets == []
        pico2.advance(150)
        assert pico2.resets == ["watchdog"]

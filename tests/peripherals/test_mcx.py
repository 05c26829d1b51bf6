"""Models of MCXN947, set up as the MCUXpresso SDK does."""

from __future__ import annotations

import pytest

from mcusim.errors import BoardError
from mcusim.machine.peripherals.mcx_timers import binary, gray
from tests.peripherals.board_chip import BoardChip

SYSCON, SCG, FMU, SPC, UART4 = 0x40000000, 0x40044000, 0x40043000, 0x40045000, 0x400B4000
CTIMER0, MRT, OSTIMER, UTICK, WWDT0, GPIO0, PORT0 = (
    0x4000C000, 0x40013000, 0x40049000, 0x40012000, 0x40016000, 0x40096000, 0x40116000,
)  # fmt: skip
VALID = 1 << 24


@pytest.fixture
def frdm() -> BoardChip:
    return BoardChip("frdm-mcxn947")


def set_up_pll0(chip: BoardChip) -> None:
    """48 MHz / 8 * 50 / (2 * 1) = 150 MHz, from FRO 12 MHz, as the board's clock_config.c does."""
    chip.store(SCG + 0x14, 2 << 24)
    chip.store(SCG + 0x504, 1 << 25 | 27 << 4 | 13 << 10)
    chip.store(SCG + 0x50C, 8)
    chip.store(SCG + 0x514, 1)
    chip.store(SCG + 0x510, 50)
    chip.store(SCG + 0x518, 6_000_000 // 2000 + 300)
    chip.store(SCG + 0x500, 3)


def run_at_150_megahertz(chip: BoardChip) -> None:
    set_up_pll0(chip)
    while not chip.load(SCG + 0x500) & VALID:
        chip.advance(12)
    chip.store(SCG + 0x14, 5 << 24)


# --- clocks -------------------------------------------------------------------------------------------------------------
def test_the_core_runs_at_48_megahertz_out_of_reset(frdm):
    assert frdm.core_hertz() == 48_000_000
    assert frdm.clock_hertz("core") == 48_000_000
    assert frdm.load(SCG + 0x300) >> 24 & 3 == 3  # valid and selected


def test_pll0_locks_after_its_programmed_time(frdm):
    set_up_pll0(frdm)
    # 3300 periods of 6 MHz = 550 us, at 12 MHz.
    frdm.advance(550 * 12 - 1)
    assert not frdm.load(SCG + 0x500) & VALID
    frdm.advance(1)
    assert frdm.load(SCG + 0x500) & VALID


def test_150_megahertz_from_pll0(frdm):
    run_at_150_megahertz(frdm)
    assert frdm.core_hertz() == 150_000_000
    assert frdm.load(SCG + 0x10) >> 24 == 5
    frdm.store(SYSCON + 0x380, 1)
    assert frdm.core_hertz() == 75_000_000


def test_spread_spectrum_multiplier_has_25_fractional_bits(frdm):
    set_up_pll0(frdm)
    frdm.store(SCG + 0x524, int(62.5 * (1 << 25)) & 0xFFFFFFFF)
    frdm.store(SCG + 0x528, 1 << 11)
    assert frdm.clock_hertz("pll0") == 187_500_000  # 6 MHz * 62.5 / 2


def test_the_fast_oscillator_has_two_ranges(frdm):
    frdm.store(SCG + 0x308, 1)
    assert frdm.core_hertz() == 144_000_000
    frdm.store(SCG + 0x308, 0)
    assert frdm.core_hertz() == 48_000_000


def test_peripheral_clocks_follow_their_selectors_and_dividers(frdm):
    assert frdm.clock_hertz("flexcomm4") == 0
    frdm.store(SYSCON + 0x2B0 + 16, 2)
    assert frdm.clock_hertz("flexcomm4") == 12_000_000
    frdm.store(SYSCON + 0x850 + 16, 2)
    assert frdm.clock_hertz("flexcomm4") == 4_000_000
    frdm.store(SYSCON + 0x26C, 3)
    assert frdm.clock_hertz("ctimer0") == 48_000_000


def test_an_unknown_clock_is_an_error(frdm):
    with pytest.raises(BoardError, match="flexcommN"):
        frdm.clock_hertz("apb")


def test_resets_and_gates_have_set_and_clear_views(frdm):
    frdm.store(SYSCON + 0x224, 0x30)
    assert frdm.load(SYSCON + 0x204) == 0x30
    frdm.store(SYSCON + 0x244, 0x10)
    assert frdm.load(SYSCON + 0x204) == 0x20
    frdm.store(SYSCON + 0x120, 1)
    assert frdm.load(SYSCON + 0x100) == 1


def test_voltage_requests_are_granted_at_once(frdm):
    frdm.store(SPC + 0x40, 1 << 30 | 2)
    assert frdm.load(SPC + 0x40) >> 31
    assert not frdm.load(SPC + 0x10) & 1


def test_both_views_show_the_same_registers(frdm):
    frdm.store(SYSCON + 0x10000000 + 0x380, 3)
    assert frdm.load(SYSCON + 0x380) == 3


def test_wait_states_and_cache_make_the_flash_timing(frdm):
    fmu = frdm.peripheral("fmu")
    assert not fmu.timing().instruction_cache
    before = frdm.timing_changes
    frdm.store(FMU + 8, 3)
    frdm.store(SYSCON + 0x824, 0)
    timing = fmu.timing()
    assert (timing.wait_states, timing.instruction_cache, timing.data_cache) == (3, True, True)
    assert frdm.timing_changes == before + 2


def test_the_flash_controller_reads_ahead_unless_speculation_is_off_and_the_code_cache_can_be_cleared(frdm):
    assert frdm.peripheral("fmu").timing().prefetch
    frdm.store(SYSCON + 0x400, 1)
    assert not frdm.peripheral("fmu").timing().prefetch
    frdm.store(SYSCON + 0x824, 2)
    assert frdm.emptied == [("fmu.instruction", None, None)]
    assert frdm.load(SYSCON + 0x824) == 0


# --- LPUART -------------------------------------------------------------------------------------------------------------
def test_the_uart_prints_at_its_baud_rate(frdm):
    frdm.store(SYSCON + 0x2B0 + 16, 2)
    frdm.store(UART4 + 0xFF8, 1)
    frdm.store(UART4 + 0x10, 12 << 24 | 8)  # 12 MHz / (13 * 8)
    frdm.store(UART4 + 0x28, 0x88)
    frdm.store(UART4 + 0x18, 3 << 18)
    for byte in b"mcx":
        frdm.store(UART4 + 0x1C, byte, 1)
    character = 10 * 13 * 8 * 4  # cycles at 48 MHz
    frdm.advance(3 * character)
    assert frdm.sent == [(character * (i + 1), "uart4", bytes([byte])) for i, byte in enumerate(b"mcx")]


def test_resetting_the_uart_leaves_the_flexcomm_selection(frdm):
    frdm.store(UART4 + 0xFF8, 0x102071)
    frdm.store(UART4 + 0x18, 3 << 18)
    frdm.store(UART4 + 0x08, 2)
    assert frdm.load(UART4 + 0x18) == 0
    assert frdm.load(UART4 + 0xFF8) == 0x102071


# --- timers -------------------------------------------------------------------------------------------------------------
def test_ctimer_counts_behind_its_prescaler(frdm):
    frdm.store(SYSCON + 0x26C, 4)  # 12 MHz
    frdm.store(CTIMER0 + 0x0C, 11)
    frdm.store(CTIMER0 + 0x04, 1)
    frdm.advance(48 * 500)
    assert frdm.load(CTIMER0 + 0x08) == 500


def test_a_ctimer_match_interrupts_and_resets_periodically(frdm):
    frdm.store(SYSCON + 0x26C, 4)
    frdm.store(CTIMER0 + 0x18, 99)
    frdm.store(CTIMER0 + 0x14, 3)
    frdm.store(CTIMER0 + 0x04, 1)
    frdm.advance(99 * 4 - 1)
    assert not frdm.lines.get(31)
    for _ in range(3):
        frdm.advance(1)
        assert frdm.lines[31]
        frdm.store(CTIMER0, 1)
        assert not frdm.lines[31]
        frdm.advance(100 * 4 - 1)  # the period is match + 1
        assert not frdm.lines[31]


def test_a_ctimer_match_can_stop(frdm):
    frdm.store(SYSCON + 0x26C, 4)
    frdm.store(CTIMER0 + 0x18, 10)
    frdm.store(CTIMER0 + 0x14, 4)
    frdm.store(CTIMER0 + 0x04, 1)
    frdm.advance(48_000)
    assert frdm.load(CTIMER0 + 0x08) == 10
    assert not frdm.load(CTIMER0 + 0x04) & 1


def test_mrt_repeats_its_interval(frdm):
    frdm.store(MRT + 8, 1)
    frdm.store(MRT, 1 << 31 | 1000)
    frdm.advance(400)
    assert frdm.load(MRT + 4) == 600
    for _ in range(2):
        frdm.advance(600)
        assert frdm.lines[30]
        frdm.store(MRT + 12, 1)
        assert not frdm.lines[30]
        frdm.advance(400)
    assert frdm.load(MRT + 12) >> 1 & 1  # runs


def test_mrt_one_shot_stops(frdm):
    frdm.store(MRT + 0x18, 1 | 1 << 1)
    frdm.store(MRT + 0x10, 100)
    frdm.advance(1000)
    assert frdm.load(MRT + 0xF8) == 2
    assert not frdm.load(MRT + 0x1C) & 2


def test_gray_code_and_back():
    assert [gray(value) for value in range(8)] == [0, 1, 3, 2, 6, 7, 5, 4]
    assert all(binary(gray(value)) == value for value in (0, 1, 1000, (1 << 42) - 1))


def test_the_event_timer_counts_in_gray_code_and_matches(frdm):
    frdm.store(SYSCON + 0x5E0, 2)  # 1 MHz
    start = binary(frdm.load(OSTIMER))
    frdm.advance(48 * 1000)
    assert binary(frdm.load(OSTIMER)) - start == 1000
    frdm.store(OSTIMER + 0x1C, 2)
    frdm.store(OSTIMER + 0x10, gray(start + 1500))
    frdm.store(OSTIMER + 0x14, 0)
    frdm.advance(48 * 499)
    assert not frdm.lines.get(57)
    frdm.advance(48)
    assert frdm.lines[57]
    frdm.store(OSTIMER + 0x1C, 1)
    assert not frdm.lines[57]


def test_utick_interrupts_after_its_delay(frdm):
    frdm.store(UTICK, 99)
    frdm.advance(48 * 100 - 1)
    assert not frdm.lines.get(29)
    frdm.advance(1)
    assert frdm.lines[29]


def test_the_watchdog_resets_unless_fed(frdm):
    def feed() -> None:
        frdm.store(WWDT0 + 8, 0xAA)
        frdm.store(WWDT0 + 8, 0x55)

    frdm.store(WWDT0 + 4, 249)  # 250 * 4 us
    frdm.store(WWDT0, 3)
    feed()
    frdm.advance(48 * 900)
    feed()
    frdm.advance(48 * 999)
    assert frdm.resets == []
    frdm.advance(48)
    assert frdm.resets == ["watchdog"]


def test_pins_are_seen_bit_by_bit_and_as_bytes(frdm):
    frdm.store(GPIO0 + 0x54, 1 << 10)
    frdm.store(GPIO0 + 0x44, 1 << 10)
    assert frdm.load(GPIO0 + 0x50) == 1 << 10
    assert frdm.load(GPIO0 + 0x60 + 10, 1) == 1
    frdm.store(GPIO0 + 0x60 + 10, 0, 1)
    assert frdm.load(GPIO0 + 0x40) == 0
    frdm.store(PORT0 + 0x80 + 4 * 6, 3)  # pull-up
    assert frdm.load(GPIO0 + 0x50) == 1 << 6

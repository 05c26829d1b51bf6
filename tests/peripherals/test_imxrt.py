"""Models of i.MX RT1062, set up as the Teensy core and the MCUXpresso SDK do."""

from __future__ import annotations

import pytest

from mcusim.errors import BoardError
from mcusim.pricing.memory import Chain
from tests.peripherals.board_chip import BoardChip

ANALOG, CCM, GPR, DCDC = 0x400D8000, 0x400FC000, 0x400AC000, 0x40080000
UART6, GPT1, PIT, GPIO1, SNVS, WDOG1, RTWDOG = (
    0x40198000, 0x401EC000, 0x40084000, 0x401B8000, 0x400D4000, 0x400B8000, 0x400BC000,
)  # fmt: skip
LOCK, ENABLE, POWER = 1 << 31, 1 << 13, 1 << 12


@pytest.fixture
def teensy() -> BoardChip:
    return BoardChip("teensy-4.0")


def run_at_600_megahertz(chip: BoardChip) -> None:
    """Teensy's way: over PERIPH_CLK2 while PLL1 is set to 24 MHz * 100 / 2 = 1200 MHz, divided by 2."""
    chip.store(CCM + 0x14, chip.load(CCM + 0x14) | 3 << 27 | 1 << 25)
    chip.store(ANALOG, POWER)
    chip.store(ANALOG, ENABLE | 100)
    while not chip.load(ANALOG) & LOCK:
        chip.advance(10)
    chip.store(CCM + 0x10, 1)
    chip.store(CCM + 0x14, chip.load(CCM + 0x14) & ~(3 << 8) | 3 << 8)
    chip.store(CCM + 0x14, chip.load(CCM + 0x14) & ~(1 << 25))


# --- clocks -----------------------------------------------------------------------------------------------------------
def test_the_boot_rom_leaves_396_megahertz_and_132_for_the_peripherals(teensy):
    assert teensy.clock_hertz("core") == 396_000_000
    assert teensy.clock_hertz("ipg") == 132_000_000
    assert teensy.load(ANALOG) == 0x80002042


def test_the_core_runs_from_pll3_while_pll1_changes(teensy):
    teensy.store(CCM + 0x14, teensy.load(CCM + 0x14) | 3 << 27 | 1 << 25)
    assert teensy.core_hertz() == 120_000_000  # 480 MHz / 4


def test_600_megahertz_from_pll1(teensy):
    run_at_600_megahertz(teensy)
    assert teensy.core_hertz() == 600_000_000
    assert teensy.clock_hertz("ipg") == 150_000_000


def test_pll1_locks_2250_oscillator_periods_after_power_up(teensy):
    teensy.store(CCM + 0x14, teensy.load(CCM + 0x14) | 3 << 27 | 1 << 25)
    teensy.store(ANALOG, POWER)
    assert not teensy.load(ANALOG) & LOCK
    teensy.store(ANALOG, ENABLE | 100)
    cycles = 2250 * 120 // 24  # at 120 MHz
    teensy.advance(cycles - 1)
    assert not teensy.load(ANALOG) & LOCK
    teensy.advance(1)
    assert teensy.load(ANALOG) & LOCK


def test_analog_registers_have_set_clear_and_toggle_views(teensy):
    teensy.store(ANALOG + 0x154, 1 << 3)
    assert teensy.load(ANALOG + 0x150) == 0x04000008
    teensy.store(ANALOG + 0x158, 1 << 26)
    assert teensy.load(ANALOG + 0x150) == 8
    teensy.store(ANALOG + 0x15C, 0x18)
    assert teensy.load(ANALOG + 0x154) == 0x10


def test_phase_fractional_dividers(teensy):
    # PLL2 PFD2 at 528 MHz * 18 / 24 = 396 MHz feeds FlexSPI, divided by 3.
    teensy.store(ANALOG + 0x100, 0x2018101B)
    teensy.store(CCM + 0x1C, 2 << 29 | 2 << 23)
    assert teensy.clock_hertz("flexspi") == 132_000_000
    teensy.store(ANALOG + 0x104, 0x80 << 16)  # gated
    assert teensy.clock_hertz("flexspi") == 0


def test_uart_and_timer_clocks_choose_the_oscillator(teensy):
    assert teensy.clock_hertz("uart") == 80_000_000  # PLL3 / 6
    teensy.store(CCM + 0x24, 1 << 6)
    assert teensy.clock_hertz("uart") == 24_000_000
    teensy.store(CCM + 0x1C, 1 << 6 | 3)
    assert teensy.clock_hertz("perclk") == 6_000_000


def test_an_unknown_clock_is_an_error(teensy):
    with pytest.raises(BoardError, match="perclk"):
        teensy.clock_hertz("apb")


def test_the_regulator_is_always_settled(teensy):
    teensy.store(DCDC + 0x0C, 0x112)
    assert teensy.load(DCDC) >> 31


# --- memory -----------------------------------------------------------------------------------------------------------
def test_the_fuses_split_flexram_until_the_program_does(teensy):
    kib = 1024
    gpr = teensy.peripheral("iomuxc_gpr")
    assert gpr.partition() == {"itcm": 128 * kib, "dtcm": 128 * kib, "ocram": 256 * kib}
    teensy.store(GPR + 0x44, 0xAAAAAAFF)  # four banks ITCM, twelve DTCM
    teensy.store(GPR + 0x40, 0x00200007)
    assert gpr.partition() == {"itcm": 128 * kib, "dtcm": 384 * kib, "ocram": 0}


def test_a_flash_read_costs_its_serial_clocks_and_goes_on_into_the_buffer(teensy):
    run_at_600_megahertz(teensy)
    timing = teensy.peripheral("flexspi").timing()
    # 20 clocks of command, address, mode and dummy, 16 of 8 bytes, at 100 MHz; 70 cycles of the bus
    assert (timing.wait_states, timing.next_cycles) == (36 * 6 + 70, 16 * 6)
    assert timing.chain == Chain(16 * 6, 28)
    teensy.store(0x402A800C, 0x18)  # AHBCR without PREFETCHEN
    assert teensy.peripheral("flexspi").timing().chain is None


# --- LPUART -----------------------------------------------------------------------------------------------------------
@pytest.fixture
def uart(teensy) -> BoardChip:
    run_at_600_megahertz(teensy)
    teensy.store(CCM + 0x24, 1 << 6)
    teensy.store(UART6 + 0x10, 25 << 24 | 8)  # 24 MHz / (26 * 8) = 115384.6 baud
    teensy.store(UART6 + 0x28, 0x88)
    teensy.store(UART6 + 0x18, 3 << 18)
    return teensy


CHARACTER = 10 * 26 * 8 * 25
"""Cycles of 600 MHz in one character."""


def test_characters_leave_one_frame_time_apart(uart):
    start = uart.now()
    for byte in b"hey":
        uart.store(UART6 + 0x1C, byte)
    assert uart.load(UART6 + 0x2C) >> 8 & 7 == 2  # TXCOUNT: one is in the shift register
    uart.advance(3 * CHARACTER)
    assert [(cycle - start) // CHARACTER for cycle, _, _ in uart.sent] == [1, 2, 3]
    assert uart.text("uart6") == "hey"
    assert uart.load(UART6 + 0x14) >> 22 & 3 == 3  # TDRE, TC


def test_the_fifo_size_is_told_in_its_registers(uart):
    assert uart.load(UART6 + 0x04) == 0x0202
    assert uart.load(UART6 + 0x28) & 0x77 == 0x11
    assert uart.load(UART6 + 0x28) >> 22 == 3  # both empty


def test_received_characters_raise_full_then_idle(uart):
    uart.store(UART6 + 0x2C, 1 << 16)  # more than one
    uart.store(UART6 + 0x18, uart.load(UART6 + 0x18) | 1 << 21 | 1 << 20)
    uart.peripheral("uart6").receive(b"ab")
    uart.advance(CHARACTER)
    assert not uart.lines.get(25)
    uart.advance(CHARACTER)
    assert uart.lines[25]
    assert uart.load(UART6 + 0x1C) == ord("a")
    assert not uart.lines[25]
    uart.advance(CHARACTER)
    assert uart.lines[25]  # idle line
    uart.store(UART6 + 0x14, 1 << 20)
    assert not uart.lines[25]
    assert uart.load(UART6 + 0x1C) == ord("b")
    assert uart.load(UART6 + 0x1C) >> 12 & 1  # empty


def test_a_full_receive_fifo_overruns(uart):
    uart.peripheral("uart6").receive(b"12345")
    uart.advance(5 * CHARACTER)
    assert uart.load(UART6 + 0x14) >> 19 & 1
    assert [uart.load(UART6 + 0x1C) for _ in range(4)] == list(b"1234")


# --- timers -------------------------------------------------------------------------------------------------------------
def test_gpt_counts_the_oscillator_and_compares(teensy):
    teensy.store(GPT1 + 0x04, 23 | 0 << 12)
    teensy.store(GPT1 + 0x10, 100)
    teensy.store(GPT1 + 0x0C, 1)
    teensy.store(GPT1, 1 | 1 << 1 | 5 << 6 | 1 << 9 | 1 << 10)
    teensy.advance(396 * 99)
    assert teensy.load(GPT1 + 0x24) == 99
    assert not teensy.lines.get(100)
    teensy.advance(396)
    assert teensy.lines[100]
    teensy.store(GPT1 + 0x08, 1)
    assert not teensy.lines[100]


def test_gpt_starts_over_at_its_first_compare_in_restart_mode(teensy):
    teensy.store(GPT1 + 0x04, 23)
    teensy.store(GPT1 + 0x10, 9)
    teensy.store(GPT1, 1 | 1 << 1 | 5 << 6)
    teensy.advance(396 * 25)
    assert teensy.load(GPT1 + 0x24) == 5


def test_gpt_resets_by_software(teensy):
    teensy.store(GPT1, 1 | 5 << 6)
    teensy.advance(10_000)
    teensy.store(GPT1, 1 << 15)
    assert teensy.load(GPT1) & 1 << 15 == 0
    assert teensy.load(GPT1 + 0x24) == 0
    assert teensy.load(GPT1 + 0x10) == 0xFFFFFFFF


def test_pit_counts_down_and_interrupts_each_period(teensy):
    teensy.store(CCM + 0x1C, 1 << 6)
    teensy.store(PIT, 0)
    teensy.store(PIT + 0x100, 24 * 10 - 1)
    teensy.store(PIT + 0x108, 3)
    cycles = 396 * 10
    for _ in range(2):
        teensy.advance(cycles - 1)
        assert not teensy.lines.get(122)
        teensy.advance(1)
        assert teensy.lines[122]
        teensy.store(PIT + 0x10C, 1)
        assert not teensy.lines[122]
    teensy.advance(396)
    assert teensy.load(PIT + 0x104) == 24 * 10 - 1 - 24


def test_chained_pit_channels_make_a_lifetime_counter(teensy):
    teensy.store(CCM + 0x1C, 1 << 6)
    teensy.store(PIT, 0)
    for channel in (1, 0):
        teensy.store(PIT + 0x100 + 16 * channel, 0xFFFFFFFF)
    teensy.store(PIT + 0x118, 5)
    teensy.store(PIT + 0x108, 1)
    teensy.advance(396_000)
    assert teensy.load(PIT + 0xE0) == 0xFFFFFFFF
    assert 0xFFFFFFFF - teensy.load(PIT + 0xE4) == 24_000


def test_the_real_time_counter_runs_at_32_kilohertz(teensy):
    teensy.store(SNVS + 0x54, 0x8000)
    teensy.store(SNVS + 0x38, 0x21)
    teensy.store(SNVS + 0x08, 1 | 1 << 16)
    teensy.advance_seconds(1)
    assert teensy.load(SNVS + 0x28) == 0x8000 + 32768
    assert teensy.load(SNVS + 0x54) == 0x8000 + 32768


def test_the_watchdog_resets_after_its_half_seconds(teensy):
    teensy.store(WDOG1, 1 << 8 | 0x34, 2)  # 1 s
    teensy.advance_seconds(0.9)
    teensy.store(WDOG1 + 2, 0x5555, 2)
    teensy.store(WDOG1 + 2, 0xAAAA, 2)
    teensy.advance_seconds(0.99)
    assert teensy.resets == []
    teensy.advance_seconds(0.02)
    assert teensy.resets == ["watchdog"]


def test_the_refresh_watchdog_is_unlocked_and_switched(teensy):
    teensy.store(RTWDOG + 4, 0xD928C520)
    assert teensy.load(RTWDOG) >> 11 & 1
    teensy.store(RTWDOG + 8, 0x400)
    teensy.store(RTWDOG, 1 << 7 | 1 << 8)
    assert teensy.load(RTWDOG) >> 10 & 1
    teensy.advance_seconds(0x400 / 32768 - 0.001)
    teensy.store(RTWDOG + 4, 0xB480A602)
    teensy.advance_seconds(0x400 / 32768 - 0.001)
    assert teensy.resets == []
    teensy.advance_seconds(0.0011)
    assert teensy.resets == ["watchdog"]


def test_pins_read_back_what_they_drive(teensy):
    teensy.store(GPIO1 + 0x04, 0xF0)
    teensy.store(GPIO1 + 0x84, 0x3C)
    assert teensy.load(GPIO1) == 0x3C
    assert teensy.load(GPIO1 + 0x08) == 0x30
    teensy.store(GPIO1 + 0x88, 0x10)
    teensy.store(GPIO1 + 0x8C, 0xC0)
    assert teensy.load(GPIO1) == 0xEC

"""Models of nRF52840 and nRF5340: clocks, timers, serial ports, interconnect, flash control."""

from __future__ import annotations

import pytest

from mcusim.errors import BoardError
from tests.peripherals.board_chip import BoardChip

CLOCK, UART, TIMER0, RTC0, RNG, TEMP, WDT = (
    0x40000000, 0x40002000, 0x40008000, 0x4000B000, 0x4000D000, 0x4000C000, 0x40010000,
)  # fmt: skip
NVMC, PPI, P0, P1, EGU0 = 0x4001E000, 0x4001F000, 0x50000000, 0x50000300, 0x40014000
MICROSECOND = 64
CHARACTER = 5556
"""Cycles of 10 bits at 16 MHz * 0x01D7E000 / 2**32 = 115203.9 baud, rounded up: 64 MHz * 10 / 115203.9 = 5555.4."""


@pytest.fixture
def nano() -> BoardChip:
    return BoardChip("nano-33-ble")


@pytest.fixture
def uarte(nano) -> BoardChip:
    nano.store(UART + 0x524, 0x01D7E000)
    nano.store(UART + 0x500, 8)
    return nano


def start_low_clock(chip: BoardChip, clock: int = CLOCK) -> None:
    chip.store(clock + 0x008, 1)
    chip.advance_seconds(0.0006)
    assert chip.load(clock + 0x104)


# --- clock ----------------------------------------------------------------------------------------------------------
def test_the_core_runs_at_64_megahertz_whatever_the_oscillator(nano):
    assert nano.core_hertz() == 64_000_000
    nano.store(CLOCK, 1)
    nano.advance_seconds(0.001)
    assert nano.core_hertz() == 64_000_000


def test_the_crystal_oscillator_starts_in_360_microseconds(nano):
    nano.store(CLOCK, 1)
    assert nano.load(CLOCK + 0x408) == 1
    nano.advance(360 * MICROSECOND - 1)
    assert not nano.load(CLOCK + 0x100)
    assert nano.load(CLOCK + 0x40C) == 0x10000  # runs, from the internal oscillator
    nano.advance(1)
    assert nano.load(CLOCK + 0x100)
    assert nano.load(CLOCK + 0x40C) == 0x10001


def test_a_started_clock_interrupts_until_the_event_is_cleared(nano):
    nano.store(CLOCK + 0x304, 1)
    nano.store(CLOCK, 1)
    nano.advance_seconds(0.001)
    assert nano.lines[0]
    nano.store(CLOCK + 0x100, 0)
    assert not nano.lines[0]


def test_the_low_frequency_crystal_takes_a_quarter_second(nano):
    nano.store(CLOCK + 0x518, 1)
    nano.store(CLOCK + 0x008, 1)
    nano.advance_seconds(0.249)
    assert not nano.load(CLOCK + 0x104)
    assert nano.clock_hertz("lfclk") == 0
    nano.advance_seconds(0.0011)
    assert nano.load(CLOCK + 0x104)
    assert nano.load(CLOCK + 0x418) == 0x10001
    assert nano.clock_hertz("lfclk") == 32768


def test_reset_reasons_are_cleared_by_writing_ones(nano):
    nano.peripheral("clock").registers[0x400] = 5
    nano.store(CLOCK + 0x400, 1)
    assert nano.load(CLOCK + 0x400) == 4


def test_an_unknown_clock_is_an_error(nano):
    with pytest.raises(BoardError, match="hfclk"):
        nano.clock_hertz("apb1")


def test_the_application_core_of_nrf5340_starts_at_half_speed():
    chip = BoardChip("nrf5340-dk")
    assert chip.core_hertz() == 64_000_000
    chip.store(0x50005558, 0)
    assert chip.core_hertz() == 128_000_000
    assert chip.load(0x40005558) == 0  # the non-secure view shows the same register


# --- UARTE and UART ---------------------------------------------------------------------------------------------------
def test_uarte_sends_a_buffer_and_ends(uarte):
    uarte.write_memory(0x20000100, b"nordic")
    uarte.store(UART + 0x544, 0x20000100)
    uarte.store(UART + 0x548, 6)
    uarte.store(UART + 0x304, 1 << 8)
    start = uarte.now()
    uarte.store(UART + 0x008, 1)
    assert uarte.load(UART + 0x150)  # TXSTARTED
    uarte.advance(6 * CHARACTER - 1)
    assert not uarte.load(UART + 0x120)
    uarte.advance(1)
    assert uarte.load(UART + 0x120)
    assert uarte.lines[2]
    assert uarte.text("uart0") == "nordic"
    assert uarte.sent[-1][0] - start == 6 * CHARACTER
    assert uarte.load(UART + 0x54C) == 6


def test_uarte_receives_into_its_buffer(uarte):
    uarte.store(UART + 0x534, 0x20000200)
    uarte.store(UART + 0x538, 2)
    uarte.store(UART + 0x000, 1)
    uarte.peripheral("uart0").receive(b"ok!")
    uarte.advance(2 * CHARACTER)
    assert uarte.read_memory(0x20000200, 2) == b"ok"
    assert uarte.load(UART + 0x110)  # ENDRX
    assert uarte.load(UART + 0x53C) == 2
    uarte.advance(CHARACTER)
    assert uarte.load(UART + 0x480) == 1  # overrun: no buffer left
    assert uarte.load(UART + 0x124)


def test_the_short_from_endrx_to_startrx_takes_the_next_buffer(uarte):
    uarte.store(UART + 0x200, 1 << 5)
    uarte.store(UART + 0x534, 0x20000200)
    uarte.store(UART + 0x538, 1)
    uarte.store(UART + 0x000, 1)
    uarte.store(UART + 0x534, 0x20000300)
    uarte.peripheral("uart0").receive(b"ab")
    uarte.advance(2 * CHARACTER)
    assert uarte.read_memory(0x20000200, 1) == b"a"
    assert uarte.read_memory(0x20000300, 1) == b"b"


def test_stopping_reception_ends_the_buffer_and_times_out(uarte):
    uarte.store(UART + 0x538, 10)
    uarte.store(UART + 0x000, 1)
    uarte.store(UART + 0x004, 1)
    assert uarte.load(UART + 0x110)
    assert uarte.load(UART + 0x144)  # RXTO


def test_the_legacy_uart_sends_and_receives_by_register(nano):
    nano.store(UART + 0x524, 0x01D7E000)
    nano.store(UART + 0x500, 4)
    nano.store(UART + 0x008, 1)
    nano.store(UART + 0x000, 1)
    nano.store(UART + 0x51C, ord("A"))
    nano.peripheral("uart0").receive(b"z")
    nano.advance(CHARACTER)
    assert nano.load(UART + 0x11C)
    assert nano.text("uart0") == "A"
    assert nano.load(UART + 0x108)
    assert nano.load(UART + 0x518) == ord("z")


# --- TIMER and RTC ----------------------------------------------------------------------------------------------------
def test_the_timer_counts_16_megahertz_over_its_prescaler(nano):
    nano.store(TIMER0 + 0x508, 3)
    nano.store(TIMER0 + 0x510, 4)
    nano.store(TIMER0, 1)
    nano.advance(1000 * MICROSECOND)
    nano.store(TIMER0 + 0x40, 1)
    assert nano.load(TIMER0 + 0x540) == 1000
    nano.store(TIMER0 + 0x004, 1)
    nano.advance(1000 * MICROSECOND)
    nano.store(TIMER0 + 0x40, 1)
    assert nano.load(TIMER0 + 0x540) == 1000


def test_a_16_bit_timer_wraps(nano):
    nano.store(TIMER0 + 0x510, 0)
    nano.store(TIMER0, 1)
    nano.advance(4 * 65536 + 4 * 10)
    nano.store(TIMER0 + 0x44, 1)
    assert nano.load(TIMER0 + 0x544) == 10


def test_compare_with_the_clear_short_is_periodic(nano):
    nano.store(TIMER0 + 0x508, 3)
    nano.store(TIMER0 + 0x540, 100)
    nano.store(TIMER0 + 0x200, 1)
    nano.store(TIMER0 + 0x304, 1 << 16)
    nano.store(TIMER0, 1)
    for _ in range(3):
        nano.advance(100 * MICROSECOND - 1)
        assert not nano.lines.get(8)
        nano.advance(1)
        assert nano.lines[8]
        nano.store(TIMER0 + 0x140, 0)


def test_compare_with_the_stop_short_stops(nano):
    nano.store(TIMER0 + 0x508, 3)
    nano.store(TIMER0 + 0x540, 7)
    nano.store(TIMER0 + 0x200, 1 << 8)
    nano.store(TIMER0, 1)
    nano.advance(1000 * MICROSECOND)
    nano.store(TIMER0 + 0x44, 1)
    assert nano.load(TIMER0 + 0x544) == 7


def test_counter_mode_counts_its_task(nano):
    nano.store(TIMER0 + 0x504, 1)
    nano.store(TIMER0 + 0x540, 2)
    nano.store(TIMER0, 1)
    for _ in range(2):
        nano.store(TIMER0 + 0x008, 1)
    nano.store(TIMER0 + 0x44, 1)
    assert nano.load(TIMER0 + 0x544) == 2
    assert nano.load(TIMER0 + 0x140)


def test_the_rtc_counts_32_kilohertz_over_its_prescaler(nano):
    start_low_clock(nano)
    nano.store(RTC0 + 0x508, 32)
    nano.store(RTC0, 1)
    nano.advance_seconds(1)
    assert nano.load(RTC0 + 0x504) == 992  # 32768 / 33


def test_the_rtc_stands_while_its_clock_is_off(nano):
    nano.store(RTC0, 1)
    nano.advance_seconds(0.1)
    assert nano.load(RTC0 + 0x504) == 0


def test_an_rtc_compare_needs_its_event_or_interrupt_enabled(nano):
    start_low_clock(nano)
    nano.store(RTC0 + 0x540, 10)
    nano.store(RTC0 + 0x544, 20)
    nano.store(RTC0 + 0x304, 1 << 17)
    nano.store(RTC0, 1)
    nano.advance_seconds(21 / 32768)
    assert not nano.load(RTC0 + 0x140)
    assert nano.load(RTC0 + 0x144)
    assert nano.lines[11]


def test_the_rtc_overflows_after_24_bits(nano):
    start_low_clock(nano)
    nano.store(RTC0 + 0x344, 2)
    nano.store(RTC0, 1)
    nano.store(RTC0 + 0x00C, 1)  # 0xFFFFF0
    nano.advance_seconds(15.5 / 32768)
    assert not nano.load(RTC0 + 0x104)
    nano.advance_seconds(1 / 32768)
    assert nano.load(RTC0 + 0x104)
    assert nano.load(RTC0 + 0x504) == 0


# --- the rest -----------------------------------------------------------------------------------------------------------
def test_ppi_runs_a_task_on_another_peripherals_event(nano):
    triggered: list[int] = []
    nano.write_memory = lambda address, data: triggered.append(address)  # type: ignore[method-assign]
    nano.store(PPI + 0x510, TIMER0 + 0x140)
    nano.store(PPI + 0x514, EGU0)
    nano.store(PPI + 0x910, EGU0 + 4)
    nano.store(PPI + 0x504, 1)
    nano.store(TIMER0 + 0x508, 3)
    nano.store(TIMER0 + 0x540, 5)
    nano.store(TIMER0, 1)
    nano.advance(5 * MICROSECOND)
    assert triggered == [EGU0, EGU0 + 4]
    nano.store(PPI + 0x508, 1)
    assert nano.load(PPI + 0x500) == 0


def test_dppi_connects_publishers_and_subscribers():
    chip = BoardChip("nrf5340-dk")
    timer, egu, dppic = 0x5000F000, 0x5001B000, 0x50017000
    chip.store(timer + 0x1C0, 1 << 31 | 7)
    chip.store(egu + 0x080, 1 << 31 | 7)
    chip.store(dppic + 0x504, 1 << 7)
    chip.store(timer + 0x508, 3)
    chip.store(timer + 0x540, 5)
    chip.store(timer, 1)
    chip.advance(5 * MICROSECOND)
    assert chip.load(egu + 0x100) == 1


def test_random_bytes_come_every_30_microseconds_and_repeat_from_run_to_run(nano):
    def take(chip: BoardChip) -> list[int]:
        values = []
        chip.store(RNG, 1)
        for _ in range(4):
            chip.advance(30 * MICROSECOND)
            assert chip.load(RNG + 0x100)
            chip.store(RNG + 0x100, 0)
            values.append(chip.load(RNG + 0x508))
        return values

    first = take(nano)
    assert len(set(first)) > 1
    assert all(0 <= value < 256 for value in first)
    assert take(BoardChip("nano-33-ble")) == first


def test_the_thermometer_measures_25_degrees_in_36_microseconds(nano):
    nano.store(TEMP, 1)
    nano.advance(36 * MICROSECOND - 1)
    assert not nano.load(TEMP + 0x100)
    nano.advance(1)
    assert nano.load(TEMP + 0x100)
    assert nano.load(TEMP + 0x508) == 25 * 4


def test_the_watchdog_resets_two_periods_after_its_timeout(nano):
    nano.store(WDT + 0x504, 32767)  # 1 s
    nano.store(WDT, 1)
    nano.advance_seconds(0.9)
    nano.store(WDT + 0x600, 0x6E524635)
    nano.advance_seconds(0.99)
    assert nano.resets == []
    nano.advance_seconds(0.0102)
    assert nano.resets == ["watchdog"]


def test_a_running_watchdog_cannot_be_reconfigured(nano):
    nano.store(WDT + 0x504, 100)
    nano.store(WDT, 1)
    nano.store(WDT + 0x504, 1000)
    assert nano.load(WDT + 0x504) == 100


def test_pins_follow_set_and_clear_and_show_direction_in_their_configuration(nano):
    nano.store(P0 + 0x518, 1 << 13)
    nano.store(P0 + 0x508, 1 << 13)
    assert nano.load(P0 + 0x510) == 1 << 13
    assert nano.load(P0 + 0x700 + 4 * 13) & 1
    nano.store(P0 + 0x50C, 1 << 13)
    assert nano.load(P0 + 0x510) == 0
    nano.store(P0 + 0x700 + 4 * 11, 0xC)  # input with pull-up
    assert nano.load(P0 + 0x510) == 1 << 11


def test_the_second_port_is_a_port_of_its_own(nano):
    nano.store(P1 + 0x514, 1)
    nano.store(P1 + 0x508, 1)
    assert nano.load(P1 + 0x510) == 1
    assert nano.load(P0 + 0x510) == 0


def test_the_instruction_cache_of_nrf52840_changes_flash_timing(nano):
    timing = nano.peripheral("nvmc").timing()
    assert (timing.wait_states, timing.instruction_cache, timing.read_bytes) == (2, False, 4)
    before = nano.timing_changes
    nano.store(NVMC + 0x540, 1)
    timing = nano.peripheral("nvmc").timing()
    assert (timing.wait_states, timing.miss_cycles) == (2, 1)
    assert (timing.instruction_cache, timing.data_cache) == (True, False)
    assert nano.timing_changes == before + 1


def test_hits_and_misses_of_nrf52840_are_counted_while_profiling_is_on(nano):
    nano.lookups = (50, 5, 0, 0)
    nano.store(NVMC + 0x540, 0x101)
    nano.lookups = (80, 9, 0, 0)
    assert (nano.load(NVMC + 0x548), nano.load(NVMC + 0x54C)) == (30, 4)
    nano.store(NVMC + 0x540, 0x001)
    nano.store(NVMC + 0x54C, 0)
    nano.lookups = (99, 19, 0, 0)
    assert (nano.load(NVMC + 0x548), nano.load(NVMC + 0x54C)) == (30, 0)


def test_the_cache_of_nrf5340_counts_instructions_and_data_apart_and_is_emptied_by_software():
    dk, cache = BoardChip("nrf5340-dk"), 0x50001000
    dk.store(cache + 0x50C, 1)
    dk.lookups = (1, 2, 3, 4)
    assert [dk.load(cache + offset) for offset in (0x400, 0x404, 0x408, 0x40C)] == [1, 2, 3, 4]
    dk.store(cache + 0x510, 1)
    assert [dk.load(cache + offset) for offset in (0x400, 0x404, 0x408, 0x40C)] == [0, 0, 0, 0]
    dk.store(cache + 0x504, 1)
    assert dk.emptied == [("nvmc.instruction", None, None)]


def test_flash_writes_need_write_enable_and_clear_bits_only(nano):
    nvmc = nano.peripheral("nvmc")
    nano.write_memory(0x1000, b"\xff\xff\xff\xff")
    assert not nvmc.program(0x1000, b"\x00\x00\x00\x00")
    nano.store(NVMC + 0x504, 1)
    assert nvmc.program(0x1000, b"\x0f\x0f\x0f\x0f")
    assert nvmc.program(0x1000, b"\xfc\xfc\xfc\xfc")
    assert nano.read_memory(0x1000, 4) == b"\x0c\x0c\x0c\x0c"
    assert not nano.load(NVMC + 0x400)
    nano.advance(82 * MICROSECOND)
    assert nano.load(NVMC + 0x400)


def test_erasing_a_page_takes_85_milliseconds(nano):
    nano.write_memory(0x2000, b"\0" * 4096)
    nano.store(NVMC + 0x504, 2)
    nano.store(NVMC + 0x508, 0x2000)
    assert nano.read_memory(0x2000, 4096) == b"\xff" * 4096
    nano.advance_seconds(0.0849)
    assert not nano.load(NVMC + 0x400)
    nano.advance_seconds(0.0001)
    assert nano.load(NVMC + 0x400)


def test_identification_words_cannot_be_written(nano):
    nano.store(0x10000100, 0)
    assert nano.load(0x10000100) == 0x52840


UICR = 0x10001000


def test_uicr_is_written_like_flash_and_outlives_resets(nano):
    nano.store(UICR + 0x20C, 0)
    assert nano.load(UICR + 0x20C) == 0xFFFFFFFF
    assert "uicr: write to +0x20c" in nano.warnings[0]
    nano.store(NVMC + 0x504, 1)
    nano.store(UICR + 0x20C, 0xFFFFFFFE)
    nano.store(UICR + 0x20C, 0xFFFFFFFD)
    assert not nano.load(NVMC + 0x400)
    nano.advance(2 * 41 * 64)
    assert nano.load(NVMC + 0x400)
    nano.peripheral("uicr").reset_registers()
    assert nano.load(UICR + 0x20C) == 0xFFFFFFFC
    assert nano.load(UICR + 0x200) == 18


def test_erasing_uicr_makes_its_words_new(nano):
    nano.store(NVMC + 0x514, 1)
    assert nano.load(UICR + 0x200) == 18
    nano.store(NVMC + 0x504, 2)
    nano.store(NVMC + 0x514, 1)
    assert nano.load(UICR + 0x200) == 0xFFFFFFFF

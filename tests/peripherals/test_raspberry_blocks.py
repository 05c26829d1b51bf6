"""Interpolators, DMA's finer points, PWM, ADC, RTC, I2C, SPI, PIO and resuscitation of the RP chips."""

from __future__ import annotations

import binascii

import pytest

from mcusim.errors import UnsupportedError
from tests.peripherals.board_chip import BoardChip
from tests.peripherals.test_raspberry_clocks import CLOCKS, WATCHDOG, run_at_125_megahertz

INTERP0, INTERP1, DMA = 0xD0000080, 0xD00000C0, 0x50000000
PWM, ADC, RTC, I2C, SPI, PIO, PLL_SYS = 0x40050000, 0x4004C000, 0x4005C000, 0x40044000, 0x4003C000, 0x50200000, 0x40028000
ACCUM0, ACCUM1, BASE0, BASE1, BASE2, POP0, POP1, POP_FULL, PEEK0, PEEK1, PEEK_FULL, CTRL0, CTRL1, ADD0 = range(0, 0x38, 4)
BOTH_BASES = 0x3C
RAM = 0x20000000


@pytest.fixture
def pico() -> BoardChip:
    """clk_sys 125 MHz, clk_ref 12 MHz, a tick each microsecond."""
    chip = BoardChip("raspberry-pi-pico")
    run_at_125_megahertz(chip)
    chip.store(CLOCKS + 0x48, 1 << 11)
    chip.store(WATCHDOG + 0x2C, 12 | 1 << 9)
    return chip


def mask(low: int, high: int, shift: int = 0) -> int:
    """CTRL of a lane that takes bits ``low`` to ``high`` of the shifted input."""
    return shift | low << 5 | high << 10


# --- interpolators ----------------------------------------------------------------------------------------------------------
def test_pop_adds_the_base_again_and_again(pico):
    pico.store(INTERP0 + CTRL0, mask(0, 31))
    pico.store(INTERP0 + BASE0, 9)
    assert [pico.load(INTERP0 + POP0) for _ in range(4)] == [9, 18, 27, 36]
    assert pico.load(INTERP0 + PEEK0) == pico.load(INTERP0 + PEEK0) == 45


def test_a_lane_shifts_masks_and_extends_the_sign(pico):
    pico.store(INTERP0 + ACCUM0, 0x1234ABCD)
    pico.store(INTERP0 + CTRL0, mask(0, 7, shift=8))
    assert pico.load(INTERP0 + PEEK0) == 0xAB
    pico.store(INTERP0 + CTRL0, mask(0, 7, shift=8) | 1 << 15)
    assert pico.load(INTERP0 + PEEK0) == 0xFFFFFFAB
    pico.store(INTERP0 + CTRL0, mask(4, 11))
    assert pico.load(INTERP0 + PEEK0) == 0xBC0


def test_bits_above_the_mask_show_as_overflow(pico):
    pico.store(INTERP0 + ACCUM1, 0x100)
    pico.store(INTERP0 + CTRL1, mask(0, 7))
    assert pico.load(INTERP0 + CTRL0) >> 23 & 7 == 0b110  # OVERF, OVERF1


def test_crossed_inputs_and_results(pico):
    pico.store(INTERP0 + CTRL0, mask(0, 31) | 1 << 17)  # cross result
    pico.store(INTERP0 + CTRL1, mask(0, 31) | 1 << 17)
    pico.store(INTERP0 + ACCUM0, 123)
    pico.store(INTERP0 + ACCUM1, 456)
    pico.store(INTERP0 + BASE0, 1)
    assert [(pico.load(INTERP0 + PEEK0), pico.load(INTERP0 + POP1)) for _ in range(3)] == [(124, 456), (457, 124), (125, 457)]
    pico.store(INTERP0 + CTRL0, mask(0, 31) | 1 << 16)  # cross input
    assert pico.load(INTERP0 + PEEK0) == pico.load(INTERP0 + ACCUM1) + 1


def test_full_result_adds_both_lanes_to_its_base(pico):
    for lane in (CTRL0, CTRL1):
        pico.store(INTERP0 + lane, mask(0, 7))
    pico.store(INTERP0 + ACCUM0, 0x101)
    pico.store(INTERP0 + ACCUM1, 0x102)
    pico.store(INTERP0 + BASE2, 1000)
    pico.store(INTERP0 + BASE0, 5)
    assert pico.load(INTERP0 + PEEK_FULL) == 1003
    pico.store(INTERP0 + CTRL0, mask(0, 7) | 1 << 18)  # add raw: for the lane's own result only
    assert (pico.load(INTERP0 + PEEK0), pico.load(INTERP0 + PEEK_FULL)) == (0x106, 1003)


def test_blend_mixes_the_bases_by_256ths(pico):
    pico.store(INTERP0 + CTRL0, 1 << 21)
    pico.store(INTERP0 + CTRL1, mask(0, 7))
    pico.store(INTERP0 + BASE0, 500)
    pico.store(INTERP0 + BASE1, 1000)
    results = []
    for alpha in (0, 64, 128, 255):
        pico.store(INTERP0 + ACCUM1, alpha)
        results.append(pico.load(INTERP0 + PEEK1))
    assert results == [500, 625, 750, 998]
    pico.store(INTERP0 + CTRL1, mask(0, 7) | 1 << 15)
    pico.store(INTERP0 + BASE0, -1000 & 0xFFFFFFFF)
    pico.store(INTERP0 + ACCUM1, 128)
    assert pico.load(INTERP0 + PEEK1) == 0


def test_clamp_keeps_a_result_between_the_bases(pico):
    pico.store(INTERP1 + CTRL0, mask(0, 29, shift=2) | 1 << 15 | 1 << 22)
    pico.store(INTERP1 + BASE0, 0)
    pico.store(INTERP1 + BASE1, 255)
    results = []
    for value in (-1024, 256, 1000, 4096):
        pico.store(INTERP1 + ACCUM0, value & 0xFFFFFFFF)
        results.append(pico.load(INTERP1 + PEEK0))
    assert results == [0, 64, 250, 255]


def test_both_bases_at_once_and_the_adding_accumulator(pico):
    pico.store(INTERP0 + CTRL1, mask(0, 31) | 1 << 15)
    pico.store(INTERP0 + BOTH_BASES, 0xFFFE0003)
    assert (pico.load(INTERP0 + BASE0), pico.load(INTERP0 + BASE1)) == (3, 0xFFFFFFFE)
    pico.store(INTERP0 + ADD0, 7)
    pico.store(INTERP0 + ADD0, 8)
    assert pico.load(INTERP0 + ACCUM0) == 15


def test_the_shift_of_rp2350_is_a_rotation():
    chip = BoardChip("raspberry-pi-pico-2")
    chip.store(INTERP0 + ACCUM0, 0x80000001)
    chip.store(INTERP0 + CTRL0, mask(0, 31, shift=1))
    assert chip.load(INTERP0 + PEEK0) == 0xC0000000


# --- DMA --------------------------------------------------------------------------------------------------------------------
UNPACED = 0x3F << 15
BOTH_WAYS = 1 | 1 << 4 | 1 << 5


def copy(chip: BoardChip, channel: int, source: int, target: int, count: int, control: int) -> None:
    for offset, value in zip((0, 4, 8, 0xC), (source, target, count, control | channel << 11), strict=True):
        chip.store(DMA + 0x40 * channel + offset, value)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [(0x0, 0x0376E6E7), (0x1, 0x340BC6D9), (0x2, 0x29B1), (0xE, 1), (0xF, sum(b"123456789"))],
    # Check values of CRC-32/MPEG-2, CRC-32/JAMCRC (bit-reversed), CRC-16/CCITT-FALSE
)
def test_the_sniffer_computes_checksums(pico, mode, expected):
    pico.write_memory(RAM, b"123456789")
    pico.store(DMA + 0x438, 0xFFFFFFFF if mode < 2 else 0xFFFF if mode == 2 else 0)
    pico.store(DMA + 0x434, 1 | 0 << 1 | mode << 5 | (1 << 10 if mode == 1 else 0))
    copy(pico, 0, RAM, RAM + 0x100, 9, BOTH_WAYS | UNPACED | 1 << 23)
    pico.advance(9)
    assert sum(byte.bit_count() for byte in b"123456789") % 2 == 1
    assert pico.load(DMA + 0x438) == expected


def test_the_sniffer_agrees_with_zlib_over_words(pico):
    pico.write_memory(RAM, bytes(range(64)))
    pico.store(DMA + 0x438, 0xFFFFFFFF)
    pico.store(DMA + 0x434, 1 | 1 << 5 | 1 << 10 | 1 << 11)  # bit-reversed in and out, inverted
    copy(pico, 0, RAM, RAM + 0x100, 16, BOTH_WAYS | 2 << 2 | UNPACED | 1 << 23)
    pico.advance(16)
    assert pico.load(DMA + 0x438) == binascii.crc32(bytes(range(64)))


def test_a_timer_paces_a_channel(pico):
    pico.write_memory(RAM, bytes(range(1, 5)))
    pico.store(DMA + 0x420, 2 << 16 | 25)  # 2 transfers in 25 cycles
    copy(pico, 0, RAM, RAM + 0x100, 4, BOTH_WAYS | 0x3B << 15)
    done = []
    for cycle in range(1, 60):
        pico.advance(1)
        if 4 - pico.load(DMA + 8) > len(done):
            done.append(cycle)
    assert done == [12, 25, 37, 50]
    assert pico.read_memory(RAM + 0x100, 4) == bytes(range(1, 5))


def test_a_null_trigger_tells_the_end_of_a_chain_by_a_quiet_channel(pico):
    pico.store(DMA + 0x10, 1 | UNPACED | 1 << 21)  # alias 1: control, without a trigger
    pico.store(DMA + 0x1C, 0)
    assert pico.load(DMA + 0x400) == 1
    assert not pico.load(DMA + 0xC) >> 24 & 1


def test_rp2350_counts_addresses_down_and_by_two():
    chip = BoardChip("raspberry-pi-pico-2")
    chip.write_memory(RAM, bytes(range(8)))
    control = 1 | 1 << 4 | 1 << 5 | 1 << 7 | 0x3F << 17  # read downwards, write every second byte
    for offset, value in zip((0, 4, 8, 0xC), (RAM + 3, RAM + 0x100, 4, control), strict=True):
        chip.store(DMA + offset, value)
    chip.advance(4)
    assert chip.read_memory(RAM + 0x100, 8) == bytes([3, 0, 2, 0, 1, 0, 0, 0])


# --- PWM --------------------------------------------------------------------------------------------------------------------
def test_a_slice_counts_to_top_and_interrupts(pico):
    pico.store(PWM + 0x10, 99)
    pico.store(PWM + 0xA8, 1)
    pico.store(PWM, 1)
    pico.advance(42)
    assert pico.load(PWM + 8) == 42
    pico.advance(57)
    assert not pico.lines.get(4)
    pico.advance(1)
    assert pico.lines[4] and pico.load(PWM + 0xA4) == pico.load(PWM + 0xB0) == 1
    assert pico.load(PWM + 8) == 0
    pico.store(PWM + 0xA4, 1)
    assert not pico.lines[4]
    pico.advance(100)
    assert pico.lines[4]


def test_a_divided_slice_counts_sixteenths(pico):
    pico.store(PWM + 4, 2 << 4 | 8)  # 2.5
    pico.store(PWM + 0xA0, 1)
    pico.advance(100)
    assert pico.load(PWM + 8) == 40
    pico.store(PWM + 0xA0, 0)
    pico.advance(100)
    assert pico.load(PWM + 8) == 40


def test_phase_correct_counts_up_and_down(pico):
    pico.store(PWM + 0x10, 10)
    pico.store(PWM, 1 | 2)
    values = []
    for _ in range(21):
        values.append(pico.load(PWM + 8))
        pico.advance(1)
    assert values == [*range(10), *range(10, 0, -1), 0]


# --- ADC --------------------------------------------------------------------------------------------------------------------
@pytest.fixture
def adc(pico) -> BoardChip:
    """clk_adc 12 MHz from the crystal: a conversion takes 8 us, 1000 cycles."""
    pico.store(CLOCKS + 0x60, 3 << 5 | 1 << 11)
    pico.store(ADC, 1)
    return pico


def test_a_conversion_takes_96_clocks(adc):
    adc.store(ADC, 4 << 12 | 1 | 2 | 4)  # the temperature sensor, on
    adc.advance(999)
    assert not adc.load(ADC) & 0x100
    adc.advance(1)
    assert adc.load(ADC) & 0x100
    assert adc.load(ADC + 4) == 876  # 27 C


def test_round_robin_fills_the_fifo_and_interrupts(adc):
    adc.store(ADC + 0x18, 1)
    adc.store(ADC + 8, 1 | 1 << 3 | 3 << 24)
    adc.store(ADC, 1 << 20 | 1 << 16 | 4 << 12 | 1 | 2 | 8)  # inputs 0 and 4 in turn
    adc.advance(2999)
    assert not adc.lines.get(22)
    adc.advance(1)
    assert adc.lines[22] and adc.load(ADC + 8) >> 16 & 0xF == 3
    assert [adc.load(ADC + 0xC) for _ in range(3)] == [876, 0, 876]
    assert adc.load(ADC + 8) & 0x100  # empty
    adc.advance(5000)
    assert adc.load(ADC + 8) & 0xA00 == 0xA00  # full, overflowed


def test_the_divider_spaces_samples(adc):
    adc.store(ADC + 8, 1)
    adc.store(ADC + 0x10, 191 << 8)  # every 192 clocks: 2000 cycles
    adc.store(ADC, 1 | 8)
    adc.advance(1000 + 2 * 2000)
    assert adc.load(ADC + 8) >> 16 & 0xF == 3


# --- RTC --------------------------------------------------------------------------------------------------------------------
@pytest.fixture
def rtc(pico) -> BoardChip:
    """clk_rtc 12 MHz / 256 = 46875 Hz, from the crystal; 28 February 2024, a Wednesday, 23:59:58."""
    pico.store(CLOCKS + 0x70, 256 << 8)
    pico.store(CLOCKS + 0x6C, 3 << 5 | 1 << 11)
    pico.store(RTC, 46874)
    pico.store(RTC + 4, 2024 << 12 | 2 << 8 | 28)
    pico.store(RTC + 8, 3 << 24 | 23 << 16 | 59 << 8 | 58)
    pico.store(RTC + 0xC, 1 << 4)
    pico.store(RTC + 0xC, 1)
    return pico


def test_the_calendar_knows_leap_years(rtc):
    rtc.advance_seconds(1.5)
    assert rtc.load(RTC + 0x1C) == 3 << 24 | 23 << 16 | 59 << 8 | 59
    rtc.advance_seconds(1)
    assert rtc.load(RTC + 0x1C) == 4 << 24
    assert rtc.load(RTC + 0x18) == 2024 << 12 | 2 << 8 | 29
    rtc.advance_seconds(86400)
    assert rtc.load(RTC + 0x1C) == 5 << 24
    assert rtc.load(RTC + 0x18) == 2024 << 12 | 3 << 8 | 1


def test_the_alarm_interrupts_for_as_long_as_it_matches(rtc):
    rtc.store(RTC + 0x24, 1)
    rtc.store(RTC + 0x14, 1 << 29 | 1 << 28)  # minute 0, second 0
    rtc.store(RTC + 0x10, 1 << 28)
    assert rtc.load(RTC + 0x10) >> 29 & 1
    rtc.advance_seconds(1.9)
    assert not rtc.lines.get(25)
    rtc.advance_seconds(0.2)
    assert rtc.lines[25]
    rtc.advance_seconds(1)
    assert not rtc.lines[25]


# --- I2C, SPI, PIO, clk_sys -------------------------------------------------------------------------------------------------
def test_nobody_acknowledges_an_address(pico):
    pico.store(I2C + 0x1C, 500)
    pico.store(I2C + 0x20, 742)
    pico.store(I2C + 0x30, 1 << 6)
    pico.store(I2C + 0x6C, 1)
    assert pico.load(I2C + 0x34) & 0x10  # TX_EMPTY
    pico.store(I2C + 0x10, 0x55 | 1 << 9)
    assert not pico.load(I2C + 0x34) & 0x10
    pico.advance(11 * (500 + 742 + 8))  # start, 9 bits, stop
    assert pico.load(I2C + 0x34) & 0x250 == 0x250  # STOP_DET, TX_ABRT, TX_EMPTY
    assert pico.load(I2C + 0x80) & 0xFFFF == 1
    assert pico.lines[23]
    pico.load(I2C + 0x54)
    assert not pico.lines[23] and pico.load(I2C + 0x80) == 0


def test_spi_frames_take_their_time_and_read_zero(pico):
    pico.store(SPI + 0x10, 10)
    pico.store(SPI, 7 | 1 << 8)  # 8 bits at 125 MHz / (10 * 2): 160 cycles
    pico.store(SPI + 4, 2)
    pico.store(SPI + 8, 0xA5)
    pico.advance(159)
    assert pico.load(SPI + 0xC) & 0x14 == 0x10  # busy, nothing received
    pico.advance(1)
    assert pico.load(SPI + 0xC) & 0x14 == 0x04
    assert pico.load(SPI + 8) == 0
    pico.store(SPI + 4, 3)  # loopback
    pico.store(SPI + 8, 0x1A5)
    pico.advance(160)
    assert pico.load(SPI + 8) == 0xA5


def test_spi_takes_nine_frames_and_overruns_when_nobody_reads(pico):
    pico.store(SPI + 0x10, 2)
    pico.store(SPI, 7)
    pico.store(SPI + 4, 2)
    pico.store(SPI + 0x14, 1)
    for _ in range(9):
        assert pico.load(SPI + 0xC) & 2  # TNF
        pico.store(SPI + 8, 1)
    assert not pico.load(SPI + 0xC) & 2
    pico.advance(8 * 16)
    assert not pico.lines.get(18)
    pico.advance(16)
    assert pico.lines[18] and pico.load(SPI + 0x18) & 1


def test_starting_pio_warns(pico):
    pico.store(PIO, 1)
    pico.store(PIO, 1)
    assert pico.warnings == ["pio0: state machines are started, but PIO programs are not modelled"]


def test_a_stopped_core_clock_ends_the_run(pico):
    with pytest.raises(UnsupportedError, match="stops its own clock"):
        pico.store(PLL_SYS + 4, 0x2D)


def test_a_stopped_core_clock_is_resuscitated_from_clk_ref(pico):
    pico.store(CLOCKS + 0xBC, 1)
    pico.store(CLOCKS + 0x78, 1 << 8 | 0xFF)
    pico.store(PLL_SYS + 4, 0x2D)
    assert pico.core_hertz() == 12_000_000
    assert pico.lines[17] and pico.load(CLOCKS + 0x7C) == 1
    pico.store(CLOCKS + 0x78, 1 << 16)
    assert not pico.lines[17] and pico.load(CLOCKS + 0x7C) == 0

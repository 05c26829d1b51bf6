"""UART, timer, SIO, DMA and flash interface of the RP chips."""

from __future__ import annotations

import pytest

from mcusim.errors import UnsupportedError
from mcusim.machine.coprocessor import Transfer, decode
from mcusim.pricing.memory import Chain
from tests.peripherals.board_chip import BoardChip
from tests.peripherals.test_raspberry_clocks import CLOCKS, WATCHDOG, run_at_125_megahertz

SET, CLEAR = 0x2000, 0x3000
UART, TIMER, SIO, DMA = 0x40034000, 0x40054000, 0xD0000000, 0x50000000
CHARACTER = 10850
"""Cycles of 10 bits at 125 MHz / (16 * (67 + 52/64)): 1085 a bit."""


@pytest.fixture
def pico() -> BoardChip:
    chip = BoardChip("raspberry-pi-pico")
    run_at_125_megahertz(chip)
    chip.store(CLOCKS + 0x48, 1 << 11)
    chip.store(WATCHDOG + 0x2C, 12 | 1 << 9)
    return chip


@pytest.fixture
def uart(pico) -> BoardChip:
    pico.store(UART + 0x24, 67)
    pico.store(UART + 0x28, 52)
    pico.store(UART + 0x2C, 0x70)  # 8 bits, FIFOs
    pico.store(UART + 0x30, 0x301)
    return pico


# --- UART -----------------------------------------------------------------------------------------------------------
def test_characters_leave_one_frame_time_apart(uart):
    start = uart.now()
    for byte in b"abc":
        uart.store(UART, byte, 1)
    assert uart.load(UART + 0x18) & 8  # BUSY
    uart.advance(3 * CHARACTER)
    assert uart.sent == [(start + CHARACTER * (i + 1), "uart0", bytes([byte])) for i, byte in enumerate(b"abc")]
    assert not uart.load(UART + 0x18) & 8
    assert uart.load(UART + 0x18) & 0x80  # TXFE


def test_the_transmit_fifo_takes_32_characters_behind_the_shift_register(uart):
    for count in range(33):
        assert not uart.load(UART + 0x18) & 0x20, count
        uart.store(UART, 0x55, 1)
    assert uart.load(UART + 0x18) & 0x20  # TXFF
    uart.store(UART, 0x66, 1)  # lost
    uart.advance(40 * CHARACTER)
    assert uart.text("uart0") == "U" * 33


def test_the_transmit_interrupt_comes_when_the_fifo_drains_to_its_trigger(uart):
    uart.store(UART + 0x34, 0)  # one eighth: 4 characters
    uart.store(UART + 0x38, 0x20)
    for _ in range(6):
        uart.store(UART, 0x55, 1)
    uart.advance(CHARACTER - 1)
    assert not uart.lines.get(20)
    uart.advance(1)  # 5 waited, one of them moved on: 4 are left
    assert uart.lines[20]
    uart.store(UART + 0x44, 0x20)
    assert not uart.lines[20]


def test_typed_characters_arrive_at_the_baud_rate_and_raise_the_receive_timeout(uart):
    uart.store(UART + 0x38, 0x50)
    uart.peripheral("uart0").receive(b"hi")
    uart.advance(CHARACTER - 1)
    assert uart.load(UART + 0x18) & 0x10  # RXFE
    uart.advance(1)
    assert not uart.load(UART + 0x18) & 0x10
    uart.advance(CHARACTER)
    assert not uart.lines.get(20)  # two characters are below the trigger of 16
    uart.advance(32 * 1085)
    assert uart.lines[20]
    assert bytes([uart.load(UART, 1), uart.load(UART, 1)]) == b"hi"
    assert not uart.lines[20]


def test_an_overrun_keeps_the_first_32_characters(uart):
    uart.peripheral("uart0").receive(bytes(range(40)))
    uart.advance(41 * CHARACTER)
    assert uart.load(UART + 0x3C) >> 10 & 1
    assert [uart.load(UART, 1) for _ in range(32)] == list(range(32))


def test_text_typed_before_the_uart_runs_waits_for_it(pico):
    pico.peripheral("uart0").receive(b"x")
    pico.advance(100_000)
    assert pico.load(UART + 0x18) & 0x10
    for offset, value in ((0x24, 67), (0x28, 52), (0x2C, 0x70), (0x30, 0x301)):
        pico.store(UART + offset, value)
    pico.advance(CHARACTER)
    assert pico.load(UART) == ord("x")


def test_a_slower_core_clock_stretches_nothing_but_cycles(uart):
    uart.store(CLOCKS + 0x40, 2 << 8)  # 62.5 MHz for core and UART
    start = uart.now()
    uart.store(UART, 0x41, 1)
    uart.advance(2 * CHARACTER)
    assert uart.sent[0][0] - start == CHARACTER  # the same number of clk_peri cycles


# --- timer ----------------------------------------------------------------------------------------------------------
def test_the_timer_counts_microseconds(pico):
    start = pico.load(TIMER + 0x28)
    pico.advance(125 * 1000)
    assert pico.load(TIMER + 0x28) - start == 1000


def test_reading_the_low_word_latches_the_high_word(pico):
    pico.store(TIMER + 4, 0xFFFFFFFF)
    pico.store(TIMER, 1)
    assert pico.load(TIMER + 0xC) == 0xFFFFFFFF
    pico.advance(125)
    assert pico.load(TIMER + 8) == 1
    assert pico.load(TIMER + 0xC) == 0
    assert pico.load(TIMER + 8) == 2


def test_an_alarm_fires_at_its_microsecond_and_disarms(pico):
    pico.store(TIMER + 0x38 + SET, 1 << 2)
    now = pico.load(TIMER + 0x28)
    pico.store(TIMER + 0x18, now + 100)
    assert pico.load(TIMER + 0x20) == 1 << 2
    pico.advance(125 * 98)
    assert not pico.lines.get(2)
    pico.advance(125 * 2)
    assert pico.lines[2]
    assert pico.load(TIMER + 0x40) == 1 << 2
    assert pico.load(TIMER + 0x20) == 0
    pico.store(TIMER + 0x34, 1 << 2)
    assert not pico.lines[2]


def test_a_disarmed_alarm_never_fires(pico):
    pico.store(TIMER + 0x38, 1)
    pico.store(TIMER + 0x10, pico.load(TIMER + 0x28) + 10)
    pico.store(TIMER + 0x20, 1)
    pico.advance(125 * 100)
    assert not pico.lines.get(0)


def test_an_interrupt_can_be_forced(pico):
    pico.store(TIMER + 0x38, 8)
    pico.store(TIMER + 0x3C + SET, 8)
    assert pico.lines[3]
    pico.store(TIMER + 0x3C + CLEAR, 8)
    assert not pico.lines[3]


def test_the_count_is_carried_over_a_change_of_the_core_clock(pico):
    start = pico.load(TIMER + 0x28)
    pico.advance(125 * 10)
    pico.store(CLOCKS + 0x3C + CLEAR, 3)  # clk_sys = 12 MHz; the tick stays 1 MHz
    pico.advance(12 * 10)
    assert pico.load(TIMER + 0x28) - start == 20


# --- SIO ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("dividend", "divisor", "quotient", "remainder"),
    [(100, 7, 14, 2), (0xFFFFFFFF, 2, 0x7FFFFFFF, 1), (5, 0, 0xFFFFFFFF, 5), (0, 3, 0, 0)],
)
def test_the_divider_divides_unsigned_words(pico, dividend, divisor, quotient, remainder):
    pico.store(SIO + 0x60, dividend)
    pico.store(SIO + 0x64, divisor)
    pico.advance(8)
    assert (pico.load(SIO + 0x74), pico.load(SIO + 0x70)) == (remainder, quotient)


@pytest.mark.parametrize(
    ("dividend", "divisor", "quotient", "remainder"),
    [(-100, 7, -14, -2), (100, -7, -14, 2), (-100, -7, 14, -2), (-5, 0, 1, -5), (5, 0, -1, 5), (-(1 << 31), -1, -(1 << 31), 0)],
)
def test_the_divider_divides_signed_words_towards_zero(pico, dividend, divisor, quotient, remainder):
    mask = 0xFFFFFFFF
    pico.store(SIO + 0x68, dividend & mask)
    pico.store(SIO + 0x6C, divisor & mask)
    pico.advance(8)
    assert (pico.load(SIO + 0x74), pico.load(SIO + 0x70)) == (remainder & mask, quotient & mask)


def test_the_divider_is_ready_eight_cycles_after_an_operand(pico):
    pico.store(SIO + 0x64, 3)
    assert pico.load(SIO + 0x78) == 2  # dirty, not ready
    pico.advance(7)
    assert pico.load(SIO + 0x78) == 2
    pico.advance(1)
    assert pico.load(SIO + 0x78) == 3
    pico.load(SIO + 0x70)
    assert pico.load(SIO + 0x78) == 1  # reading the quotient clears dirty


def test_a_spinlock_is_taken_by_reading_and_given_back_by_writing(pico):
    assert pico.load(SIO + 0x100 + 4 * 5) == 1 << 5
    assert pico.load(SIO + 0x100 + 4 * 5) == 0
    assert pico.load(SIO + 0x5C) == 1 << 5
    pico.store(SIO + 0x100 + 4 * 5, 1)
    assert pico.load(SIO + 0x100 + 4 * 5) == 1 << 5


def test_pins_read_what_is_driven_or_their_pull_up(pico):
    pico.store(SIO + 0x24, 1 << 25)
    pico.store(SIO + 0x14, 1 << 25)
    assert pico.load(SIO + 4) >> 25 & 1
    pico.store(SIO + 0x1C, 1 << 25)
    assert not pico.load(SIO + 4) >> 25 & 1
    pico.store(0x4001C004 + 4 * 3, 0x5A)  # pull-up instead of pull-down
    assert pico.load(SIO + 4) >> 3 & 1


def test_starting_the_second_core_is_refused(pico):
    assert pico.load(SIO + 0x50) == 2  # empty, ready to write
    with pytest.raises(UnsupportedError, match="core 1 is not modelled"):
        pico.store(SIO + 0x54, 0)


def test_the_unstriped_view_shows_the_banks_one_after_the_other(pico):
    # 2.6.2: striped word n lies in bank n % 4 at word n // 4.
    pico.store(0x21010008, 0xCAFE)
    assert pico.read_memory(0x20000000 + 4 * (2 * 4 + 1), 4) == (0xCAFE).to_bytes(4, "little")


# --- DMA ------------------------------------------------------------------------------------------------------------
def test_an_unpaced_block_takes_a_cycle_a_transfer_then_interrupts(pico):
    pico.write_memory(0x20000000, bytes(range(16)))
    pico.store(DMA + 0x404, 1)
    pico.store(DMA + 0, 0x20000000)
    pico.store(DMA + 4, 0x20000100)
    pico.store(DMA + 8, 4)
    pico.store(DMA + 0xC, 1 | 2 << 2 | 1 << 4 | 1 << 5 | 0x3F << 15)
    assert pico.load(DMA + 0xC) >> 24 & 1
    pico.advance(3)
    assert not pico.lines.get(11)
    pico.advance(1)
    assert pico.read_memory(0x20000100, 16) == bytes(range(16))
    assert pico.lines[11]
    assert pico.load(DMA + 8) == 0
    pico.store(DMA + 0x40C, 1)
    assert not pico.lines[11]


def test_a_uart_paces_its_dma_channel(uart):
    uart.write_memory(0x20000000, b"x" * 40)
    uart.store(UART + 0x48, 2)
    uart.store(DMA, 0x20000000)
    uart.store(DMA + 4, UART)
    uart.store(DMA + 8, 40)
    # The test's bus has no registers: stand in for it.
    uart.write_memory = lambda address, data: uart.store(address, data[0], 1)  # type: ignore[method-assign]
    uart.store(DMA + 0xC, 1 | 1 << 4 | 20 << 15)
    uart.advance(1)
    uart.advance(39 * CHARACTER)
    assert len(uart.text("uart0")) == 39
    uart.advance(CHARACTER)
    assert uart.text("uart0") == "x" * 40
    assert not uart.load(DMA + 0xC) >> 24 & 1


def test_a_request_that_nothing_makes_is_refused(pico):
    with pytest.raises(UnsupportedError, match=r"waits for request 0.*20 \(uart0.tx\)"):
        pico.store(DMA + 0xC, 1)


# --- flash ----------------------------------------------------------------------------------------------------------
SSI, XIP = 0x18000000, 0x14000000


def exchange(pico: BoardChip, *sent: int) -> list[int]:
    """Bytes through SSI in one chip-select period."""
    for byte in sent:
        pico.store(SSI + 0x60, byte)
    pico.advance(len(sent) * 8 * 4)
    return [pico.load(SSI + 0x60) for _ in sent]


@pytest.fixture
def ssi(pico) -> BoardChip:
    pico.store(SSI + 0x14, 4)
    pico.store(SSI, 7 << 16)
    pico.store(SSI + 0x08, 1)
    return pico


def test_the_flash_answers_its_identification_and_status(ssi):
    assert exchange(ssi, 0x9F, 0, 0, 0)[1:] == [0xEF, 0x40, 0x15]
    assert exchange(ssi, 0x35, 0)[1] == 2  # quad enable
    assert exchange(ssi, 0x4B, 0, 0, 0, 0, *[0] * 8)[5:] == list((0xE6614103E7000001).to_bytes(8, "big"))


def test_a_transfer_takes_its_serial_clocks(ssi):
    ssi.store(SSI + 0x60, 0x05)
    ssi.store(SSI + 0x60, 0)
    ssi.advance(2 * 8 * 4 - 1)
    assert ssi.load(SSI + 0x28) & 1  # BUSY
    ssi.advance(1)
    assert ssi.load(SSI + 0x28) & 0xF == 2 | 4 | 8  # not full, empty, received


def test_programming_needs_write_enable_and_only_clears_bits(ssi):
    ssi.write_memory(0x10001000, b"\xff" * 256)
    exchange(ssi, 0x02, 0, 0x10, 0, 0x0F)
    assert ssi.read_memory(0x10001000, 1) == b"\xff"
    for value in (0x0F, 0x3C):
        exchange(ssi, 0x06)
        exchange(ssi, 0x02, 0, 0x10, 0, value)
        ssi.load(SSI + 0x28)  # deselects
        ssi.advance_seconds(0.0005)
    assert ssi.read_memory(0x10001000, 1) == b"\x0c"


def test_an_erase_keeps_the_chip_busy_for_45_milliseconds(ssi):
    ssi.write_memory(0x10002000, b"\0" * 4096)
    exchange(ssi, 0x06)
    exchange(ssi, 0x20, 0, 0x20, 0x80)
    ssi.load(SSI + 0x28)
    assert ssi.read_memory(0x10002000, 4096) == b"\xff" * 4096
    assert exchange(ssi, 0x05, 0)[1] & 1
    ssi.advance_seconds(0.045)
    assert not exchange(ssi, 0x05, 0)[1] & 1


def test_a_word_by_quad_continuous_read_takes_20_serial_clocks(pico):
    pico.store(SSI, 2 << 21 | 31 << 16 | 3 << 8)
    pico.store(SSI + 0xF4, 0xA0 << 24 | 4 << 11 | 8 << 2 | 2)
    pico.store(SSI + 0x14, 2)
    timing = pico.peripheral("xip_ctrl").timing()
    assert (timing.wait_states, timing.next_cycles) == (20 * 2 + 10, 20 * 2)  # 8 address and mode, 4 dummy, 8 data clocks
    assert (timing.read_bytes, timing.line_bytes, timing.instruction_cache) == (4, 8, True)


def test_a_word_by_plain_serial_read_takes_64_serial_clocks(pico):
    pico.store(SSI, 31 << 16 | 3 << 8)
    pico.store(SSI + 0xF4, 3 << 24 | 2 << 8 | 6 << 2)
    pico.store(SSI + 0x14, 6)
    assert pico.peripheral("xip_ctrl").timing().next_cycles == (8 + 24 + 32) * 6


def test_the_counters_of_the_cache_show_its_lookups_since_they_were_cleared(pico):
    assert (pico.load(XIP + 0x0C), pico.load(XIP + 0x10)) == (0, 0)
    pico.lookups = (100, 5, 20, 3)
    assert (pico.load(XIP + 0x0C), pico.load(XIP + 0x10)) == (120, 128)
    pico.store(XIP + 0x0C, 0)
    pico.lookups = (101, 6, 20, 3)
    assert (pico.load(XIP + 0x0C), pico.load(XIP + 0x10)) == (1, 130)


def test_a_flush_empties_the_cache(pico):
    pico.store(XIP + 4, 1)
    assert pico.emptied == [("xip_ctrl.instruction", None, None)]


def test_switching_the_cache_off_is_told_to_pricing(pico):
    before = pico.timing_changes
    pico.store(0x14000000 + CLEAR, 1)
    assert pico.timing_changes == before + 1
    assert not pico.peripheral("xip_ctrl").timing().instruction_cache


class TestRp2350:
    QMI, SIO, BOOTRAM = 0x400D0000, 0xD0000000, 0x400E0000

    @pytest.fixture
    def pico2(self) -> BoardChip:
        return BoardChip("raspberry-pi-pico-2")

    def test_the_rom_leaves_reads_of_a_third_of_the_clock(self, pico2):
        timing = pico2.peripheral("xip_ctrl").timing()
        # 6 address, 2 suffix, 4 dummy, 8 data clocks; half a clock of chip select; 4 + RXDELAY 2 / 2 around it
        assert (timing.wait_states, timing.next_cycles) == ((6 + 2 + 4 + 8) * 3 + 2 + 5, 8 * 3)
        assert not timing.critical_word_first

    def test_a_read_behind_the_last_one_needs_no_command_within_64_cycles_and_1024_bytes(self, pico2):
        chain = pico2.peripheral("xip_ctrl").timing().chain
        assert chain == Chain(8 * 3 + 5, 8 * 3 + 5, 64, 1024, break_cycles=1 + 2 + 7)  # hold, half a clock, MIN_DESELECT 7

    def test_without_a_cooldown_every_read_begins_anew(self, pico2):
        pico2.store(self.QMI + 0x0C, 0x00007203)
        assert pico2.peripheral("xip_ctrl").timing().chain is None

    def test_cache_maintenance_names_a_line_by_way_and_set_or_by_address(self, pico2):
        for offset in (0x2008, 0x1232, 0x0009):  # way 1 of set 1; the line of 0x10001230; clean
            pico2.store(0x18000000 + offset, 0, 1)
        assert pico2.emptied == [("xip_ctrl.instruction", 0x10002008, 1), ("xip_ctrl.instruction", 0x10001230, None)]

    def test_direct_mode_reaches_the_flash(self, pico2):
        pico2.store(self.QMI + SET, 5)
        for byte in (0x9F, 0, 0, 0):
            pico2.store(self.QMI + 4, byte)
        pico2.advance(4 * 8 * 6)
        assert [pico2.load(self.QMI + 8) for _ in range(4)][1:] == [0xEF, 0x40, 0x16]
        pico2.store(self.QMI + CLEAR, 5)

    def test_address_translation_is_refused(self, pico2):
        with pytest.raises(UnsupportedError, match="ATRANS0"):
            pico2.store(self.QMI + 0x34, 0x04000100)

    def test_pins_have_their_own_register_order(self, pico2):
        pico2.store(self.SIO + 0x38, 1 << 7)  # GPIO_OE_SET
        pico2.store(self.SIO + 0x18, 1 << 7)  # GPIO_OUT_SET
        assert pico2.load(self.SIO + 0x10) == 1 << 7
        assert pico2.load(self.SIO + 4) >> 7 & 1

    @pytest.mark.parametrize(
        ("opcode", "values", "expected"),
        [(4, (5, 1), 1 << 5), (4, (5, 0), 0), (6, (3, 0), 0), (6, (3, 1), 8), (0, (0xF0, 1), 0xF0), (8, (0xAA, 0), 0xAA)],
    )
    def test_the_gpio_coprocessor_drives_pins(self, pico2, opcode, values, expected):
        sio = pico2.peripheral("sio")
        sio.coprocess(Transfer(0, "mcrr", False, opcode, 0, 0, 0, (0, 1), (), values))
        assert pico2.load(self.SIO + 0x10) == expected

    def test_boot_locks_are_taken_once(self, pico2):
        assert pico2.load(self.BOOTRAM + 0x80C) == 1
        assert pico2.load(self.BOOTRAM + 0x80C) == 0
        pico2.store(self.BOOTRAM + 0x80C, 0)
        assert pico2.load(self.BOOTRAM + 0x80C) == 1

    def test_boot_memory_has_byte_lanes_and_aliases(self, pico2):
        pico2.store(self.BOOTRAM + 0x10, 0x11223344)
        pico2.store(self.BOOTRAM + 0x11, 0x55, 1)
        assert pico2.load(self.BOOTRAM + 0x10) == 0x11225544
        pico2.store(self.BOOTRAM + 0x12 + SET, 0xF0, 1)
        assert pico2.load(self.BOOTRAM + 0x10) == 0x11F25544


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        # arm-none-eabi-as: mcrr p0,#4,r0,r3,c0 / mrc p4,#0,r0,c0,c3,#1 / mrc2 p4,#0,apsr_nzcv,c0,c0,#1 / cdp p4,#8,c0,c0,c0,#1
        (0xEC43, 0x0040, Transfer(0, "mcrr", False, 4, 0, 0, 0, (0, 3))),
        (0xEE10, 0x0433, Transfer(4, "mrc", False, 0, 0, 3, 1, (), (0,))),
        (0xFE10, 0xF430, Transfer(4, "mrc", True, 0, 0, 0, 1, (), (15,))),
        (0xEE80, 0x0420, Transfer(4, "cdp", False, 8, 0, 0, 1)),
        (0xFC51, 0x0409, Transfer(4, "mrrc", True, 0, 0, 9, 0, (), (0, 1))),
        (0xE92D, 0x4FF0, None),
        (0xED2D, 0x8B02, None),
    ],
)
def test_coprocessor_instructions_are_decoded(first, second, expected):
    assert decode(first, second) == expected

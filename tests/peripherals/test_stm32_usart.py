"""USART and LPUART: frames last what BRR and the kernel clock say; flags and interrupts as RM0432 and RM0090 say."""

from __future__ import annotations

import pytest

from tests.peripherals.stm32_chip import Stm32Chip

CR1, CR2, CR3, BRR, RTOR, RQR, ISR, ICR, RDR, TDR, PRESC = (
    0x00,
    0x04,
    0x08,
    0x0C,
    0x14,
    0x18,
    0x1C,
    0x20,
    0x24,
    0x28,
    0x2C,
)
UE, RE, TE, RXNEIE, TCIE, TXEIE, FIFOEN = 1, 1 << 2, 1 << 3, 1 << 5, 1 << 6, 1 << 7, 1 << 29
ORE, IDLE, RXNE, TC, TXE = 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7
FRAME = 350
"""Cycles of a frame: 10 bits of 35 kernel clock cycles, which are core cycles after reset."""


@pytest.fixture
def chip() -> Stm32Chip:
    """NUCLEO-L4R5ZI at 4 MHz with USART2 on: 8 data bits, no parity, BRR = 35."""
    chip = Stm32Chip("nucleo-l4r5zi")
    chip.set("usart2", BRR, 35)
    chip.set("usart2", CR1, UE | RE | TE)
    return chip


def test_a_character_leaves_one_frame_after_it_was_written(chip):
    chip.set("usart2", TDR, ord("A"))
    chip.advance(FRAME - 1)
    assert chip.sent == []
    chip.advance(1)
    assert chip.sent == [(FRAME, "usart2", b"A")]


def test_the_data_register_empties_into_the_shift_register_and_tc_comes_after_the_last_character(chip):
    chip.set("usart2", TDR, ord("A"))
    assert chip.get("usart2", ISR) & (TXE | TC) == TXE
    chip.set("usart2", TDR, ord("B"))
    assert chip.get("usart2", ISR) & (TXE | TC) == 0
    chip.advance(FRAME)
    assert chip.get("usart2", ISR) & (TXE | TC) == TXE
    chip.advance(FRAME)
    assert chip.get("usart2", ISR) & (TXE | TC) == TXE | TC
    assert [cycle for cycle, _, _ in chip.sent] == [FRAME, 2 * FRAME]


def test_a_character_written_while_the_data_register_is_full_is_lost(chip):
    for byte in b"ABC":
        chip.set("usart2", TDR, byte)
    chip.advance(10 * FRAME)
    assert chip.text("usart2") == "AB"


@pytest.mark.parametrize(("control", "stop", "bits"), [
    (0, 0, 10), (1 << 12, 0, 11), (1 << 28, 0, 9), (0, 0b10 << 12, 11), (1 << 12, 0b10 << 12, 12),
])  # fmt: skip
def test_word_length_and_stop_bits_lengthen_the_frame(chip, control, stop, bits):
    chip.set("usart2", CR2, stop)
    chip.set("usart2", CR1, UE | RE | TE | control)
    chip.set("usart2", TDR, 0x55)
    chip.advance(10 * FRAME)
    assert chip.sent[0][0] == 35 * bits


def test_oversampling_by_eight_counts_the_fraction_in_eighths(chip):
    chip.set("usart2", BRR, 2 << 4 | 3)  # USARTDIV = 2 * 16 + 6, half of it per bit: 19 cycles
    chip.set("usart2", CR1, UE | TE | 1 << 15)
    chip.set("usart2", TDR, 1)
    chip.advance(1000)
    assert chip.sent[0][0] == 190


def test_the_prescaler_divides_the_kernel_clock(chip):
    chip.set("usart2", PRESC, 0b0011)  # /6
    chip.set("usart2", TDR, 1)
    chip.advance(6 * FRAME)
    assert chip.sent[0][0] == 6 * FRAME


def test_an_lpuart_counts_256ths_of_its_kernel_clock(chip):
    chip.set("lpuart1", BRR, 106_667)  # 256 * 4 MHz / 9600
    chip.set("lpuart1", CR1, UE | TE)
    chip.set("lpuart1", TDR, 1)
    chip.advance(10_000)
    assert chip.sent[0][0] == 4167  # 10 bits * 106667 / 256, rounded up


def test_typed_characters_arrive_one_frame_apart_and_raise_the_interrupt(chip):
    chip.set("usart2", CR1, UE | RE | TE | RXNEIE)
    chip.peripheral("usart2").receive(b"hi")
    chip.advance(FRAME - 1)
    assert not chip.line("usart2")
    chip.advance(1)
    assert chip.line("usart2") and chip.get("usart2", ISR) & RXNE
    assert chip.get("usart2", RDR) == ord("h") and not chip.line("usart2")
    chip.advance(FRAME)
    assert chip.get("usart2", RDR) == ord("i")


def test_a_character_that_nobody_read_in_time_costs_the_next_one_and_sets_ore(chip):
    chip.peripheral("usart2").receive(b"hi")
    chip.advance(2 * FRAME)
    assert chip.get("usart2", ISR) & (ORE | RXNE) == ORE | RXNE
    assert chip.get("usart2", RDR) == ord("h")
    assert chip.get("usart2", ISR) & (ORE | RXNE) == ORE
    chip.set("usart2", ICR, ORE)
    assert chip.get("usart2", ISR) & ORE == 0


def test_without_overrun_detection_the_newest_character_stays(chip):
    chip.set("usart2", CR3, 1 << 12)
    chip.peripheral("usart2").receive(b"hi")
    chip.advance(2 * FRAME)
    assert chip.get("usart2", ISR) & ORE == 0 and chip.get("usart2", RDR) == ord("i")


def test_idle_comes_one_frame_after_the_last_character(chip):
    chip.peripheral("usart2").receive(b"hi")
    chip.advance(3 * FRAME - 1)
    assert chip.get("usart2", ISR) & IDLE == 0
    chip.advance(1)
    assert chip.get("usart2", ISR) & IDLE


def test_typed_characters_wait_until_the_receiver_is_on(chip):
    chip.set("usart2", CR1, UE | TE)
    chip.peripheral("usart2").receive(b"h")
    chip.advance(10 * FRAME)
    assert chip.get("usart2", ISR) & RXNE == 0
    chip.set("usart2", CR1, UE | TE | RE)
    chip.advance(FRAME)
    assert chip.get("usart2", RDR) == ord("h")


def test_the_fifo_holds_eight_characters_each_way(chip):
    chip.set("usart2", CR1, UE | RE | TE | FIFOEN)
    for byte in b"12345678":
        chip.set("usart2", TDR, byte)
    assert chip.get("usart2", ISR) & TXE
    chip.set("usart2", TDR, ord("9"))
    assert chip.get("usart2", ISR) & TXE == 0
    chip.peripheral("usart2").receive(b"abcdefgh")
    chip.advance(9 * FRAME)
    assert chip.text("usart2") == "123456789"
    assert chip.get("usart2", ISR) & (RXNE | ORE) == RXNE
    assert bytes(chip.get("usart2", RDR) for _ in range(8)) == b"abcdefgh"
    assert chip.get("usart2", ISR) & RXNE == 0


def test_a_flush_request_empties_the_receiver(chip):
    chip.peripheral("usart2").receive(b"x")
    chip.advance(FRAME)
    chip.set("usart2", RQR, 1 << 3)
    assert chip.get("usart2", ISR) & RXNE == 0


def test_character_match_sets_its_flag(chip):
    chip.set("usart2", CR2, ord("%") << 24)
    chip.peripheral("usart2").receive(b"%")
    chip.advance(FRAME)
    assert chip.get("usart2", ISR) & 1 << 17


def test_the_receiver_timeout_flag_comes_after_the_programmed_silence(chip):
    chip.set("usart2", CR2, 1 << 23)
    chip.set("usart2", RTOR, 20)
    chip.peripheral("usart2").receive(b"x")
    chip.advance(FRAME + 20 * 35 - 1)
    assert chip.get("usart2", ISR) & 1 << 11 == 0
    chip.advance(1)
    assert chip.get("usart2", ISR) & 1 << 11


def test_transmit_interrupts_follow_their_flags(chip):
    chip.set("usart2", CR1, UE | TE | TXEIE)
    assert chip.line("usart2")
    chip.set("usart2", TDR, 1)
    chip.set("usart2", TDR, 2)
    assert not chip.line("usart2")
    chip.set("usart2", CR1, UE | TE | TCIE)
    assert not chip.line("usart2")
    chip.advance(2 * FRAME)
    assert chip.line("usart2")


def test_a_faster_clock_shortens_the_following_frames_in_seconds_not_in_cycles(chip):
    chip.set("rcc", 0x00, 0x0B0 | 1 << 3 | 1)  # MSI 48 MHz
    chip.set("usart2", TDR, 1)
    chip.advance(FRAME)
    assert chip.sent == [(FRAME, "usart2", b"\1")]


class TestOldGeneration:
    """USART with SR and DR (STM32F407, 16 MHz)."""

    SR, DR, BRR, CR1, CR3 = 0x00, 0x04, 0x08, 0x0C, 0x14
    UE = 1 << 13

    @pytest.fixture
    def chip(self) -> Stm32Chip:
        chip = Stm32Chip("stm32f4discovery")
        chip.set("usart2", self.BRR, 35)
        chip.set("usart2", self.CR1, self.UE | RE | TE)
        return chip

    def test_a_character_leaves_after_ten_bits_and_sets_tc(self, chip):
        assert chip.get("usart2", self.SR) == TC | TXE
        chip.set("usart2", self.DR, ord("A"))
        assert chip.get("usart2", self.SR) == TXE
        chip.advance(FRAME)
        assert chip.sent == [(FRAME, "usart2", b"A")] and chip.get("usart2", self.SR) == TC | TXE

    def test_a_write_of_zero_clears_tc(self, chip):
        chip.set("usart2", self.SR, ~TC & 0xFFFFFFFF)
        assert chip.get("usart2", self.SR) == TXE

    def test_overrun_goes_away_by_reading_sr_and_then_dr(self, chip):
        chip.peripheral("usart2").receive(b"hi")
        chip.advance(2 * FRAME)
        assert chip.get("usart2", self.SR) & (ORE | RXNE) == ORE | RXNE
        assert chip.get("usart2", self.DR) == ord("h")
        assert chip.get("usart2", self.SR) & (ORE | RXNE) == 0

    def test_a_received_character_raises_the_interrupt(self, chip):
        chip.set("usart2", self.CR1, self.UE | RE | TE | RXNEIE)
        chip.peripheral("usart2").receive(b"h")
        chip.advance(FRAME)
        assert chip.line("usart2")
        assert chip.get("usart2", self.DR) == ord("h") and not chip.line("usart2")

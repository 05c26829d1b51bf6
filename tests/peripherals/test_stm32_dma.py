"""DMA controllers serving USARTs and timers the way HALs set them up."""

from __future__ import annotations

import pytest

from tests.peripherals.stm32_chip import Stm32Chip

UE, RE, TE = 1, 1 << 2, 1 << 3
DMAR, DMAT = 1 << 6, 1 << 7
BUFFER = 0x2000_0000


class TestChannels:
    """DMA1 of STM32L4R5: channel 1 at 0x08, routed by DMAMUX channel 0."""

    CCR, CNDTR, CPAR, CMAR = 0x08, 0x0C, 0x10, 0x14
    EN, TCIE, HTIE, DIR, CIRC, MINC = 1, 2, 4, 1 << 4, 1 << 5, 1 << 7

    @pytest.fixture
    def chip(self) -> Stm32Chip:
        chip = Stm32Chip("nucleo-l4r5zi")
        chip.set("usart2", 0x0C, 35)
        chip.set("usart2", 0x00, UE | RE | TE)
        return chip

    def program(self, chip, request: int, count: int, register: int, control: int) -> None:
        chip.set("dmamux1", 0x00, request)
        chip.set("dma1", self.CPAR, chip.base("usart2") + register)
        chip.set("dma1", self.CMAR, BUFFER)
        chip.set("dma1", self.CNDTR, count)
        chip.set("dma1", self.CCR, control | self.EN)

    def test_received_characters_are_stored_and_completion_raises_the_interrupt(self, chip):
        self.program(chip, 26, 3, 0x24, self.MINC | self.TCIE)  # USART2_RX is request 26 (RM0432, DMAMUX table)
        chip.set("usart2", 0x08, DMAR)
        chip.peripheral("usart2").receive(b"abcd")
        chip.advance(700)
        assert chip.read_memory(BUFFER, 3) == b"ab\0" and not chip.line("dma1", "1")
        chip.advance(350)
        assert chip.read_memory(BUFFER, 3) == b"abc" and chip.line("dma1", "1")
        assert (chip.get("dma1", self.CNDTR), chip.get("dma1", 0x00) & 0xF) == (0, 0b0111)
        chip.set("dma1", 0x04, 1)
        assert not chip.line("dma1", "1") and chip.get("dma1", 0x00) == 0

    def test_circular_reception_wraps_to_the_start_of_the_buffer(self, chip):
        self.program(chip, 26, 2, 0x24, self.MINC | self.CIRC)
        chip.set("usart2", 0x08, DMAR)
        chip.peripheral("usart2").receive(b"abc")
        chip.advance(3 * 350)
        assert chip.read_memory(BUFFER, 2) == b"cb" and chip.get("dma1", self.CNDTR) == 1

    def test_half_transfer_is_flagged(self, chip):
        self.program(chip, 26, 4, 0x24, self.MINC | self.HTIE)
        chip.set("usart2", 0x08, DMAR)
        chip.peripheral("usart2").receive(b"ab")
        chip.advance(2 * 350)
        assert chip.line("dma1", "1") and chip.get("dma1", 0x00) & 4

    def test_a_transmission_keeps_the_line_busy_without_gaps(self, chip):
        chip.write_memory(BUFFER, b"hello")
        chip.set("usart2", 0x08, DMAT)
        self.program(chip, 27, 5, 0x28, self.MINC | self.DIR | self.TCIE)
        chip.advance(5 * 350)
        assert [cycle for cycle, _, _ in chip.sent] == [350, 700, 1050, 1400, 1750]
        assert chip.text("usart2") == "hello" and chip.line("dma1", "1")

    def test_memory_to_memory_moves_everything_at_once(self, chip):
        chip.write_memory(BUFFER, bytes(range(16)))
        chip.set("dma1", self.CPAR, BUFFER)
        chip.set("dma1", self.CMAR, BUFFER + 0x100)
        chip.set("dma1", self.CNDTR, 4)
        chip.set("dma1", self.CCR, 1 << 14 | 2 << 8 | 2 << 10 | 1 << 6 | self.MINC | self.EN)
        assert chip.read_memory(BUFFER + 0x100, 16) == bytes(range(16))

    def test_a_timer_update_moves_one_item_each_period(self, chip):
        chip.write_memory(BUFFER, bytes([1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]))
        chip.set("dmamux1", 0x00, 8)  # TIM6_UP
        chip.set("dma1", self.CPAR, chip.base("gpiob") + 0x14)
        chip.set("dma1", self.CMAR, BUFFER)
        chip.set("dma1", self.CNDTR, 3)
        chip.set("dma1", self.CCR, 2 << 8 | 2 << 10 | self.MINC | self.DIR | self.EN)
        chip.set("tim6", 0x2C, 99)
        chip.set("tim6", 0x0C, 1 << 8)
        chip.set("tim6", 0x00, 1)
        chip.advance(150)
        assert chip.get("gpiob", 0x14) == 1
        chip.advance(150)
        assert chip.get("gpiob", 0x14) == 3


class TestStreams:
    """DMA1 stream 5 of STM32F407 serves USART2_RX on channel 4, stream 6 USART2_TX (RM0090, DMA1 request mapping)."""

    EN, HTIE, TCIE, CIRC, MINC, TO_PERIPHERAL = 1, 1 << 3, 1 << 4, 1 << 8, 1 << 10, 1 << 6

    @pytest.fixture
    def chip(self) -> Stm32Chip:
        chip = Stm32Chip("stm32f4discovery")
        chip.set("usart2", 0x08, 35)
        chip.set("usart2", 0x0C, 1 << 13 | RE | TE)
        return chip

    def program(self, chip, stream: int, count: int, control: int) -> int:
        base = 0x10 + 0x18 * stream
        chip.set("dma1", base + 0x08, chip.base("usart2") + 0x04)
        chip.set("dma1", base + 0x0C, BUFFER)
        chip.set("dma1", base + 0x04, count)
        chip.set("dma1", base, 4 << 25 | control | self.EN)
        return base

    def test_received_characters_are_stored_and_the_stream_switches_itself_off(self, chip):
        base = self.program(chip, 5, 2, self.MINC | self.TCIE)
        chip.set("usart2", 0x14, DMAR)
        chip.peripheral("usart2").receive(b"ab")
        chip.advance(700)
        assert chip.read_memory(BUFFER, 2) == b"ab" and chip.line("dma1", "5")
        assert chip.get("dma1", base) & self.EN == 0
        assert chip.get("dma1", 0x04) >> 6 & 0x3F == 0b110000  # HISR: TCIF5, HTIF5
        chip.set("dma1", 0x0C, 0x3F << 6)
        assert not chip.line("dma1", "5") and chip.get("dma1", 0x04) == 0

    def test_a_circular_stream_starts_over(self, chip):
        base = self.program(chip, 5, 2, self.MINC | self.CIRC)
        chip.set("usart2", 0x14, DMAR)
        chip.peripheral("usart2").receive(b"abc")
        chip.advance(3 * 350)
        assert chip.read_memory(BUFFER, 2) == b"cb" and chip.get("dma1", base + 4) == 1

    def test_a_stream_transmits(self, chip):
        chip.write_memory(BUFFER, b"hey")
        chip.set("usart2", 0x14, DMAT)
        self.program(chip, 6, 3, self.MINC | self.TO_PERIPHERAL | self.TCIE)
        chip.advance(3 * 350)
        assert chip.text("usart2") == "hey" and chip.line("dma1", "6")

    def test_an_h7_routes_its_streams_through_the_multiplexer(self):
        chip = Stm32Chip("nucleo-h743zi")
        chip.set("usart3", 0x0C, 35)
        chip.set("usart3", 0x00, UE | RE)
        chip.set("dmamux1", 0x00, 45)  # USART3_RX (RM0433, DMAMUX1 table)
        chip.set("dma1", 0x18, chip.base("usart3") + 0x24)
        chip.set("dma1", 0x1C, 0x2400_0000)
        chip.set("dma1", 0x14, 1)
        chip.set("dma1", 0x10, self.MINC | self.EN)
        chip.set("usart3", 0x08, DMAR)
        chip.peripheral("usart3").receive(b"z")
        chip.advance(350)
        assert chip.read_memory(0x2400_0000, 1) == b"z"


class TestLinkedLists:
    """GPDMA1 of STM32U575."""

    CLBAR, CFCR, CSR, CCR = 0x50, 0x5C, 0x60, 0x64
    CTR1, CTR2, CBR1, CSAR, CDAR, CLLR = 0x90, 0x94, 0x98, 0x9C, 0xA0, 0xCC
    EN, TCIE = 1, 1 << 8
    SINC, DINC = 1 << 3, 1 << 19

    @pytest.fixture
    def chip(self) -> Stm32Chip:
        chip = Stm32Chip("nucleo-u575zi-q")
        chip.set("usart1", 0x0C, 35)
        chip.set("usart1", 0x00, UE | RE | TE)
        return chip

    def test_a_block_is_received_and_the_channel_goes_idle(self, chip):
        chip.set("gpdma1", self.CTR1, self.DINC)
        chip.set("gpdma1", self.CTR2, 24)  # USART1_RX (RM0456, GPDMA1 requests)
        chip.set("gpdma1", self.CBR1, 2)
        chip.set("gpdma1", self.CSAR, chip.base("usart1") + 0x24)
        chip.set("gpdma1", self.CDAR, BUFFER)
        chip.set("gpdma1", self.CCR, self.EN | self.TCIE)
        assert chip.get("gpdma1", self.CSR) & 1 == 0
        chip.set("usart1", 0x08, DMAR)
        chip.peripheral("usart1").receive(b"ab")
        chip.advance(700)
        assert chip.read_memory(BUFFER, 2) == b"ab" and chip.line("gpdma1", "0")
        assert chip.get("gpdma1", self.CSR) & (1 | 1 << 8) == 1 | 1 << 8
        chip.set("gpdma1", self.CFCR, 1 << 8)
        assert not chip.line("gpdma1", "0")

    def test_a_software_request_copies_memory_with_wider_items(self, chip):
        chip.write_memory(BUFFER, bytes(range(16)))
        chip.set("gpdma1", self.CTR1, 2 | 2 << 16 | self.SINC | self.DINC)
        chip.set("gpdma1", self.CTR2, 1 << 9)
        chip.set("gpdma1", self.CBR1, 16)
        chip.set("gpdma1", self.CSAR, BUFFER)
        chip.set("gpdma1", self.CDAR, BUFFER + 0x40)
        chip.set("gpdma1", self.CCR, self.EN)
        assert chip.read_memory(BUFFER + 0x40, 16) == bytes(range(16))

    def test_the_next_list_item_is_loaded_when_a_block_ends(self, chip):
        node = [4, BUFFER + 4, BUFFER + 0x80, 0]  # CBR1, CSAR, CDAR, CLLR
        chip.write_memory(0x2000_1000, b"".join(word.to_bytes(4, "little") for word in node))
        chip.write_memory(BUFFER, b"abcdWXYZ")
        chip.set("gpdma1", self.CLBAR, 0x2000_0000)
        chip.set("gpdma1", self.CTR1, self.SINC | self.DINC)
        chip.set("gpdma1", self.CTR2, 1 << 9 | 3 << 30)
        chip.set("gpdma1", self.CBR1, 4)
        chip.set("gpdma1", self.CSAR, BUFFER)
        chip.set("gpdma1", self.CDAR, BUFFER + 0x40)
        chip.set("gpdma1", self.CLLR, 1 << 29 | 1 << 28 | 1 << 27 | 1 << 16 | 0x1000)
        chip.set("gpdma1", self.CCR, self.EN)
        assert chip.read_memory(BUFFER + 0x40, 4) == b"abcd" and chip.read_memory(BUFFER + 0x80, 4) == b"WXYZ"
        assert chip.get("gpdma1", self.CSR) & 1 << 8

    def test_a_reset_request_makes_the_channel_idle(self, chip):
        chip.set("gpdma1", self.CBR1, 4)
        chip.set("gpdma1", self.CTR2, 24)
        chip.set("gpdma1", self.CCR, self.EN)
        chip.set("gpdma1", self.CCR, 2)
        assert chip.get("gpdma1", self.CCR) & self.EN == 0 and chip.get("gpdma1", self.CSR) & 1

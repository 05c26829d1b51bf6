"""UART and UARTE of nRF52 and nRF53: one peripheral with two faces, chosen by ENABLE.

Sources: nRF52840 PS v1.8 6.33 (UART), 6.34 (UARTE); nRF5340 PS v1.4 7.41.
"""

from __future__ import annotations

from collections import deque
from fractions import Fraction

from mcusim.machine.peripherals.nordic import NordicPeripheral
from mcusim.machine.peripherals.register_file import offsets
from mcusim.machine.peripherals.serial_line import SerialLine

START_RX, STOP_RX, START_TX, STOP_TX, SUSPEND, FLUSH_RX = 0x00, 0x04, 0x08, 0x0C, 0x1C, 0x2C
RXDRDY, ENDRX, TXDRDY, ENDTX, ERROR = 0x108, 0x110, 0x11C, 0x120, 0x124
RXTO, RXSTARTED, TXSTARTED, TXSTOPPED = 0x144, 0x14C, 0x150, 0x158
ERRORSRC, ENABLE, RXD, TXD, BAUDRATE, CONFIG = 0x480, 0x500, 0x518, 0x51C, 0x524, 0x56C
RX_POINTER, RX_MAXIMUM, RX_AMOUNT = 0x534, 0x538, 0x53C
TX_POINTER, TX_MAXIMUM, TX_AMOUNT = 0x544, 0x548, 0x54C
LEGACY, EASY_DMA = 4, 8
DEPTH = 6  # receive FIFO of UART, 6.33
OVERRUN = 1
BAUD_UNIT = Fraction(16_000_000, 1 << 32)  # BAUDRATE counts 16 MHz / 2**32


class Uart(NordicPeripheral):
    """8 bits at the programmed baud rate. EasyDMA buffers are taken over when a transfer starts, as on the chip.

    A UARTE without running reception drops characters; its internal FIFO for a STOPRX and flow control are not modelled.
    """

    line: SerialLine
    EVENT_OFFSETS = (0x100, 0x104, RXDRDY, ENDRX, TXDRDY, ENDTX, ERROR, RXTO, RXSTARTED, TXSTARTED, TXSTOPPED)
    SHORT_CUTS = {5: (ENDRX, START_RX), 6: (ENDRX, STOP_RX)}
    RESET = {
        ENABLE: 0, ERRORSRC: 0, BAUDRATE: 0x04000000, CONFIG: 0, RX_POINTER: 0, RX_MAXIMUM: 0, RX_AMOUNT: 0,
        TX_POINTER: 0, TX_MAXIMUM: 0, TX_AMOUNT: 0, **dict.fromkeys(offsets(0x508, 4), 0xFFFFFFFF),
    }  # fmt: skip

    def reset_state(self) -> None:
        if hasattr(self, "line"):
            self.line.clear()
        else:
            self.line = SerialLine(self.chip, self.spec.name, 1, self._frame_seconds, self._sent, self._arrived)
        self.transmitting = self.receiving = False
        self.outgoing: deque[int] = deque()
        self.received: deque[int] = deque()
        self.rx_address = self.rx_left = 0

    def receive(self, data: bytes) -> None:
        """Type ``data`` into the UART, one character after the other at the baud rate."""
        self.line.type(data)

    def _frame_seconds(self) -> Fraction:
        if not self.stored(ENABLE):
            return Fraction(0)
        config = self.stored(CONFIG)
        bits = 10 + (1 if config >> 1 & 7 == 7 else 0) + (config >> 4 & 1)
        return bits / (BAUD_UNIT * self.stored(BAUDRATE))

    @property
    def easy_dma(self) -> bool:
        return self.stored(ENABLE) == EASY_DMA

    # --- transmission ---------------------------------------------------------------------------------------------------
    def start_tx(self) -> None:
        if not self.stored(ENABLE):
            return
        self.transmitting = True
        if not self.easy_dma:
            return
        count = self.stored(TX_MAXIMUM) & 0xFFFF
        self.outgoing = deque(self.chip.read_memory(self.stored(TX_POINTER), count) if count else b"")
        self.registers[TX_AMOUNT] = 0
        self.fire(TXSTARTED)
        self._next() if self.outgoing else self.fire(ENDTX)

    def _next(self) -> None:
        self.line.push(self.outgoing.popleft())

    def _sent(self) -> None:
        self.fire(TXDRDY)
        if not self.easy_dma:
            return
        self.registers[TX_AMOUNT] += 1
        if self.outgoing and self.transmitting:
            self._next()
        elif self.transmitting:
            self.fire(ENDTX)
        else:
            self.fire(TXSTOPPED)

    def stop_tx(self) -> None:
        self.transmitting = False
        self.outgoing.clear()
        if self.easy_dma and self.line.idle:
            self.fire(TXSTOPPED)

    def write_character(self, value: int) -> None:
        self.registers[TXD] = value & 0xFF
        if self.transmitting:
            self.line.push(value & 0xFF)

    # --- reception ------------------------------------------------------------------------------------------------------
    def start_rx(self) -> None:
        self.receiving = True
        if self.easy_dma:
            self.rx_address, self.rx_left = self.stored(RX_POINTER), self.stored(RX_MAXIMUM) & 0xFFFF
            self.registers[RX_AMOUNT] = 0
            self.fire(RXSTARTED)

    def stop_rx(self) -> None:
        if self.receiving:
            self.receiving = False
            if self.easy_dma and self.rx_left:
                self.rx_left = 0
                self.fire(ENDRX)
            self.fire(RXTO)

    def _arrived(self, byte: int) -> None:
        if not self.receiving:
            return
        if self.easy_dma:
            self._store(byte)
        elif len(self.received) < DEPTH:
            self.received.append(byte)
            self.fire(RXDRDY)
        else:
            self._overrun()

    def _store(self, byte: int) -> None:
        if not self.rx_left:
            self._overrun()
            return
        self.chip.write_memory(self.rx_address, bytes([byte]))
        self.rx_address, self.rx_left = self.rx_address + 1, self.rx_left - 1
        self.registers[RX_AMOUNT] += 1
        self.fire(RXDRDY)
        if not self.rx_left:
            self.fire(ENDRX)

    def _overrun(self) -> None:
        self.registers[ERRORSRC] |= OVERRUN
        self.fire(ERROR)

    def read_character(self) -> int:
        byte = self.received.popleft() if self.received else 0
        if self.received:
            self.fire(RXDRDY)
        return byte

    def write_register(self, offset: int, value: int) -> None:
        if offset == TXD:
            self.write_character(value)
        elif offset == ERRORSRC:
            self.registers[ERRORSRC] = self.stored(ERRORSRC) & ~value
        elif offset not in (RXD, RX_AMOUNT, TX_AMOUNT):
            super().write_register(offset, value)
        if offset in (ENABLE, BAUDRATE):
            self.line.resume()

    TASKS = {
        START_RX: start_rx,
        STOP_RX: stop_rx,
        START_TX: start_tx,
        STOP_TX: stop_tx,
        SUSPEND: lambda self: None,
        FLUSH_RX: lambda self: self.registers.__setitem__(RX_AMOUNT, 0),
    }
    READS = {RXD: read_character}

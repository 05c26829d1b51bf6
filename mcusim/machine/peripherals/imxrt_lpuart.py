"""LPUART of i.MX RT and MCX: FIFOs, watermarks, idle detection.

Source: i.MX RT1060 Processor Reference Manual, rev. 3, chapter 49; MCX Nx4x Reference Manual, LPUART.
"""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from typing import ClassVar

from mcusim.machine.peripheral import Event
from mcusim.machine.peripherals.register_file import RegisterFile
from mcusim.machine.peripherals.serial_line import SerialLine

VERID, PARAM, GLOBAL, PINCFG, BAUD, STAT, CTRL, DATA = range(0x00, 0x20, 4)
MATCH, MODIR, FIFO, WATER = range(0x20, 0x30, 4)
TDRE, TC, RDRF, IDLE, OVERRUN = 1 << 23, 1 << 22, 1 << 21, 1 << 20, 1 << 19
FLAGS_CLEARED = 0xC01FC000  # 49.6.1.6: write one to clear
TRANSMIT, RECEIVE = 1 << 19, 1 << 18
TX_FIFO, RX_FIFO, RX_FLUSH, TX_FLUSH = 1 << 7, 1 << 3, 1 << 14, 1 << 15
RX_EMPTY, TX_EMPTY = 1 << 22, 1 << 23
NO_DATA, IDLE_LINE = 1 << 12, 1 << 11
TX_DMA, RX_DMA = 1 << 23, 1 << 21
FLEXCOMM = 0xFF4  # MCX: the registers of the LP_FLEXCOMM around it, which a reset of the UART leaves alone


class LowPowerUart(RegisterFile):
    """LPUART: 7 to 10 bits, transmit and receive FIFOs with watermarks, idle-line flag after a silent character.

    Parameters: ``clock`` name of its clock, ``depth`` words of each FIFO (a power of two), ``version`` of VERID. Errors,
    break, match, modem lines and single-wire operation are not modelled.
    """

    line: SerialLine
    idle_event: Event | None
    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"clock", "depth", "version"})
    RESET = {GLOBAL: 0, PINCFG: 0, BAUD: 0x0F000004, CTRL: 0, MATCH: 0, MODIR: 0, WATER: 0}

    def reset_state(self) -> None:
        self.depth = self.parameter("depth", 4)
        if hasattr(self, "line"):
            self.line.clear()
        else:
            self.line = SerialLine(self.chip, self.spec.name, self.depth, self._frame_seconds, self._sent, self._arrived)
        self.received: deque[int] = deque()
        self.flags, self.fifo, self.idle_event = 0, 0, None
        self.interrupt(False)

    def receive(self, data: bytes) -> None:
        """Type ``data`` into the UART, one character after the other at the baud rate."""
        self.line.type(data)

    def clock_changed(self) -> None:
        self.line.resume()

    def requests(self, direction: str) -> bool:
        """The DMA request of a direction (``"tx"``, ``"rx"``) stands."""
        if direction == "tx":
            return bool(self.stored(BAUD) & TX_DMA) and bool(self._status() & TDRE)
        return bool(self.stored(BAUD) & RX_DMA) and bool(self._status() & RDRF)

    def character_cycles(self) -> int:
        """Core cycles of one character on the line, at least 1."""
        return max(1, int(self._frame_seconds() * self.chip.core_hertz()))

    def _frame_seconds(self) -> Fraction:
        baud, control = self.stored(BAUD), self.stored(CTRL)
        divisor = ((baud >> 24 & 0x1F) + 1) * (baud & 0x1FFF)
        hertz = self.chip.clock_hertz(self.parameter("clock"))
        if not divisor or not hertz or not control & (TRANSMIT | RECEIVE):
            return Fraction(0)
        data = 10 if baud >> 29 & 1 else 7 if control >> 11 & 1 else 8 + (control >> 4 & 1)
        return Fraction(divisor * (1 + data + 1 + (baud >> 13 & 1)), hertz)

    def _fifo_depth(self, enable: int) -> int:
        return self.depth if self.fifo & enable else 1

    def _water(self, shift: int) -> int:
        return self.stored(WATER) >> shift & (self.depth * 2 - 1)

    # --- flags ----------------------------------------------------------------------------------------------------------
    def _status(self) -> int:
        ready = self.line.level <= self._water(0) if self.fifo & TX_FIFO else not self.line.level
        full = len(self.received) > (self._water(16) if self.fifo & RX_FIFO else 0)
        return self.flags | TDRE * ready | TC * self.line.idle | RDRF * full

    def _update(self) -> None:
        """Each enable in CTRL stands at the bit of its flag in STAT (TIE, TCIE, RIE, ILIE), overrun at bit 27."""
        status, control = self._status(), self.stored(CTRL)
        overrun = status & OVERRUN and control >> 27 & 1
        self.interrupt(status & control & (TDRE | TC | RDRF | IDLE) or overrun)

    # --- the line -------------------------------------------------------------------------------------------------------
    def _sent(self) -> None:
        self._update()

    def _arrived(self, byte: int) -> None:
        if not self.stored(CTRL) & RECEIVE:
            return
        if len(self.received) < self._fifo_depth(RX_FIFO):
            self.received.append(byte)
        else:
            self.flags |= OVERRUN
        if self.idle_event:
            self.idle_event.cancel()
        characters = 1 << (self.stored(CTRL) >> 8 & 7)
        self.idle_event = self.chip.at(self.chip.now() + characters * self.character_cycles(), self._silent)
        self._update()

    def _silent(self) -> None:
        self.flags |= IDLE
        self._update()

    # --- registers ------------------------------------------------------------------------------------------------------
    def read_data(self) -> int:
        if not self.received:
            return NO_DATA
        byte = self.received.popleft()
        self._update()
        return byte

    def write_data(self, value: int) -> None:
        if self.stored(CTRL) & TRANSMIT:
            self.line.depth = self._fifo_depth(TX_FIFO)
            self.line.push(value & 0xFF)
            self._update()

    def write_status(self, value: int) -> None:
        self.flags &= ~(value & FLAGS_CLEARED)
        self._update()

    def write_control(self, value: int) -> None:
        self.store(CTRL, value)
        self.line.resume()
        self._update()

    def write_baud(self, value: int) -> None:
        self.store(BAUD, value)
        self.line.resume()

    def read_fifo(self) -> int:
        code = self.depth.bit_length() - 2
        empty = RX_EMPTY * (not self.received) | TX_EMPTY * (not self.line.level)
        return self.fifo | code << 4 | code | empty

    def write_fifo(self, value: int) -> None:
        self.fifo = value & (TX_FIFO | RX_FIFO | 0x1F00)
        if value & RX_FLUSH:
            self.received.clear()
        if value & TX_FLUSH:
            self.line.fifo.clear()
        self._update()

    def read_water(self) -> int:
        return self.stored(WATER) | self.line.level << 8 | len(self.received) << 24

    def write_water(self, value: int) -> None:
        mask = self.depth * 2 - 1
        self.store(WATER, value & (mask | mask << 16))
        self._update()

    def write_global(self, value: int) -> None:
        if value & 2:
            around = {offset: word for offset, word in self.registers.items() if offset >= FLEXCOMM}
            self.reset_registers()
            self.registers |= around
        self.registers[GLOBAL] = value & 2

    def read_parameters(self) -> int:
        code = self.depth.bit_length() - 1
        return code << 8 | code

    def write(self, offset: int, size: int, value: int) -> None:
        if offset & ~3 == DATA:
            self.write_data(value)
        else:
            super().write(offset, size, value)

    READS = {
        VERID: lambda self: self.parameter("version", 0x04010003),
        PARAM: read_parameters,
        STAT: _status,
        DATA: read_data,
        FIFO: read_fifo,
        WATER: read_water,
    }
    WRITES = {
        GLOBAL: write_global,
        STAT: write_status,
        CTRL: write_control,
        BAUD: write_baud,
        FIFO: write_fifo,
        WATER: write_water,
    }

"""UART of the RP chips: an Arm PL011 with FIFOs of 32.

Sources: RP2040 Datasheet 4.2; Arm DDI 0183G (PL011 TRM) for the conditions of the interrupts.
"""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from typing import ClassVar

from mcusim.machine.peripheral import Event
from mcusim.machine.peripherals.raspberry import RaspberryRegisters
from mcusim.machine.peripherals.register_file import offsets
from mcusim.machine.peripherals.serial_line import SerialLine

DR, RSR, FR, ILPR, IBRD, FBRD, LCR_H, CR = 0x00, 0x04, 0x18, 0x20, 0x24, 0x28, 0x2C, 0x30
IFLS, IMSC, RIS, MIS, ICR, DMACR = 0x34, 0x38, 0x3C, 0x40, 0x44, 0x48
IDENTIFICATION = (0x11, 0x10, 0x34, 0x00, 0x0D, 0xF0, 0x05, 0xB1)

BUSY, RX_EMPTY, TX_FULL, RX_FULL, TX_EMPTY = 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7
RX, TX, TIMEOUT, OVERRUN = 1 << 4, 1 << 5, 1 << 6, 1 << 10
ENABLE, LOOPBACK, TX_ENABLE, RX_ENABLE = 1 << 0, 1 << 7, 1 << 8, 1 << 9
DEPTH = 32
TIMEOUT_BITS = 32  # PL011 TRM 2.8: receive timeout after 32 bit periods
# IFLS fields: FIFO fill that triggers, in eighths of the depth.
EIGHTHS = (1, 2, 4, 6, 7, 7, 7, 7)


class Uart(RaspberryRegisters):
    """PL011: 5 to 8 bits, FIFOs, level and timeout interrupts, at the programmed baud rate of clk_peri.

    Modem lines are inactive. Errors, break and IrDA are not modelled.
    Parameter ``clock``: name of the clock it runs from (``"clk_peri"``).
    """

    line: SerialLine
    timeout_event: Event | None
    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"clock"})

    RESET = {
        ILPR: 0, IBRD: 0, FBRD: 0, LCR_H: 0, CR: 0x300, IFLS: 0x12, IMSC: 0, DMACR: 0, RSR: 0,
        **dict(zip(offsets(0xFE0, 8), IDENTIFICATION, strict=True)),
    }  # fmt: skip
    WRITABLE = {IBRD: 0xFFFF, FBRD: 0x3F, LCR_H: 0xFF, CR: 0xFF87, IFLS: 0x3F, IMSC: 0x7FF, DMACR: 0x7, RSR: 0}

    def reset_state(self) -> None:
        line = getattr(self, "line", None)
        if line:
            line.clear()
        else:
            self.line = SerialLine(self.chip, self.spec.name, DEPTH, self._frame_seconds, self._sent, self._arrived)
        self.received: deque[int] = deque()
        self.raw = 0
        self.timeout_event = None
        self._update()

    def receive(self, data: bytes) -> None:
        """Type ``data`` into the UART, one character after the other at the baud rate."""
        self.line.type(data)

    def requests(self, direction: str) -> bool:
        """The DMA request of a direction (``"tx"``, ``"rx"``) stands."""
        if direction == "tx":
            return bool(self.stored(DMACR) & 2) and self.line.level < self._depth()
        return bool(self.stored(DMACR) & 1) and bool(self.received)

    def character_cycles(self) -> int:
        """Core cycles of one character on the line, at least 1."""
        return max(1, int(self._frame_seconds() * self.chip.core_hertz()))

    def clock_changed(self) -> None:
        self.line.resume()

    def _bit_seconds(self) -> Fraction:
        divisor = self.stored(IBRD) * 64 + self.stored(FBRD)
        hertz = self.chip.clock_hertz(self.parameter("clock", "clk_peri"))
        return Fraction(16 * divisor, 64 * hertz) if hertz and divisor and self.stored(CR) & ENABLE else Fraction(0)

    def _frame_seconds(self) -> Fraction:
        line = self.stored(LCR_H)
        bits = 1 + 5 + (line >> 5 & 3) + (line >> 1 & 1) + 1 + (line >> 3 & 1)
        return self._bit_seconds() * bits

    def _depth(self) -> int:
        return DEPTH if self.stored(LCR_H) & 0x10 else 1

    def _trigger(self, shift: int) -> int:
        return DEPTH * EIGHTHS[self.stored(IFLS) >> shift & 7] // 8 if self._depth() > 1 else 1

    def _sent(self) -> None:
        if self.line.level <= (self._trigger(0) if self._depth() > 1 else 0):
            self.raw |= TX
        self._update()

    def _arrived(self, byte: int) -> None:
        if not self.stored(CR) & RX_ENABLE:
            return
        if len(self.received) < self._depth():
            self.received.append(byte)
        else:
            self.raw |= OVERRUN
        if len(self.received) >= self._trigger(3):
            self.raw |= RX
        self._wait_for_silence()
        self._update()

    def _wait_for_silence(self) -> None:
        if self.timeout_event:
            self.timeout_event.cancel()
        cycles = int(self._bit_seconds() * TIMEOUT_BITS * self.chip.core_hertz())
        self.timeout_event = self.chip.at(self.chip.now() + cycles, self._silent)

    def _silent(self) -> None:
        self.timeout_event = None
        if self.received and self._depth() > 1:
            self.raw |= TIMEOUT
            self._update()

    def _update(self) -> None:
        self.interrupt(self.raw & self.stored(IMSC))

    def read_data(self) -> int:
        byte = self.received.popleft() if self.received else 0
        if len(self.received) < self._trigger(3):
            self.raw &= ~RX
        if not self.received:
            self.raw &= ~TIMEOUT
        self._update()
        return byte

    def write_data(self, value: int) -> None:
        if self.stored(CR) & LOOPBACK:
            self._arrived(value & 0xFF)
            return
        self.line.depth = self._depth()
        self.line.push(value & 0xFF)
        if self.line.level > (self._trigger(0) if self._depth() > 1 else 0):
            self.raw &= ~TX
        self._update()

    def read_flags(self) -> int:
        level, received, depth = len(self.line.fifo), len(self.received), self._depth()
        flags = (0 if received else RX_EMPTY) | (0 if level else TX_EMPTY)
        if level or self.line.shifting is not None:
            flags |= BUSY
        return flags | (RX_FULL if received >= depth else 0) | (TX_FULL if level >= depth else 0)

    def write_mask(self, value: int) -> None:
        self.store(IMSC, value)
        self._update()

    def write_clear(self, value: int) -> None:
        self.raw &= ~value
        self._update()

    def write_control(self, value: int) -> None:
        self.store(CR, value)
        self.line.resume()

    def write_line_control(self, value: int) -> None:
        self.store(LCR_H, value)
        if not value & 0x10:
            while len(self.received) > 1:
                self.received.pop()

    def read_raw(self) -> int:
        return self.raw

    def read_masked(self) -> int:
        return self.raw & self.stored(IMSC)

    READS = {DR: read_data, FR: read_flags, RIS: read_raw, MIS: read_masked, ICR: lambda self: 0}
    WRITES = {DR: write_data, IMSC: write_mask, ICR: write_clear, CR: write_control, LCR_H: write_line_control}

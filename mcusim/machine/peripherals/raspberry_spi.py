"""SPI of the RP chips (PL022) with nothing connected. Sources: RP2040 Datasheet 4.4; RP2350 Datasheet 12.3; Arm DDI 0194."""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from typing import ClassVar

from mcusim.machine.peripheral import Event
from mcusim.machine.peripherals.raspberry import RaspberryRegisters

CR0, CR1, DATA, STATUS, PRESCALE, MASK, RAW, MASKED, CLEAR, DMA_CONTROL = range(0x00, 0x28, 4)
DEPTH = 8
LOOPBACK, ENABLE, SLAVE = 1, 2, 4
OVERRUN, TIMEOUT, RX, TX = 1, 2, 4, 8


class Spi(RaspberryRegisters):
    """Frames at the programmed rate as master; what comes back is 0, or what was sent in loopback. A slave hears nothing.

    Parameter ``clock``: name of clk_peri. The receive timeout's interrupt is not modelled.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"clock"})
    RESET = {CR0: 0, CR1: 0, PRESCALE: 0, MASK: 0, DMA_CONTROL: 0}
    RESET |= dict(zip(range(0xFE0, 0x1000, 4), (0x22, 0x10, 0x34, 0, 0x0D, 0xF0, 0x05, 0xB1), strict=True))

    event: Event | None = None

    def reset_state(self) -> None:
        if self.event:
            self.event.cancel()
        self.event, self.latched = None, 0
        self.waiting: deque[int] = deque()
        self.shifting: int | None = None
        self.received: deque[int] = deque()

    def character_cycles(self) -> int:
        """Core cycles of one frame; 0 while the block cannot send."""
        hertz = self.chip.clock_hertz(self.parameter("clock"))
        if not hertz or not self.stored(PRESCALE) or self.stored(CR1) & (ENABLE | SLAVE) != ENABLE:
            return 0
        control = self.stored(CR0)
        clocks = (control & 0xF) + 1
        cycles = Fraction(clocks * self.stored(PRESCALE) * (1 + (control >> 8 & 0xFF)) * self.chip.core_hertz(), hertz)
        return -(-cycles.numerator // cycles.denominator)

    def requests(self, direction: str) -> bool:
        """A DMA transfer can be served."""
        if direction == "tx":
            return bool(self.stored(DMA_CONTROL) & 2) and len(self.waiting) < DEPTH
        return bool(self.stored(DMA_CONTROL) & 1 and self.received)

    def write_data(self, value: int) -> None:
        if len(self.waiting) < DEPTH:
            self.waiting.append(value & (2 << (self.stored(CR0) & 0xF)) - 1)
        self._resume()

    def _resume(self) -> None:
        cycles = self.character_cycles()
        if cycles and self.shifting is None and self.waiting:
            self.shifting = self.waiting.popleft()
            self.event = self.chip.at(self.chip.now() + cycles, self._shifted)
        self._update()

    def _shifted(self) -> None:
        frame, self.shifting = self.shifting or 0, None
        if len(self.received) < DEPTH:
            self.received.append(frame if self.stored(CR1) & LOOPBACK else 0)
        else:
            self.latched |= OVERRUN
        self._resume()

    def read_data(self) -> int:
        frame = self.received.popleft() if self.received else 0
        self._update()
        return frame

    def read_status(self) -> int:
        waiting, received = len(self.waiting), len(self.received)
        busy = self.shifting is not None or waiting > 0
        return (not waiting) | (waiting < DEPTH) << 1 | (received > 0) << 2 | (received >= DEPTH) << 3 | busy << 4

    def read_raw(self) -> int:
        half = DEPTH // 2
        return self.latched | (RX if len(self.received) >= half else 0) | (TX if len(self.waiting) <= half else 0)

    def _update(self) -> None:
        self.interrupt(self.read_raw() & self.stored(MASK))

    def write_control(self, value: int) -> None:
        self.store(CR1, value)
        self._resume()

    def write_mask(self, value: int) -> None:
        self.store(MASK, value)
        self._update()

    def write_clear(self, value: int) -> None:
        self.latched &= ~(value & (OVERRUN | TIMEOUT))
        self._update()

    READS = {
        DATA: read_data,
        STATUS: read_status,
        RAW: read_raw,
        MASKED: lambda self: self.read_raw() & self.stored(MASK),
        CLEAR: lambda self: 0,
    }
    WRITES = {DATA: write_data, CR1: write_control, MASK: write_mask, CLEAR: write_clear}

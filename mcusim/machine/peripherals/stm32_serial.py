"""What both generations of STM32 USARTs share: a transmitter, a receiver, flags, interrupts and DMA requests."""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from typing import ClassVar

from mcusim.boards.board import PeripheralSpec
from mcusim.machine.peripheral import Chip, Event
from mcusim.machine.peripherals.register_file import RegisterFile
from mcusim.machine.peripherals.serial_line import SerialLine

ORE, IDLE, RXNE, TC, TXE = 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7
"""Flags at the same place in SR and ISR (RM0090, RM0432)."""

RE, TE, OVER8 = 1 << 2, 1 << 3, 1 << 15
"""Bits at the same place in both CR1 (RM0090, RM0432)."""

DMAR, DMAT = 1 << 6, 1 << 7
"""Bits of both CR3 (RM0090, RM0432)."""

STOP_BITS = (Fraction(1), Fraction(1, 2), Fraction(2), Fraction(3, 2))
"""CR2.STOP, bits 13:12 of both generations (RM0090)."""


class SerialPort(RegisterFile):
    """A USART as two lines that run at the programmed baud rate.

    Characters go to ``chip.transmit`` when their last stop bit has left, and arrive one frame apart from ``receive``.
    They wait while the receiver is off. Not modelled: framing, noise and parity errors, flow control, LIN, smartcard,
    IrDA, synchronous mode, address detection, the idle frame after TE is set, pins. Parameters: ``clock`` names the
    kernel clock, ``fifo`` the depth of each FIFO, ``dma`` the controllers that serve it.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"clock", "fifo", "dma", "low_power"})
    CR1, CR2, CR3, BRR = 0x00, 0x04, 0x08, 0x0C
    UE = 1 << 0

    def __init__(self, chip: Chip, spec: PeripheralSpec) -> None:
        self.sender = SerialLine(chip, spec.name, 1, lambda: self.frame_seconds(TE), self._sent, lambda byte: None)
        self.receiver = SerialLine(chip, spec.name, 1, lambda: self.frame_seconds(RE), lambda: None, self._arrived)
        self.received: deque[int] = deque()
        self.flags = TC
        self._silence: Event | None = None
        super().__init__(chip, spec)

    def reset_state(self) -> None:
        self.sender.clear()
        self.received.clear()
        self.flags = TC
        self.update()

    def receive(self, data: bytes) -> None:
        """Type ``data`` into the receive line: one character per frame time from now."""
        self.receiver.type(data)

    def clock_changed(self) -> None:
        self.sender.resume()
        self.receiver.resume()

    # --- settings ---------------------------------------------------------------------------------------------------
    def frame_seconds(self, direction: int) -> Fraction:
        """Seconds of one character frame, 0 while the port or that direction is off."""
        control = self.stored(self.CR1)
        baud = self.baud()
        if not (control & self.UE and control & direction and baud):
            return Fraction(0)
        return (1 + self.data_bits() + STOP_BITS[self.stored(self.CR2) >> 12 & 3]) / baud

    def baud(self) -> Fraction:
        """Bits per second, 0 where BRR is 0 or the kernel clock is off."""
        divider = self.stored(self.BRR)
        if self.stored(self.CR1) & OVER8 and not self.parameter("low_power"):
            divider = (divider >> 4) * 8 + (divider & 7)
        hertz = self.chip.clock_hertz(self.parameter("clock", "core"))
        return Fraction(hertz * self.multiplier(), divider) if divider else Fraction(0)

    def multiplier(self) -> Fraction:
        """Kernel clock cycles count this often in BRR."""
        return Fraction(1)

    def data_bits(self) -> int:
        """Data and parity bits of a frame."""
        return 9 if self.stored(self.CR1) & 1 << 12 else 8

    def depth(self) -> int:
        """Characters that the transmit and the receive register hold."""
        return 1

    # --- the two lines ----------------------------------------------------------------------------------------------
    def put(self, value: int) -> None:
        """A write of the transmit data register."""
        self.sender.depth = self.depth()
        self.flags &= ~TC
        self.sender.push(value & 0xFF)
        self.update()

    def take(self) -> int:
        """A read of the receive data register."""
        byte = self.received.popleft() if self.received else self.last_byte
        self.last_byte = byte
        self.update()
        return byte

    last_byte = 0

    def _sent(self) -> None:
        if self.sender.idle:
            self.flags |= TC
        self.update()

    def _arrived(self, byte: int) -> None:
        if len(self.received) < self.depth():
            self.received.append(byte)
        else:
            self.overrun(byte)
        self.character(byte)
        self._await_silence()
        self.update()

    def overrun(self, byte: int) -> None:
        """A character came while the last one was not read yet: the new one is lost."""
        self.flags |= ORE

    def character(self, byte: int) -> None:
        """A character came; further flags are set here."""

    def _await_silence(self) -> None:
        if self._silence:
            self._silence.cancel()
        seconds = self.frame_seconds(RE)
        cycles = -(-seconds.numerator * self.chip.core_hertz() // seconds.denominator) if seconds else 0
        self._silence = self.chip.at(self.chip.now() + cycles, self._silent)

    def _silent(self) -> None:
        self._silence = None
        if not self.receiver.typed:
            self.flags |= IDLE
            self.update()

    # --- what the outside sees --------------------------------------------------------------------------------------
    def status(self) -> int:
        """The status register's low byte."""
        self.sender.depth = self.depth()
        transmit_ready = TXE if self.sender.level < self.depth() else 0
        return self.flags | transmit_ready | (RXNE if self.received else 0)

    def dma_request(self, line: str) -> bool:
        """Whether ``"tx"`` or ``"rx"`` asks for a DMA transfer now."""
        control, status = self.stored(self.CR3), self.status()
        if line == "tx":
            return bool(control & DMAT and status & TXE and self.stored(self.CR1) & TE)
        return bool(control & DMAR and status & RXNE)

    def update(self) -> None:
        """Serve DMA requests, then drive the interrupt line."""
        if self.stored(self.CR3) & (DMAR | DMAT):
            for controller in self.parameter("dma", ()):
                self.chip.peripheral(controller).serve()
        self.interrupt(self.interrupt_active())

    def interrupt_active(self) -> bool:
        """Whether an enabled flag is set."""
        raise NotImplementedError

    def reconfigured(self) -> None:
        """A control register was written."""
        self.sender.depth = self.depth()
        self.sender.resume()
        self.receiver.resume()
        self.update()

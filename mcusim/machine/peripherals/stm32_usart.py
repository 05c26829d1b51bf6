"""USART and LPUART of the newer STM32 families: ISR, ICR, RDR, TDR, with or without FIFO.

Sources: RM0385 (F7), RM0432 (L4+), RM0433 (H7), RM0444 (G0), RM0456 (U5).
"""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from mcusim.machine.peripherals.stm32_serial import (
    IDLE,
    ORE,
    RE,
    RXNE,
    TC,
    TE,
    TXE,
    SerialPort,
)

CR1, CR2, CR3, BRR, GTPR, RTOR, RQR, ISR, ICR, RDR, TDR, PRESC = range(0x00, 0x30, 4)

M0, CMIE, RTOIE, M1, FIFOEN, TXFEIE, RXFFIE = 1 << 12, 1 << 14, 1 << 26, 1 << 28, 1 << 29, 1 << 30, 1 << 31
EIE, OVRDIS, TXFTIE, RXFTIE = 1 << 0, 1 << 12, 1 << 23, 1 << 28
RTOF, CMF, TEACK, REACK, TXFE, RXFF, RXFT, TXFT = (1 << bit for bit in (11, 17, 21, 22, 23, 24, 26, 27))
RXFRQ, TXFRQ = 1 << 3, 1 << 4

PRESCALER = (1, 2, 4, 6, 8, 10, 12, 16, 32, 64, 128, 256)
"""PRESC (RM0432)."""

THRESHOLD = (Fraction(1, 8), Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), Fraction(7, 8), Fraction(1))
"""CR3.RXFTCFG and TXFTCFG: share of the FIFO (RM0432)."""

ENABLES = (
    (CR1, 1 << 4, IDLE), (CR1, 1 << 5, RXNE | ORE), (CR1, 1 << 6, TC), (CR1, 1 << 7, TXE), (CR1, CMIE, CMF),
    (CR1, RTOIE, RTOF), (CR1, TXFEIE, TXFE), (CR1, RXFFIE, RXFF), (CR3, EIE, ORE), (CR3, TXFTIE, TXFT),
    (CR3, RXFTIE, RXFT),
)  # fmt: skip
"""Interrupts: control register, enable bit, flags."""


class Usart(SerialPort):
    """USART with ISR/ICR; ``low_power`` makes it an LPUART, whose BRR counts 256ths of a kernel clock cycle."""

    RESET = {CR1: 0, CR2: 0, CR3: 0, BRR: 0, GTPR: 0, RTOR: 0, PRESC: 0}
    READS: ClassVar = {
        ISR: lambda self: self.status(),
        RDR: lambda self: self.take(),
        ICR: lambda self: 0,
        RQR: lambda self: 0,
    }
    WRITES: ClassVar = {
        CR1: lambda self, value: self._configure(CR1, value),
        CR2: lambda self, value: self._configure(CR2, value),
        CR3: lambda self, value: self._configure(CR3, value),
        BRR: lambda self, value: self._configure(BRR, value),
        PRESC: lambda self, value: self._configure(PRESC, value),
        RQR: lambda self, value: self._request(value),
        ICR: lambda self, value: self._clear(value),
        TDR: lambda self, value: self.put(value),
    }

    def multiplier(self) -> Fraction:
        return Fraction(256 if self.parameter("low_power") else 1, PRESCALER[min(self.stored(PRESC) & 15, 11)])

    def data_bits(self) -> int:
        control = self.stored(CR1)
        return 7 if control & M1 else 9 if control & M0 else 8

    def depth(self) -> int:
        return self.parameter("fifo", 1) if self.stored(CR1) & FIFOEN else 1

    def status(self) -> int:
        control, depth, level = self.stored(CR1), self.depth(), len(self.received)
        status = super().status()
        if control & self.UE:
            status |= (TEACK if control & TE else 0) | (REACK if control & RE else 0)
        if control & FIFOEN:
            status |= (0 if self.sender.level else TXFE) | (RXFF if level >= depth else 0) | self._thresholds(depth, level)
        return status

    def _thresholds(self, depth: int, level: int) -> int:
        control = self.stored(CR3)
        free = depth - self.sender.level
        receive, transmit = (THRESHOLD[min(control >> low & 7, 5)] * depth for low in (25, 29))
        return (RXFT if level >= receive else 0) | (TXFT if free >= transmit else 0)

    def interrupt_active(self) -> bool:
        status = self.status()
        return any(self.stored(register) & enable and status & flags for register, enable, flags in ENABLES)

    def overrun(self, byte: int) -> None:
        if self.stored(CR3) & OVRDIS:
            self.received[-1] = byte  # the newest character replaces the last one (RM0432, OVRDIS)
        else:
            super().overrun(byte)

    def character(self, byte: int) -> None:
        if byte == self.stored(CR2) >> 24:
            self.flags |= CMF
        if self.stored(CR2) & 1 << 23:
            self._time_out()

    def _time_out(self) -> None:
        bits, baud = self.stored(RTOR) & 0xFFFFFF, self.baud()
        if baud:
            count = len(self.receiver.typed)
            cycles = -(-bits * baud.denominator * self.chip.core_hertz() // baud.numerator)
            self.chip.at(self.chip.now() + cycles, lambda: self._timed_out(count))

    def _timed_out(self, count: int) -> None:
        if len(self.receiver.typed) == count:
            self.flags |= RTOF
            self.update()

    def _configure(self, offset: int, value: int) -> None:
        self.store(offset, value)
        self.reconfigured()

    def _clear(self, value: int) -> None:
        self.flags &= ~value
        self.update()

    def _request(self, value: int) -> None:
        if value & RXFRQ:
            self.received.clear()
        if value & TXFRQ:
            self.sender.fifo.clear()
        self.update()

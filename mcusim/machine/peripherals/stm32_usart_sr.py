"""USART of the older STM32 families: SR and DR. Source: RM0090 (F4)."""

from __future__ import annotations

from typing import ClassVar

from mcusim.machine.peripherals.stm32_serial import IDLE, ORE, RXNE, TC, TXE, SerialPort

SR, DR, BRR, CR1, CR2, CR3, GTPR = range(0x00, 0x1C, 4)
ERRORS = ORE | IDLE | 7

ENABLES = ((CR1, 1 << 4, IDLE), (CR1, 1 << 5, RXNE | ORE), (CR1, 1 << 6, TC), (CR1, 1 << 7, TXE), (CR3, 1 << 0, ORE))
"""Interrupts: control register, enable bit, flags (RM0090 table 148)."""


class StatusUsart(SerialPort):
    """USART with SR/DR: error flags go away by a read of SR and then of DR."""

    CR1, CR2, CR3, BRR = CR1, CR2, CR3, BRR
    UE = 1 << 13
    RESET = {BRR: 0, CR1: 0, CR2: 0, CR3: 0, GTPR: 0}
    READS: ClassVar = {SR: lambda self: self._read_status(), DR: lambda self: self._read_data()}
    WRITES: ClassVar = {
        SR: lambda self, value: self._write_status(value),
        DR: lambda self, value: self.put(value),
        BRR: lambda self, value: self._configure(BRR, value),
        CR1: lambda self, value: self._configure(CR1, value),
        CR2: lambda self, value: self._configure(CR2, value),
        CR3: lambda self, value: self._configure(CR3, value),
    }

    def reset_state(self) -> None:
        self._seen = 0
        super().reset_state()

    def interrupt_active(self) -> bool:
        status = self.status()
        return any(self.stored(register) & enable and status & flags for register, enable, flags in ENABLES)

    def _read_status(self) -> int:
        self._seen = self.status()
        return self._seen

    def _read_data(self) -> int:
        self.flags &= ~(self._seen & ERRORS)
        self._seen = 0
        return self.take()

    def _write_status(self, value: int) -> None:
        self.flags &= value | ~TC
        if not value & RXNE:
            self.received.clear()
        self.update()

    def _configure(self, offset: int, value: int) -> None:
        self.store(offset, value)
        self.reconfigured()

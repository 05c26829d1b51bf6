"""Hardware semaphores of STM32H7. Source: RM0399, RM0433."""

from __future__ import annotations

from typing import ClassVar

from mcusim.machine.peripherals.register_file import RegisterFile, offsets

LOCK = 1 << 31
COUNT = 32
R, RLR = offsets(0x00, COUNT), offsets(0x80, COUNT)
IER, ICR, ISR, MISR, CR, KEYR = 0x100, 0x104, 0x108, 0x10C, 0x140, 0x144


class HardwareSemaphores(RegisterFile):
    """HSEM as the core ``core`` sees it: one-step lock by a read of RLR, two-step lock by a write of R, release.

    Not modelled: other masters, so that nobody else ever holds or releases a semaphore.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"core"})
    RESET: ClassVar = {**dict.fromkeys(R, 0), IER: 0, ISR: 0, CR: 0, KEYR: 0}

    def read_register(self, offset: int) -> int:
        if offset in RLR:
            return self._lock(offset - RLR[0], self.parameter("core", 3) << 8)
        if offset == MISR:
            return self.stored(ISR) & self.stored(IER)
        return super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        if offset in R:
            self._take_or_release(offset, value)
        elif offset == ICR:
            self.registers[ISR] = self.stored(ISR) & ~value
        elif offset != ISR:
            super().write_register(offset, value)
        self.interrupt(self.stored(ISR) & self.stored(IER))

    def _lock(self, offset: int, owner: int) -> int:
        if not self.stored(offset) & LOCK:
            self.registers[offset] = LOCK | owner
        return self.stored(offset)

    def _take_or_release(self, offset: int, value: int) -> None:
        if value & LOCK:
            self._lock(offset, value & 0xFFFF)
        elif self.stored(offset) & 0xFFFF == value & 0xFFFF:
            self.registers[offset] = 0
            self.registers[ISR] = self.stored(ISR) | 1 << offset // 4

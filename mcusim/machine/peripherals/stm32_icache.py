"""Instruction cache of STM32U5, U3, H5. Source: RM0456 (register map), RM0487 8 (U3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mcusim.machine.peripherals.register_file import RegisterFile

CR, SR, IER, FCR, HMONR, MMONR = range(0x00, 0x18, 4)
REGIONS = (0x20, 0x24, 0x28, 0x2C)
EN, CACHEINV, WAYSEL, MONITORS, MONITOR_RESETS = 1, 1 << 1, 1 << 2, 3 << 16, 3 << 18
BSYENDF = 1 << 1


@dataclass(frozen=True, slots=True)
class CacheTiming:
    """A cache as the firmware has programmed it: ``ways`` of ``size_bytes`` in all, lines of ``line_bytes``."""

    enabled: bool
    size_bytes: int
    line_bytes: int
    ways: int
    miss_cycles: int = 1
    """Cycles of a miss beyond the memory's wait states: the look-up before the burst starts.  # unverified on silicon"""


class InstructionCache(RegisterFile):
    """ICACHE: enable, invalidate, associativity. Invalidation ends at once.

    Not modelled: remapped regions, interrupts; the hit and miss monitors read 0 (a warning).
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"size_bytes", "line_bytes"})
    RESET: ClassVar = {CR: WAYSEL, SR: 0, IER: 0, **dict.fromkeys(REGIONS, 0x200)}
    READS: ClassVar = {
        FCR: lambda self: 0,
        HMONR: lambda self: self._monitor(),
        MMONR: lambda self: self._monitor(),
    }
    WRITES: ClassVar = {CR: lambda self, value: self._control(value), FCR: lambda self, value: self._clear(value)}

    def timing(self) -> CacheTiming:
        """The cache's geometry and whether it is on."""
        control = self.stored(CR)
        size, line = self.parameter("size_bytes", 8192), self.parameter("line_bytes", 16)
        return CacheTiming(bool(control & EN), size, line, 2 if control & WAYSEL else 1)

    def _control(self, value: int) -> None:
        before = self.timing()
        self.store(CR, value & ~(CACHEINV | MONITOR_RESETS))
        if value & CACHEINV:
            self.registers[SR] = self.stored(SR) | BSYENDF
        if self.timing() != before or value & CACHEINV:
            self.chip.timing_changed()

    def _clear(self, value: int) -> None:
        self.registers[SR] = self.stored(SR) & ~value

    def _monitor(self) -> int:
        self.chip.warn(f"{self.spec.name}: the hit and miss monitors are not modelled and read 0")
        return 0

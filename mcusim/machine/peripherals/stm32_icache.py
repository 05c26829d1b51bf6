"""Instruction cache of STM32U5, U3, H5. Source: RM0456 (register map), RM0487 8 (U3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mcusim.machine.peripherals.cache_monitor import LookupCounter
from mcusim.machine.peripherals.register_file import RegisterFile

CR, SR, IER, FCR, HMONR, MMONR = range(0x00, 0x18, 4)
REGIONS = (0x20, 0x24, 0x28, 0x2C)
EN, CACHEINV, WAYSEL, MONITOR_RESETS = 1, 1 << 1, 1 << 2, 3 << 18
HIT_MONITOR, MISS_MONITOR = 16, 17
"""Enable bits in CR; the reset bit of each lies two above (RM0456, ICACHE_CR)."""
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
    """ICACHE: enable, invalidate, associativity, hit and miss monitors. Invalidation ends at once.

    The monitors count what the simulated cache counts. Not modelled: remapped regions, interrupts.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"size_bytes", "line_bytes"})
    RESET: ClassVar = {CR: WAYSEL, SR: 0, IER: 0, **dict.fromkeys(REGIONS, 0x200)}
    READS: ClassVar = {
        FCR: lambda self: 0,
        HMONR: lambda self: self._monitors[HIT_MONITOR].value(),
        MMONR: lambda self: self._monitors[MISS_MONITOR].value(),
    }
    WRITES: ClassVar = {CR: lambda self, value: self._control(value), FCR: lambda self, value: self._clear(value)}

    def reset_state(self) -> None:
        self._monitors = {
            HIT_MONITOR: LookupCounter(lambda: sum(self.chip.cache_lookups(self.spec.name)[0::2])),
            MISS_MONITOR: LookupCounter(lambda: sum(self.chip.cache_lookups(self.spec.name)[1::2]), limit=0xFFFF),
        }

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
            self.chip.empty_cache(self.spec.name)
        for bit, monitor in self._monitors.items():
            if value >> bit + 2 & 1:
                monitor.clear()
            monitor.switch(bool(value >> bit & 1))
        if self.timing() != before:
            self.chip.timing_changed()

    def _clear(self, value: int) -> None:
        self.registers[SR] = self.stored(SR) & ~value

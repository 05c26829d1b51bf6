"""Window watchdog of STM32. Sources: RM0090 (F4), RM0432 (L4+)."""

from __future__ import annotations

from typing import ClassVar

from mcusim.machine.peripherals.register_file import RegisterFile

CR, CFR, SR = 0x00, 0x04, 0x08
WDGA, EWI, LAST = 1 << 7, 1 << 9, 0x40


class WindowWatchdog(RegisterFile):
    """WWDG: resets the chip when its counter falls below 0x40, or is written before it fell below the window.

    ``clock`` names the APB clock, ``reset_control`` the RCC that shows the reset flag, ``prescaler`` is [lowest bit,
    width] of CFR.WDGTB.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"reset_control", "clock", "prescaler"})
    RESET: ClassVar = {CFR: 0x7F, SR: 0}
    READS: ClassVar = {CR: lambda self: self._control()}
    WRITES: ClassVar = {
        CR: lambda self, value: self._write_control(value),
        CFR: lambda self, value: self._configure(value),
        SR: lambda self, value: self._acknowledge(value),
    }
    _events: tuple = ()

    def reset_state(self) -> None:
        self.enabled, self._start, self._loaded_at = False, 0x7F, 0
        self._cancel()
        self.interrupt(False)

    def count(self) -> int:
        """The counter now."""
        return max(0x3F, self._start - (self.chip.now() - self._loaded_at) // self._step())

    def _control(self) -> int:
        return (WDGA | self.count()) if self.enabled else 0x7F

    def _write_control(self, value: int) -> None:
        if self.enabled and self.count() > self.stored(CFR) & 0x7F:
            self._bite("window watchdog refreshed before its window")
        self.enabled = self.enabled or bool(value & WDGA)
        self._start, self._loaded_at = value & 0x7F, self.chip.now()
        self._arm()

    def _configure(self, value: int) -> None:
        self.store(CFR, value | self.stored(CFR) & EWI)
        self._arm()

    def _acknowledge(self, value: int) -> None:
        self.registers[SR] = self.stored(SR) & value
        self.interrupt(self.stored(SR) & 1 and self.stored(CFR) & EWI)

    def _arm(self) -> None:
        self._cancel()
        if self.enabled:
            early, last = (self._loaded_at + max(0, self._start - level) * self._step() for level in (LAST, LAST - 1))
            reset = self.chip.at(last, lambda: self._bite("window watchdog"))
            self._events = (self.chip.at(early, self._warn_early), reset)

    def _warn_early(self) -> None:
        self.registers[SR] = 1
        self.interrupt(self.stored(CFR) & EWI)

    def _cancel(self) -> None:
        for event in self._events:
            event.cancel()
        self._events = ()

    def _step(self) -> int:
        low, width = self.parameter("prescaler", (7, 2))
        divisor = 4096 << (self.stored(CFR) >> low & (1 << width) - 1)
        hertz = self.chip.clock_hertz(self.parameter("clock", "apb1"))
        return max(1, divisor * self.chip.core_hertz() // hertz)

    def _bite(self, reason: str) -> None:
        self.chip.peripheral(self.parameter("reset_control", "rcc")).note_reset("wwdg")
        self.chip.reset(reason)

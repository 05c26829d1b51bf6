"""Independent watchdog of STM32. Sources: RM0432 (L4+), RM0456 (U5)."""

from __future__ import annotations

from typing import ClassVar

from mcusim.machine.peripherals.register_file import RegisterFile

KR, PR, RLR, SR, WINR, EWCR = range(0x00, 0x18, 4)
START, REFRESH, UNLOCK = 0xCCCC, 0xAAAA, 0x5555


class IndependentWatchdog(RegisterFile):
    """IWDG: resets the chip when the firmware does not refresh it in time, or refreshes it before the window opens.

    ``clock`` names its oscillator (LSI, which it forces on), ``reset_control`` the RCC that shows the reset flag;
    ``divisors`` the values of PR. Early wake-up interrupt is not modelled.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"reset_control", "clock", "divisors"})
    RESET: ClassVar = {PR: 0, RLR: 0xFFF, WINR: 0xFFF, EWCR: 0}
    READS: ClassVar = {KR: lambda self: 0, SR: lambda self: 0}
    WRITES: ClassVar = {KR: lambda self, value: self._key(value), WINR: lambda self, value: self._set_window(value)}
    DIVISORS = (4, 8, 16, 32, 64, 128, 256, 256)
    """Prescaler by PR (RM0432)."""

    _event = None

    def reset_state(self) -> None:
        self.running, self.unlocked, self._loaded_at = False, False, 0
        if self._event:
            self._event.cancel()

    def write_register(self, offset: int, value: int) -> None:
        if offset in (PR, RLR, WINR, EWCR) and not self.unlocked:
            return
        super().write_register(offset, value)

    def _key(self, value: int) -> None:
        self.unlocked = value & 0xFFFF == UNLOCK
        if value & 0xFFFF == START:
            self.running = True
            self._reload()
        elif value & 0xFFFF == REFRESH and self.running:
            self._refresh()

    def _set_window(self, value: int) -> None:
        self.store(WINR, value & 0xFFF)
        if self.running:
            self._reload()

    def _refresh(self) -> None:
        elapsed = (self.chip.now() - self._loaded_at) // self._cycles(1)
        if self.stored(RLR) - elapsed > self.stored(WINR):
            self._bite("independent watchdog refreshed before its window")
        self._reload()

    def _reload(self) -> None:
        self._loaded_at = self.chip.now()
        if self._event:
            self._event.cancel()
        due = self._loaded_at + self._cycles((self.stored(RLR) & 0xFFF) + 1)
        self._event = self.chip.at(due, lambda: self._bite("independent watchdog"))

    def clock_changed(self) -> None:
        if self.running:
            self._reload()

    def _cycles(self, ticks: int) -> int:
        divisors = self.parameter("divisors", self.DIVISORS)
        divisor = divisors[min(self.stored(PR) & 15, len(divisors) - 1)]
        hertz = self.chip.clock_hertz(self.parameter("clock", "watchdog"))
        return max(1, ticks * divisor * self.chip.core_hertz() // hertz)

    def _bite(self, reason: str) -> None:
        self.chip.peripheral(self.parameter("reset_control", "rcc")).note_reset("iwdg")
        self.chip.reset(reason)

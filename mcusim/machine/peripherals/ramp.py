"""A position that advances by one each tick of a divided clock, exact in core cycles."""

from __future__ import annotations

from mcusim.machine.peripheral import Chip


class Ramp:
    """A tick counter whose origin can be moved: position = ticks since the origin, in integers only.

    A tick lasts ``denominator / numerator`` core cycles. Changes take effect at a given cycle, which may lie in the
    past, so that late calls do not shift the count.
    """

    def __init__(self, chip: Chip) -> None:
        self.chip = chip
        self.running = False
        self.numerator, self.denominator = 1, 1
        self._since, self._scaled = 0, 0

    def position(self) -> int:
        """Whole ticks since the origin, now."""
        return self._now_scaled() // self.denominator

    def cycle_of(self, position: int) -> int:
        """Core cycle at which the running ramp reaches or reached ``position``; now, where its clock is off."""
        if not self.numerator:
            return self.chip.now()
        return self._since - (self._scaled - position * self.denominator) // self.numerator

    def place(self, position: int, cycle: int) -> None:
        """Stand at ``position``, at the start of a tick, at ``cycle``."""
        self._since, self._scaled = cycle, position * self.denominator

    def rebase(self, ticks: int) -> None:
        """Move the origin ``ticks`` later; the phase within the tick stays."""
        self._scaled -= ticks * self.denominator

    def set_rate(self, hertz: int, divider: int, core_hertz: int) -> None:
        """Tick at ``hertz / divider`` from now on (0 stands still); the part of a tick already passed is kept."""
        scaled, now = self._now_scaled(), self.chip.now()
        old = self.denominator
        self.numerator, self.denominator = hertz, max(1, divider * core_hertz)
        self._since, self._scaled = now, scaled * self.denominator // old

    def start(self) -> None:
        """Run from now."""
        self._since = self.chip.now()
        self.running = True

    def stop(self, cycle: int | None = None) -> None:
        """Stand still from ``cycle`` (now, if not given) on."""
        now = self.chip.now() if cycle is None else cycle
        self._scaled = self._scaled + (now - self._since) * self.numerator if self.running else self._scaled
        self._since = now
        self.running = False

    def _now_scaled(self) -> int:
        passed = self.chip.now() - self._since if self.running else 0
        return self._scaled + passed * self.numerator

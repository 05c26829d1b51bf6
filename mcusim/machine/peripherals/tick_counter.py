"""A counter that runs at a rate of its own, exact in core cycles."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from mcusim.machine.peripheral import Chip, Event

Rate = Callable[[], "int | Fraction"]


class TickCounter:
    """A free-running count of ticks; the rate in hertz may change at any time (call ``rate_changed`` then).

    The count is the whole number of ticks since it was set, carried exactly over changes of rate and of core clock.
    """

    def __init__(self, chip: Chip, rate: Rate) -> None:
        self.chip = chip
        self.rate = rate
        self.running = False
        self._base = Fraction(0)
        self._since = 0
        self._per_cycle = Fraction(0)
        self._alarms: dict[int, tuple[int, Callable[[], None], Event | None]] = {}

    def value(self) -> int:
        """Ticks counted by now."""
        return int(self._exact())

    def set(self, ticks: int | Fraction) -> None:
        """Make the count ``ticks`` now, with the fraction of a tick dropped."""
        self._base = Fraction(ticks)
        self._since = self.chip.now()
        self._reschedule()

    def start(self) -> None:
        """Count from now on. Asks for the rate: a model must not start it while the chip is being built."""
        if not self.running:
            self._since, self.running = self.chip.now(), True
            self.rate_changed()

    def stop(self) -> None:
        if self.running:
            self._base, self._since = self._exact(), self.chip.now()
            self._per_cycle, self.running = Fraction(0), False
            self._reschedule()

    def rate_changed(self) -> None:
        """Take over a new rate or core clock from now on."""
        self._base, self._since = self._exact(), self.chip.now()
        rate = Fraction(self.rate()) if self.running else Fraction(0)
        self._per_cycle = rate / self.chip.core_hertz()
        self._reschedule()

    def call_at(self, ticks: int, action: Callable[[], None], key: int = 0) -> None:
        """Call ``action`` once when the count reaches ``ticks``; a further call with the same ``key`` replaces this one."""
        self.cancel(key)
        self._alarms[key] = (ticks, action, None)
        self._schedule(key)

    def cancel(self, key: int = 0) -> None:
        alarm = self._alarms.pop(key, None)
        if alarm and alarm[2]:
            alarm[2].cancel()

    def cancel_all(self) -> None:
        for key in list(self._alarms):
            self.cancel(key)

    def cycle_of(self, ticks: int) -> int | None:
        """Core cycle at which the count reaches ``ticks``, None while the counter stands still."""
        if not self._per_cycle:
            return None
        wait = (ticks - self._base) / self._per_cycle
        return self._since + max(0, -((-wait.numerator) // wait.denominator))

    def _exact(self) -> Fraction:
        return self._base + (self.chip.now() - self._since) * self._per_cycle

    def _reschedule(self) -> None:
        for key in list(self._alarms):
            self._schedule(key)

    def _schedule(self, key: int) -> None:
        ticks, action, event = self._alarms[key]
        if event:
            event.cancel()
        cycle = self.cycle_of(ticks)
        self._alarms[key] = (ticks, action, None if cycle is None else self.chip.at(cycle, lambda: self._fire(key, ticks)))

    def _fire(self, key: int, ticks: int) -> None:
        alarm = self._alarms.get(key)
        if alarm and alarm[0] == ticks:
            del self._alarms[key]
            alarm[1]()

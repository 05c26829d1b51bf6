"""SysTick, counted from core cycles only when somebody looks (Armv7-M ARM B3.3)."""

from __future__ import annotations

from collections.abc import Callable

from mcusim.machine.events import Event

ENABLE, TICKINT, CLKSOURCE, COUNTFLAG = 1, 2, 4, 1 << 16
MASK = 0xFFFFFF

Schedule = Callable[[int, Callable[[], None]], Event]


class SysTick:
    """The 24-bit down counter. ``now`` gives core cycles, ``at`` schedules, ``divider`` is cycles a tick of the reference.

    Whoever owns it calls ``schedule`` when the exception that ``pend`` made pending is so no longer.
    """

    def __init__(self, now: Callable[[], int], at: Schedule, pend: Callable[[], None], divider: Callable[[], int]) -> None:
        self.now, self.at, self.pend, self.reference_divider = now, at, pend, divider
        self.event: Event | None = None
        self.reset()

    def reset(self) -> None:
        """State after reset."""
        self.control = self.reload = 0
        self.held = 0  # value while stopped
        self.stopped_by_time = False  # the value held is one that it had counted to
        self.zero = 0  # a cycle at which the running counter is zero
        self.first = 0  # the first such cycle that was reached by counting
        self.read_at = 0
        self.schedule()

    @property
    def divider(self) -> int:
        return 1 if self.control & CLKSOURCE else max(1, self.reference_divider())

    def value(self) -> int:
        """Current count."""
        if not self.control & ENABLE:
            if self.stopped_by_time:
                self.now()  # tells that the value depends on time
            return self.held
        ticks = (self.now() - self.zero) // self.divider
        if ticks <= 0:
            return -ticks
        period = self.reload + 1
        return (period - ticks % period) % period

    def next_zero(self) -> int:
        """First cycle after now at which the count becomes zero."""
        now = self.now()
        if now < self.zero:
            return self.zero
        period = (self.reload + 1) * self.divider
        return self.zero + ((now - self.zero) // period + 1) * period

    def zeros_since(self, cycle: int) -> bool:
        """True when the count reached zero after ``cycle`` up to now."""
        now = self.now()
        if not self.control & ENABLE or not self.reload:
            return False
        period = (self.reload + 1) * self.divider
        last = self.zero if now < self.zero + period else self.zero + (now - self.zero) // period * period
        return cycle < last <= now and last >= self.first

    def read_control(self) -> int:
        """SYST_CSR; reading clears COUNTFLAG, which a counter that stands still does not show."""
        if not self.control & ENABLE:
            return self.control
        flag = COUNTFLAG if self.zeros_since(self.read_at) else 0
        self.read_at = self.now()
        return self.control | flag

    def write_control(self, value: int) -> None:
        """SYST_CSR."""
        held = self.value()
        self.stopped_by_time |= bool(self.control & ENABLE)
        self.control = value & 7
        self.restart(held)

    def write_reload(self, value: int) -> None:
        """SYST_RVR; takes effect when the count next reaches zero."""
        if self.control & ENABLE and self.reload:
            self.zero = self.next_zero() if self.value() else self.now()
        self.reload = value & MASK
        self.schedule()

    def write_value(self) -> None:
        """SYST_CVR: any write clears the count and COUNTFLAG."""
        self.read_at = self.now()
        self.stopped_by_time = False
        self.restart(0)

    def restart(self, value: int) -> None:
        """Continue from ``value``."""
        self.held = value
        self.zero = self.first = self.now() + value * self.divider
        if not value:
            self.first += self.divider
        self.schedule()

    def schedule(self) -> None:
        """Put the next interrupt on the agenda."""
        if self.event is not None:
            self.event.cancel()
            self.event = None
        if self.control & ENABLE and self.control & TICKINT and (self.reload or self.value()):
            self.event = self.at(self.next_zero(), self._fire)

    def _fire(self) -> None:
        """Pend. Until that is taken or cleared, which calls ``schedule``, further zeros change nothing and are no events."""
        self.event = None
        self.pend()

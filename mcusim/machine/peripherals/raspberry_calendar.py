"""RTC of RP2040: a calendar with an alarm. Source: RP2040 Datasheet 4.8."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mcusim.machine.peripherals.raspberry import RaspberryRegisters
from mcusim.machine.peripherals.tick_counter import TickCounter

DIVIDER, SETUP0, SETUP1, CTRL, MATCH0, MATCH1, DATE, TIME = range(0x00, 0x20, 4)
INTR, INTE, INTF, INTS = range(0x20, 0x30, 4)
ENABLE, ACTIVE, LOAD, NO_LEAP_YEAR = 1 << 0, 1 << 1, 1 << 4, 1 << 8
MATCH_ENABLE, MATCH_ACTIVE = 1 << 28, 1 << 29
DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
DAY_SECONDS = 86400
# (enable bit, mask) of what MATCH0 and MATCH1 may compare.
DATE_FIELDS = ((26, 0xFFF000), (25, 0xF00), (24, 0x1F))
TIME_FIELDS = ((31, 0x7000000), (30, 0x1F0000), (29, 0x3F00), (28, 0x3F))


@dataclass(frozen=True, slots=True)
class Moment:
    """A date with its day of the week and the second of the day."""

    year: int
    month: int
    day: int
    weekday: int
    second: int

    def later(self, seconds: int, leap_years: bool) -> Moment:
        """The moment ``seconds`` later; every fourth year is a leap year, unless that is switched off."""
        days, second = divmod(self.second + seconds, DAY_SECONDS)
        moment = replace(self, second=second)
        for _ in range(days):
            moment = moment._tomorrow(leap_years)
        return moment

    def _tomorrow(self, leap_years: bool) -> Moment:
        leap = leap_years and self.month == 2 and self.year % 4 == 0
        year, month, day = self.year, self.month, self.day + 1
        if day > DAYS[(self.month - 1) % 12] + leap:
            month, day = month + 1, 1
        if month > 12:
            year, month = year + 1, 1
        return Moment(year & 0xFFF, month, day, (self.weekday + 1) % 7, self.second)

    def date_word(self) -> int:
        return self.year << 12 | self.month << 8 | self.day

    def time_word(self) -> int:
        minutes, second = divmod(self.second, 60)
        return self.weekday << 24 | minutes // 60 << 16 | minutes % 60 << 8 | second


class Calendar(RaspberryRegisters):
    """Counts seconds of clk_rtc / (CLKDIV_M1 + 1); the alarm's interrupt stands as long as the match does.

    Parameter ``clock``: name of clk_rtc. The delays of two clk_rtc cycles of ACTIVE and MATCH_ACTIVE are not modelled.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"clock"})
    RESET = {DIVIDER: 0, SETUP0: 0, SETUP1: 0, CTRL: 0, MATCH0: 0, MATCH1: 0, INTE: 0, INTF: 0}
    WRITABLE = {CTRL: ENABLE | NO_LEAP_YEAR, MATCH0: ~MATCH_ACTIVE & 0xFFFFFFFF, INTE: 1, INTF: 1}
    counter: TickCounter

    def reset_state(self) -> None:
        if "counter" in self.__dict__:
            self.counter.cancel_all()
        self.counter = TickCounter(self.chip, lambda: self.chip.clock_hertz(self.parameter("clock")))
        self.moment, self.latched = Moment(0, 0, 0, 0, 0), 0

    def clock_changed(self) -> None:
        self.counter.rate_changed()

    def now(self) -> Moment:
        """The calendar by now; ``moment`` is moved to it."""
        divider = self.stored(DIVIDER) + 1
        seconds, rest = divmod(self.counter.value(), divider)
        if seconds:
            self.moment = self.moment.later(seconds, not self.stored(CTRL) & NO_LEAP_YEAR)
            self.counter.set(rest)
        return self.moment

    def write_control(self, value: int) -> None:
        self.now()
        self.store(CTRL, value)
        if value & LOAD:
            date, time = self.stored(SETUP0), self.stored(SETUP1)
            second = (time >> 16 & 0x1F) * 3600 + (time >> 8 & 0x3F) * 60 + (time & 0x3F)
            self.moment = Moment(date >> 12 & 0xFFF, date >> 8 & 0xF, date & 0x1F, time >> 24 & 7, second)
            self.counter.set(0)
        (self.counter.start if value & ENABLE else self.counter.stop)()
        self._watch()

    def write_match(self, value: int) -> None:
        self.store(MATCH0, value)
        self._watch()

    def matches(self) -> bool:
        """The alarm is on and all that it compares is equal."""
        date, time, now = self.stored(MATCH0), self.stored(MATCH1), self.now()
        if not date & MATCH_ENABLE:
            return False
        pairs = ((DATE_FIELDS, date, now.date_word()), (TIME_FIELDS, time, now.time_word()))
        return all((match ^ word) & mask == 0 for fields, match, word in pairs for bit, mask in fields if match >> bit & 1)

    def _watch(self) -> None:
        """Compare now, and at each second for as long as the alarm is on."""
        self.counter.cancel()
        if self.stored(MATCH0) & MATCH_ENABLE:
            self.now()
            self.counter.call_at(self.stored(DIVIDER) + 1, self._watch)
        self._update()

    def _update(self) -> None:
        self.interrupt((self.matches() | self.stored(INTF)) & self.stored(INTE))

    def write_enable(self, value: int) -> None:
        self.store(INTE, value)
        self._update()

    def write_force(self, value: int) -> None:
        self.store(INTF, value)
        self._update()

    def read_control(self) -> int:
        return self.stored(CTRL) | ACTIVE * (self.stored(CTRL) & ENABLE)

    def read_time(self) -> int:
        self.latched = self.now().date_word()
        return self.moment.time_word()

    def read_match(self) -> int:
        value = self.stored(MATCH0)
        return value | (MATCH_ACTIVE if value & MATCH_ENABLE else 0)

    READS = {
        CTRL: read_control,
        MATCH0: read_match,
        DATE: lambda self: self.latched,
        TIME: read_time,
        INTR: matches,
        INTS: lambda self: (self.matches() | self.stored(INTF)) & self.stored(INTE),
    }
    WRITES = {CTRL: write_control, MATCH0: write_match, INTE: write_enable, INTF: write_force}

"""Real-time clock of STM32: time, date and initialisation mode. Sources: RM0432 (L4+), RM0456 (U5)."""

from __future__ import annotations

import datetime
from fractions import Fraction
from typing import ClassVar

from mcusim.boards.board import PeripheralSpec
from mcusim.machine.peripheral import Chip
from mcusim.machine.peripherals.register_file import RegisterFile

TR, DR, WPR = 0x00, 0x04, 0x24
WUTWF, INITS, RSF, INITF, INIT = 1 << 2, 1 << 4, 1 << 5, 1 << 6, 1 << 7
ALARMS_WRITABLE, SHIFTED = 3, 1 << 3
OLD = {"ssr": 0x28, "status": 0x0C, "control": 0x08, "prescaler": 0x10, "wakeup": 0x14}
NEW = {"ssr": 0x08, "status": 0x0C, "control": 0x18, "prescaler": 0x10, "wakeup": 0x14}
LAYOUTS = {"old": OLD, "new": NEW}


def to_bcd(number: int) -> int:
    """Two decimal digits as BCD."""
    return number // 10 << 4 | number % 10


def from_bcd(code: int) -> int:
    """The number that two BCD digits show."""
    return (code >> 4) * 10 + (code & 15)


class RealTimeClock(RegisterFile):
    """RTC: calendar from its clock and prescalers; it starts on 1 January 2000 (DR reset value 0x2101).

    ``clock`` names its clock, ``layout`` is "old" (status in ISR) or "new" (ICSR). Registers follow at once: RSF and
    INITF need no time. Not modelled: alarms, wake-up interrupt, time stamps, tamper, calibration, 12-hour format,
    write protection.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"clock", "layout"})

    def __init__(self, chip: Chip, spec: PeripheralSpec) -> None:
        self.place = LAYOUTS[spec.parameters.get("layout", "old")]
        super().__init__(chip, spec)

    def reset_state(self) -> None:
        for offset in (*self.place.values(), *range(0x1C, 0x28, 4), *range(0x2C, 0xA0, 4)):
            self.registers.setdefault(offset, 0)
        self.registers[self.place["prescaler"]] = 0x007F00FF
        self.registers[self.place["wakeup"]] = 0xFFFF
        self._set, self._set_at, self._ticks = datetime.datetime(2000, 1, 1), 0, Fraction(0)
        self._entered: dict[int, int] = {}
        self._initialising = False

    def clock_changed(self) -> None:
        self._latch()

    def read_register(self, offset: int) -> int:
        if offset in (TR, DR) and offset in self._entered:
            return self._entered[offset]
        readers = {
            TR: self._time,
            DR: self._date,
            self.place["ssr"]: self._sub_second,
            self.place["status"]: self._status,
        }
        return readers[offset]() if offset in readers else super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        if offset in (TR, DR):
            self._entered[offset] = value
        elif offset == self.place["status"]:
            self._initialise(bool(value & INIT))
        elif offset != WPR:
            self._latch()
            super().write_register(offset, value)

    def now(self) -> datetime.datetime:
        """Date and time that the calendar shows."""
        return self._set + datetime.timedelta(seconds=int(self._ticks_now() // self._second()))

    def _ticks_now(self) -> Fraction:
        hertz = self.chip.clock_hertz(self.parameter("clock", "rtc")) if not self._initialising else 0
        divider = (self.stored(self.place["prescaler"]) >> 16 & 0x7F) + 1
        return self._ticks + Fraction((self.chip.now() - self._set_at) * hertz, self.chip.core_hertz() * divider)

    def _second(self) -> int:
        return (self.stored(self.place["prescaler"]) & 0x7FFF) + 1

    def _latch(self) -> None:
        self._ticks, self._set_at = self._ticks_now(), self.chip.now()

    def _initialise(self, active: bool) -> None:
        self._latch()
        if self._initialising and not active and self._entered:
            date = self._entered.get(DR, self._date())
            time = self._entered.get(TR, self._time())
            self._set, self._ticks = self._decode(date, time), Fraction(0)
            self._entered.clear()
        self._initialising = active

    @staticmethod
    def _decode(date: int, time: int) -> datetime.datetime:
        day, month, year = from_bcd(date & 0x3F), from_bcd(date >> 8 & 0x1F), from_bcd(date >> 16 & 0xFF)
        hour, minute, second = from_bcd(time >> 16 & 0x3F), from_bcd(time >> 8 & 0x7F), from_bcd(time & 0x7F)
        start = datetime.datetime(2000 + year, min(max(month, 1), 12), 1)
        return start + datetime.timedelta(days=max(day, 1) - 1, hours=hour, minutes=minute, seconds=second)

    def _time(self) -> int:
        now = self.now()
        return to_bcd(now.hour) << 16 | to_bcd(now.minute) << 8 | to_bcd(now.second)

    def _date(self) -> int:
        now = self.now()
        return to_bcd(now.year % 100) << 16 | now.isoweekday() << 13 | to_bcd(now.month) << 8 | to_bcd(now.day)

    def _sub_second(self) -> int:
        return self._second() - 1 - int(self._ticks_now() % self._second())

    def _status(self) -> int:
        status = ALARMS_WRITABLE | WUTWF | RSF | (INITS if self._set.year != 2000 else 0)
        return status | (INIT | INITF if self._initialising else 0)

"""TIMER and RTC of nRF52 and nRF53. Sources: nRF52840 PS v1.8 6.22 (RTC), 6.30 (TIMER); nRF5340 PS v1.4 7.29, 7.37."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, ClassVar

from mcusim.machine.peripherals.nordic import EVENTS, SHORTS, NordicPeripheral
from mcusim.machine.peripherals.register_file import offsets
from mcusim.machine.peripherals.tick_counter import TickCounter

COMPARE = 0x140
WIDTHS = (16, 8, 24, 32)


class Counting(NordicPeripheral):
    """What TIMER and RTC share: a counter of some width that wraps, and compare registers that generate events."""

    counter: TickCounter
    CC = 0x540
    CHANNELS = 0

    def reset_state(self) -> None:
        if hasattr(self, "counter"):
            self.counter.stop()
            self.counter.cancel_all()
        self.counter = TickCounter(self.chip, self.rate)
        self.registers |= dict.fromkeys(offsets(self.CC, self.CHANNELS), 0)

    def rate(self) -> int | Fraction:
        raise NotImplementedError

    def width(self) -> int:
        raise NotImplementedError

    def count(self) -> int:
        return self.counter.value() & ((1 << self.width()) - 1)

    def clock_changed(self) -> None:
        self.counter.rate_changed()

    def arm(self, index: int) -> None:
        """Wait for the next time the count equals CC[index]."""
        period, now = 1 << self.width(), self.counter.value()
        wait = (self.stored(self.CC + 4 * index) - now - 1) % period + 1
        self.counter.call_at(now + wait, lambda: self._reached(index), index)

    def arm_all(self) -> None:
        for index in range(self.CHANNELS):
            self.arm(index)

    def _reached(self, index: int) -> None:
        self.compare(index)
        self.arm(index)

    def compare(self, index: int) -> None:
        self.fire(COMPARE + 4 * index)

    def start(self) -> None:
        self.counter.start()
        self.arm_all()

    def stop(self) -> None:
        self.counter.stop()

    def clear(self) -> None:
        self.counter.set(0)
        self.arm_all()

    def write_register(self, offset: int, value: int) -> None:
        super().write_register(offset, value)
        if self.CC <= offset < self.CC + 4 * self.CHANNELS:
            self.arm((offset - self.CC) // 4)


def capture_task(index: int) -> Callable[[Any], None]:
    """The task CAPTURE[index]."""
    return lambda timer: timer.capture(index)


class Timer(Counting):
    """TIMER: 16 MHz / 2**PRESCALER, or counts its COUNT task. Parameter ``compares``: number of CC registers (4 or 6)."""

    PARAMETERS: ClassVar[frozenset[str]] = NordicPeripheral.PARAMETERS | {"compares"}
    MODE, BITMODE, PRESCALER = 0x504, 0x508, 0x510
    CHANNELS = 6
    RESET = {MODE: 0, BITMODE: 0, PRESCALER: 4}
    EVENT_OFFSETS = tuple(offsets(COMPARE, CHANNELS))

    def rate(self) -> Fraction:
        prescaler = self.stored(self.PRESCALER) & 0xF
        return Fraction(self.chip.clock_hertz("hfclk"), 1 << prescaler) if not self.stored(self.MODE) & 3 else Fraction(0)

    def width(self) -> int:
        return WIDTHS[self.stored(self.BITMODE) & 3]

    def capture(self, index: int) -> None:
        self.registers[self.CC + 4 * index] = self.count()

    def compare(self, index: int) -> None:
        super().compare(index)
        # SHORTS: bit n clears, bit 8 + n stops on COMPARE[n].
        shorts = self.stored(SHORTS)
        if shorts >> index & 1:
            self.counter.set(0)
            self.arm_all()
        if shorts >> (8 + index) & 1:
            self.stop()

    def count_up(self) -> None:
        if self.stored(self.MODE) & 3 and self.counter.running:
            self.counter.set(self.counter.value() + 1)
            for index in range(self.CHANNELS):
                if self.count() == self.stored(self.CC + 4 * index):
                    self.compare(index)

    def shut_down(self) -> None:
        self.stop()
        self.counter.set(0)

    def write_register(self, offset: int, value: int) -> None:
        super().write_register(offset, value)
        if offset in (self.MODE, self.PRESCALER):
            self.counter.rate_changed()
        if offset == self.BITMODE:
            self.arm_all()

    TASKS = {
        0x00: Counting.start,
        0x04: Counting.stop,
        0x08: count_up,
        0x0C: Counting.clear,
        0x10: shut_down,
        **{0x40 + 4 * index: capture_task(index) for index in range(CHANNELS)},
    }


class Rtc(Counting):
    """RTC: 24 bits at 32768 Hz / (PRESCALER + 1). Events are generated where EVTEN or INTEN enables them (6.22.7).

    The synchronisation delay of tasks and CC registers (up to two 32 kHz cycles) is not modelled.
    """

    COUNTER, PRESCALER, EVTEN, EVTENSET, EVTENCLR = 0x504, 0x508, 0x340, 0x344, 0x348
    TICK, OVERFLOW = 0x100, 0x104
    CHANNELS = 4
    RESET = {PRESCALER: 0}
    EVENT_OFFSETS = (TICK, OVERFLOW, *offsets(COMPARE, CHANNELS))
    TICK_KEY, OVERFLOW_KEY = 100, 101

    def reset_state(self) -> None:
        super().reset_state()
        self.routed = 0

    def rate(self) -> Fraction:
        return Fraction(self.chip.clock_hertz("lfclk"), (self.stored(self.PRESCALER) & 0xFFF) + 1)

    def width(self) -> int:
        return 24

    def listens(self, event: int) -> bool:
        return bool((self.routed | self.enabled) >> (event - EVENTS) // 4 & 1)

    def compare(self, index: int) -> None:
        event = COMPARE + 4 * index
        if self.listens(event):
            super().compare(index)

    def arm_all(self) -> None:
        super().arm_all()
        self._arm_overflow()
        self._arm_tick()

    def _arm_overflow(self) -> None:
        now = self.counter.value()
        self.counter.call_at((now >> 24) + 1 << 24, self._overflow, self.OVERFLOW_KEY)

    def _overflow(self) -> None:
        if self.listens(self.OVERFLOW):
            self.fire(self.OVERFLOW)
        self._arm_overflow()

    def _arm_tick(self) -> None:
        self.counter.cancel(self.TICK_KEY)
        if self.listens(self.TICK):
            self.counter.call_at(self.counter.value() + 1, self._tick, self.TICK_KEY)

    def _tick(self) -> None:
        if self.listens(self.TICK):
            self.fire(self.TICK)
        self._arm_tick()

    def read_register(self, offset: int) -> int:
        if offset == self.COUNTER:
            return self.count()
        if offset in (self.EVTEN, self.EVTENSET, self.EVTENCLR):
            return self.routed
        return super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        changes = {self.EVTEN: value, self.EVTENSET: self.routed | value, self.EVTENCLR: self.routed & ~value}
        if offset in changes:
            self.routed = changes[offset]
        elif offset != self.COUNTER:
            super().write_register(offset, value)
        if offset == self.PRESCALER:
            self.counter.rate_changed()
        if offset in changes or offset in (0x300, 0x304, 0x308):
            self._arm_tick()

    def near_overflow(self) -> None:
        """Task TRIGOVRFLW."""
        self.counter.set(0xFFFFF0)
        self.arm_all()

    TASKS = {0x00: Counting.start, 0x04: Counting.stop, 0x08: Counting.clear, 0x0C: near_overflow}

"""TIMER of the RP chips: 64-bit microseconds and four alarms. Sources: RP2040 Datasheet 4.6; RP2350 Datasheet 12.8."""

from __future__ import annotations

from typing import ClassVar

from mcusim.machine.peripherals.raspberry import RaspberryRegisters
from mcusim.machine.peripherals.tick_counter import TickCounter

TIMEHW, TIMELW, TIMEHR, TIMELR, ALARM, ARMED = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x20
RAWH, RAWL, DBGPAUSE, PAUSE = 0x24, 0x28, 0x2C, 0x30
LOCKED, SOURCE = 0x34, 0x38
WORD = 1 << 32


class Timer(RaspberryRegisters):
    """Counts ticks (parameter ``tick``: name of the clock); an alarm fires when the low 32 bits equal it.

    Parameter ``interrupt_offset``: 0x34 (RP2040) or 0x3c (RP2350, which has LOCKED and SOURCE before it). DBGPAUSE is storage.
    """

    counter: TickCounter
    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"tick", "interrupt_offset"})

    RESET = {DBGPAUSE: 7, PAUSE: 0, TIMELW: 0}

    def reset_state(self) -> None:
        self.raw_offset = self.parameter("interrupt_offset", 0x34)
        self.registers |= {self.raw_offset + 4: 0, self.raw_offset + 8: 0}
        if self.raw_offset > LOCKED:
            self.registers |= {LOCKED: 0, SOURCE: 0}
        self.latched, self.raw, self.armed = 0, 0, 0
        self.alarms = [0, 0, 0, 0]
        built = hasattr(self, "counter")
        if built:
            self.counter.cancel_all()
        self.counter = TickCounter(self.chip, self._rate)
        if built:
            self.counter.start()
        self._update()

    def _rate(self) -> int:
        if self.raw_offset > LOCKED and self.stored(SOURCE) & 1:
            return self.chip.clock_hertz("clk_sys")
        return self.chip.clock_hertz(self.parameter("tick"))

    def clock_changed(self) -> None:
        # Ticks are off out of reset, so the first change of a clock is early enough to start.
        if not self.stored(PAUSE) & 1:
            self.counter.start()
        self.counter.rate_changed()

    def read_low(self) -> int:
        now = self.counter.value()
        self.latched = now >> 32
        return now

    def read_register(self, offset: int) -> int:
        if ALARM <= offset < ARMED:
            return self.alarms[(offset - ALARM) // 4]
        if offset == self.raw_offset:
            return self.raw
        if offset == self.raw_offset + 12:
            return self._status()
        return super().read_register(offset)

    def value_for_alias(self, offset: int) -> int:
        return 0 if offset == self.raw_offset else super().value_for_alias(offset)

    def write_register(self, offset: int, value: int) -> None:
        if ALARM <= offset < ARMED:
            self._arm((offset - ALARM) // 4, value)
        elif offset == self.raw_offset:
            self.raw &= ~value
        elif offset == SOURCE and self.raw_offset > LOCKED:
            self._write_source(value)
        else:
            super().write_register(offset, value)
        self._update()

    def _arm(self, index: int, value: int) -> None:
        self.alarms[index] = value
        self.armed |= 1 << index
        self.counter.cancel(index)
        now = self.counter.value()
        self.counter.call_at(now + (value - now) % WORD, lambda: self._fire(index), index)

    def _fire(self, index: int) -> None:
        self.armed &= ~(1 << index)
        self.raw |= 1 << index
        self._update()

    def _status(self) -> int:
        return (self.raw | self.stored(self.raw_offset + 8)) & self.stored(self.raw_offset + 4) & 0xF

    def _update(self) -> None:
        status = self._status()
        for index in range(4):
            self.interrupt(status >> index & 1, f"alarm{index}")

    def write_disarm(self, value: int) -> None:
        for index in range(4):
            if value >> index & 1:
                self.counter.cancel(index)
        self.armed &= ~value

    def write_high(self, value: int) -> None:
        self.counter.set(value << 32 | self.stored(TIMELW))

    def write_pause(self, value: int) -> None:
        self.store(PAUSE, value & 1)
        (self.counter.stop if value & 1 else self.counter.start)()

    def _write_source(self, value: int) -> None:
        self.store(SOURCE, value & 1)
        self.counter.rate_changed()

    READS = {
        TIMEHR: lambda self: self.latched,
        TIMELR: read_low,
        RAWH: lambda self: self.counter.value() >> 32,
        RAWL: lambda self: self.counter.value(),
        ARMED: lambda self: self.armed,
    }
    WRITES = {ARMED: write_disarm, TIMEHW: write_high, PAUSE: write_pause}

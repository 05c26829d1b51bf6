"""CTIMER, MRT, OSTIMER, UTICK and WWDT of MCX N.

Source: MCX Nx4x Reference Manual, chapters of the same names; register layout from NXP's PERI_*.h.
"""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import ClassVar

from mcusim.machine.peripheral import Event
from mcusim.machine.peripherals.register_file import RegisterFile, offsets
from mcusim.machine.peripherals.tick_counter import TickCounter

WORD = 1 << 32


class StandardTimer(RegisterFile):
    """CTIMER: 32 bits up behind a prescaler, four matches that interrupt, reset, stop or reload.

    Parameter ``clock``: name of its clock. Captures, external counting and outputs are storage.
    """

    counter: TickCounter
    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"clock"})
    IR, TCR, TC, PR, PC, MCR, MATCH, SHADOW = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x18, 0x78
    ENABLE, RESET_BIT = 1, 2
    MATCHES = tuple(offsets(MATCH, 4))
    RESET = {
        TCR: 0, PR: 0, MCR: 0, **dict.fromkeys(MATCHES, 0), 0x28: 0, **dict.fromkeys(offsets(0x2C, 4), 0), 0x3C: 0, 0x70: 0,
        0x74: 0, **dict.fromkeys(offsets(SHADOW, 4), 0),
    }  # fmt: skip

    def reset_state(self) -> None:
        if hasattr(self, "counter"):
            self.counter.stop()
            self.counter.cancel_all()
        self.counter = TickCounter(self.chip, lambda: self.chip.clock_hertz(self.parameter("clock")))
        self.flags = 0
        self.interrupt(False)

    def clock_changed(self) -> None:
        self.counter.rate_changed()

    @property
    def _step(self) -> int:
        return self.stored(self.PR) + 1

    def count(self) -> int:
        return self.counter.value() // self._step % WORD

    def _set(self, count: int) -> None:
        self.counter.set(count * self._step)
        self._arm()

    def _arm(self) -> None:
        """A match acts when the count leaves it: at the end of its prescaled period for resets, at its begin for flags."""
        now = self.counter.value()
        for index, offset in enumerate(self.MATCHES):
            actions = self.stored(self.MCR) >> (3 * index) & 7
            self.counter.cancel(index)
            if actions:
                wait = (self.stored(offset) * self._step - now - 1) % (WORD * self._step) + 1
                self.counter.call_at(now + wait, partial(self._match, index), index)

    def _match(self, index: int) -> None:
        actions = self.stored(self.MCR) >> (3 * index) & 7
        if actions & 1:
            self.flags |= 1 << index
            self.interrupt(self.flags)
        if actions & 4:
            self.counter.stop()
            self.registers[self.TCR] &= ~self.ENABLE
        if actions & 2:  # reset at the tick behind the match
            period = (self.stored(self.MATCHES[index]) + 1) * self._step
            self.counter.call_at(period, self._restart, 8)
        self._arm()

    def _restart(self) -> None:
        for index, offset in enumerate(self.MATCHES):
            if self.stored(self.MCR) >> (24 + index) & 1:
                self.registers[offset] = self.stored(self.SHADOW + 4 * index)
        self._set(0)
        if not self.stored(self.MATCHES[0]) and self.stored(self.MCR) & 1:
            self._arm()

    def write_control(self, value: int) -> None:
        self.store(self.TCR, value & 0x3)
        if value & self.RESET_BIT:
            self.counter.stop()
            self._set(0)
        elif value & self.ENABLE:
            self.counter.start()
            self._arm()
        else:
            self.counter.stop()

    def write_flags(self, value: int) -> None:
        self.flags &= ~value
        self.interrupt(self.flags)

    def write_register(self, offset: int, value: int) -> None:
        if offset == self.TC:
            self._set(value)
            return
        count = self.count()
        super().write_register(offset, value)
        if offset == self.PR:
            self._set(count)
        elif offset == self.MCR or offset in self.MATCHES:
            self._arm()

    READS = {
        IR: lambda self: self.flags,
        TC: count,
        PC: lambda self: self.counter.value() % self._step,
    }
    WRITES = {IR: write_flags, TCR: write_control}


class MultiRateTimer(RegisterFile):
    """MRT: four 24-bit down counters of the bus clock: repeat, one-shot, one-shot stall (which does not stall here)."""

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"clock"})
    CHANNELS = 4
    INTERVAL, TIMER, CONTROL, STATUS = 0, 4, 8, 12
    MODCFG, IDLE, FLAGS = 0xF0, 0xF4, 0xF8
    MASK = 0xFFFFFF
    RESET = {**dict.fromkeys(range(0, 0x40, 4), 0), MODCFG: 0x173}

    def reset_state(self) -> None:
        for counter in getattr(self, "counters", ()):
            counter.stop()
            counter.cancel_all()
        self.counters = [TickCounter(self.chip, self._rate) for _ in range(self.CHANNELS)]
        self.pending = 0
        self.interrupt(False)

    def _rate(self) -> int:
        return self.chip.clock_hertz(self.parameter("clock"))

    def clock_changed(self) -> None:
        for counter in self.counters:
            counter.rate_changed()

    def _load(self, index: int) -> int:
        return self.stored(16 * index + self.INTERVAL) & self.MASK

    def left(self, index: int) -> int:
        """TIMER: what is left of the interval."""
        counter, load = self.counters[index], self._load(index)
        return (load - counter.value()) & self.MASK if counter.running else self.MASK

    def _start(self, index: int) -> None:
        counter, load = self.counters[index], self._load(index)
        counter.stop()
        counter.cancel()
        if load:
            counter.set(0)
            counter.start()
            counter.call_at(load, lambda: self._ended(index))

    def _ended(self, index: int) -> None:
        self.pending |= 1 << index
        self._update()
        mode = self.stored(16 * index + self.CONTROL) >> 1 & 3
        (self._start if mode == 0 else self._stop)(index)

    def _stop(self, index: int) -> None:
        self.counters[index].stop()

    def _update(self) -> None:
        enabled = sum(1 << index for index in range(self.CHANNELS) if self.stored(16 * index + self.CONTROL) & 1)
        self.interrupt(self.pending & enabled)

    def read_register(self, offset: int) -> int:
        index, name = offset >> 4, offset & 0xF
        if index < self.CHANNELS and name == self.TIMER:
            return self.left(index)
        if index < self.CHANNELS and name == self.STATUS:
            return self.pending >> index & 1 | self.counters[index].running << 1
        return super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        index, name = offset >> 4, offset & 0xF
        if index < self.CHANNELS and name == self.STATUS:
            self.pending &= ~((value & 1) << index)
        else:
            super().write_register(offset, value & ~(1 << 31) if name == self.INTERVAL and index < self.CHANNELS else value)
        if index < self.CHANNELS and name == self.INTERVAL and (value >> 31 or not self.counters[index].running):
            self._start(index)
        self._update()

    def read_idle(self) -> int:
        idle = next((i for i, counter in enumerate(self.counters) if not counter.running), self.CHANNELS)
        return idle << 4

    def write_flags(self, value: int) -> None:
        self.pending &= ~value
        self._update()

    READS = {IDLE: read_idle, FLAGS: lambda self: self.pending}
    WRITES = {FLAGS: write_flags}


def gray(value: int) -> int:
    return value ^ value >> 1


def binary(value: int) -> int:
    """The number whose Gray code is ``value``."""
    result = 0
    while value:
        result ^= value
        value >>= 1
    return result


class EventTimer(RegisterFile):
    """OSTIMER: a 42-bit Gray-coded counter that never stops, and one match. The write delay of MATCH is not modelled."""

    counter: TickCounter
    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"clock"})
    LOW, HIGH, CAPTURE_LOW, CAPTURE_HIGH, MATCH_LOW, MATCH_HIGH, CONTROL = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x1C
    FLAG, ENABLE = 1, 2
    BITS = 42
    RESET = {CAPTURE_LOW: 0, CAPTURE_HIGH: 0, MATCH_LOW: 0xFFFFFFFF, MATCH_HIGH: 0x3FF}

    def reset_state(self) -> None:
        if hasattr(self, "counter"):
            self.counter.cancel_all()
        else:
            self.counter = TickCounter(self.chip, self._rate)
        self.flag, self.enabled = 0, 0
        self.interrupt(False)

    def _rate(self) -> int:
        return self.chip.clock_hertz(self.parameter("clock"))

    def clock_changed(self) -> None:
        # Its clock is off out of reset, so the first change of a clock is early enough to start.
        self.counter.start()
        self.counter.rate_changed()

    def _gray(self) -> int:
        return gray(self.counter.value() % (1 << self.BITS))

    def write_match_high(self, value: int) -> None:
        self.store(self.MATCH_HIGH, value & 0x3FF)
        target = binary(self.stored(self.MATCH_HIGH) << 32 | self.stored(self.MATCH_LOW))
        now = self.counter.value()
        wait = (target - now) % (1 << self.BITS)
        self.counter.call_at(now + wait, self._match)

    def _match(self) -> None:
        self.flag = self.FLAG
        self._update()

    def _update(self) -> None:
        self.interrupt(self.flag and self.enabled)

    def write_control(self, value: int) -> None:
        self.flag &= ~(value & self.FLAG)
        self.enabled = value & self.ENABLE
        self._update()

    READS = {
        LOW: lambda self: self._gray(),
        HIGH: lambda self: self._gray() >> 32,
        CONTROL: lambda self: self.flag | self.enabled,
    }
    WRITES = {MATCH_HIGH: write_match_high, CONTROL: write_control}


class MicroTick(RegisterFile):
    """UTICK: an interrupt after CTRL.DELAYVAL + 1 microseconds, once or repeatedly. Captures are storage."""

    event: Event | None
    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"clock"})
    CONTROL, STATUS = 0x00, 0x04
    REPEAT, FLAG, ACTIVE = 1 << 31, 1, 2
    RESET = {CONTROL: 0, 0x08: 0, 0x0C: 0, **dict.fromkeys(offsets(0x10, 4), 0)}

    def reset_state(self) -> None:
        self.event, self.flags = None, 0
        self.interrupt(False)

    def write_control(self, value: int) -> None:
        self.store(self.CONTROL, value)
        if self.event:
            self.event.cancel()
            self.event = None
        self.flags &= ~self.ACTIVE
        if value & ~self.REPEAT:
            self._wait()

    def _wait(self) -> None:
        periods = (self.stored(self.CONTROL) & ~self.REPEAT) + 1
        cycles = Fraction(periods * self.chip.core_hertz(), self.chip.clock_hertz(self.parameter("clock")))
        self.flags |= self.ACTIVE
        self.event = self.chip.at(self.chip.now() + -(-cycles.numerator // cycles.denominator), self._ended)

    def _ended(self) -> None:
        self.event = None
        self.flags = self.FLAG
        self.interrupt(True)
        if self.stored(self.CONTROL) & self.REPEAT:
            self._wait()

    def write_status(self, value: int) -> None:
        self.flags &= ~(value & self.FLAG)
        self.interrupt(self.flags & self.FLAG)

    READS = {STATUS: lambda self: self.flags}
    WRITES = {CONTROL: write_control, STATUS: write_status}


class WindowedWatchdog(RegisterFile):
    """WWDT: counts its clock divided by 4 down from TC; 0xAA, 0x55 to FEED start over. The window is not checked."""

    counter: TickCounter
    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"clock"})
    MOD, TC, FEED, TV = 0x00, 0x04, 0x08, 0x0C
    ENABLE, RESETS, TIMED_OUT = 1, 2, 4
    RESET = {MOD: 0, TC: 0xFF, 0x14: 0, 0x18: 0xFFFFFF}
    PRESCALER = 4

    def reset_state(self) -> None:
        if hasattr(self, "counter"):
            self.counter.stop()
            self.counter.cancel_all()
        self.counter = TickCounter(self.chip, self._rate)
        self.fed = False

    def _rate(self) -> Fraction:
        return Fraction(self.chip.clock_hertz(self.parameter("clock")), self.PRESCALER)

    def clock_changed(self) -> None:
        self.counter.rate_changed()

    def write_mode(self, value: int) -> None:
        kept = self.stored(self.MOD) & (self.ENABLE | self.RESETS)  # once set, only a reset clears them
        self.store(self.MOD, value & ~self.TIMED_OUT | kept)

    def write_feed(self, value: int) -> None:
        if self.fed and value & 0xFF == 0x55 and self.stored(self.MOD) & self.ENABLE:
            self.counter.set(0)
            self.counter.start()
            self.counter.call_at(self.stored(self.TC) + 1, self._expire)
        self.fed = value & 0xFF == 0xAA

    def _expire(self) -> None:
        self.registers[self.MOD] |= self.TIMED_OUT
        if self.stored(self.MOD) & self.RESETS:
            self.chip.reset("watchdog")
        else:
            self.interrupt(True)

    def read_value(self) -> int:
        return max(0, self.stored(self.TC) - self.counter.value()) if self.counter.running else 0xFF

    READS = {FEED: lambda self: 0, TV: read_value}
    WRITES = {MOD: write_mode, FEED: write_feed}

"""GPT, PIT, watchdogs and the real-time counters of i.MX RT1060.

Source: i.MX RT1060 Processor Reference Manual, rev. 3: GPT chapter 52, PIT 53, SNVS 20, WDOG 57, RTWDOG 58.
"""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import ClassVar

from mcusim.machine.peripheral import Event
from mcusim.machine.peripherals.register_file import RegisterFile, offsets
from mcusim.machine.peripherals.tick_counter import TickCounter

WORD = 1 << 32


class GeneralTimer(RegisterFile):
    """GPT: 32 bits up, three compares, restart or free run. Capture inputs are not modelled."""

    counter: TickCounter
    PARAMETERS: ClassVar[frozenset[str]] = frozenset()
    CR, PR, SR, IR, OCR1, CNT = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x24
    ENABLE, RESTART_ON_ENABLE, FREE_RUN, RESET_BIT = 1 << 0, 1 << 1, 1 << 9, 1 << 15
    ROLL_OVER = 1 << 5
    SOURCES = ("", "ipg", "perclk", "", "lpo", "osc")
    COMPARES = tuple(offsets(OCR1, 3))
    RESET = {CR: 0, PR: 0, IR: 0, **dict.fromkeys(COMPARES, WORD - 1), 0x1C: 0, 0x20: 0}

    def reset_state(self) -> None:
        if hasattr(self, "counter"):
            self.counter.stop()
            self.counter.cancel_all()
        self.counter = TickCounter(self.chip, self._rate)
        self.status = 0
        self.interrupt(False)

    def _rate(self) -> Fraction:
        control = self.stored(self.CR)
        source = (*self.SOURCES, "", "")[control >> 6 & 7]
        prescaler = (self.stored(self.PR) & 0xFFF) + 1
        if source == "osc":
            prescaler *= (self.stored(self.PR) >> 12 & 0xF) + 1
        return Fraction(self.chip.clock_hertz(source), prescaler) if source else Fraction(0)

    def clock_changed(self) -> None:
        self.counter.rate_changed()

    def _period(self) -> int:
        free = self.stored(self.CR) & self.FREE_RUN
        return WORD if free else (self.stored(self.OCR1) + 1) & (WORD - 1) or WORD

    def count(self) -> int:
        return self.counter.value() % self._period() if self._period() != WORD else self.counter.value() % WORD

    def _arm(self) -> None:
        now, period = self.counter.value(), self._period()
        for index, offset in enumerate(self.COMPARES):
            target = self.stored(offset)
            if target < period:
                wait = (target - now - 1) % period + 1
                self.counter.call_at(now + wait, partial(self._reached, 1 << index), index)
        if period == WORD:
            self.counter.call_at((now // WORD + 1) * WORD, lambda: self._reached(self.ROLL_OVER), 3)

    def _reached(self, flag: int) -> None:
        self.status |= flag
        self._update()
        self._arm()

    def _update(self) -> None:
        self.interrupt(self.status & self.stored(self.IR) & 0x3F)

    def write_control(self, value: int) -> None:
        if value & self.RESET_BIT:
            self.reset_registers()
            self.registers[self.CR] = value & 0x07FF
            return
        was = self.stored(self.CR) & self.ENABLE
        self.store(self.CR, value & ~self.RESET_BIT)
        if value & self.ENABLE and not was:
            if value & self.RESTART_ON_ENABLE:
                self.counter.set(0)
            self.counter.start()
        elif not value & self.ENABLE:
            self.counter.stop()
        self.counter.rate_changed()
        self._arm()

    def write_compare(self, offset: int, value: int) -> None:
        if offset == self.OCR1 and not self.stored(self.CR) & self.FREE_RUN:
            self.counter.set(0)  # 52.7.1.1: writing OCR1 in restart mode resets the counter
        self.store(offset, value)
        self._arm()

    def write_status(self, value: int) -> None:
        self.status &= ~value
        self._update()

    def write_enables(self, value: int) -> None:
        self.store(self.IR, value & 0x3F)
        self._update()

    def write_prescaler(self, value: int) -> None:
        self.store(self.PR, value)
        self.counter.rate_changed()

    def write_register(self, offset: int, value: int) -> None:
        if offset in self.COMPARES:
            self.write_compare(offset, value)
        else:
            super().write_register(offset, value)

    READS = {SR: lambda self: self.status, CNT: count}
    WRITES = {CR: write_control, PR: write_prescaler, SR: write_status, IR: write_enables}


class PeriodicTimer(RegisterFile):
    """PIT: four channels count down from LDVAL and start over; a channel may count the end of the one before (CHN)."""

    PARAMETERS: ClassVar[frozenset[str]] = frozenset()
    MCR, LIFETIME_HIGH, LIFETIME_LOW, CHANNEL = 0x00, 0xE0, 0xE4, 0x100
    LOAD, VALUE, CONTROL, FLAG = 0, 4, 8, 12
    CHANNELS = 4
    DISABLED = 2
    RESET = {MCR: 6, **dict.fromkeys(range(CHANNEL, CHANNEL + 16 * CHANNELS, 4), 0)}

    def reset_state(self) -> None:
        for counter in getattr(self, "counters", ()):
            counter.stop()
            counter.cancel_all()
        self.counters = [TickCounter(self.chip, partial(self._rate, index)) for index in range(self.CHANNELS)]
        self.flags = 0
        self.latched = 0
        self.interrupt(False)

    def _register(self, index: int, name: int) -> int:
        return self.stored(self.CHANNEL + 16 * index + name)

    def _period(self, index: int) -> int:
        return self._register(index, self.LOAD) + 1

    def _rate(self, index: int) -> Fraction:
        if self.stored(self.MCR) & self.DISABLED:
            return Fraction(0)
        chained = index and self._register(index, self.CONTROL) & 4
        return self._rate(index - 1) / self._period(index - 1) if chained else Fraction(self.chip.clock_hertz("perclk"))

    def clock_changed(self) -> None:
        for counter in self.counters:
            counter.rate_changed()

    def value(self, index: int) -> int:
        """CVAL: what is left of the period."""
        period = self._period(index)
        return period - 1 - self.counters[index].value() % period

    def _arm(self, index: int) -> None:
        counter, period = self.counters[index], self._period(index)
        counter.call_at((counter.value() // period + 1) * period, lambda: self._ended(index))

    def _ended(self, index: int) -> None:
        self.flags |= 1 << index
        self._update()
        self._arm(index)

    def _update(self) -> None:
        enabled = sum(1 << index for index in range(self.CHANNELS) if self._register(index, self.CONTROL) & 2)
        self.interrupt(self.flags & enabled)

    def read_register(self, offset: int) -> int:
        index, name = divmod(offset - self.CHANNEL, 16)
        if offset < self.CHANNEL or index >= self.CHANNELS:
            return super().read_register(offset)
        if name == self.VALUE:
            return self.value(index)
        return self.flags >> index & 1 if name == self.FLAG else self._register(index, name)

    def write_register(self, offset: int, value: int) -> None:
        index, name = divmod(offset - self.CHANNEL, 16)
        if offset < self.CHANNEL or index >= self.CHANNELS:
            super().write_register(offset, value)
        elif name == self.FLAG:
            self.flags &= ~(1 << index) if value & 1 else WORD - 1
        else:
            self._write_channel(index, name, value)
        self._update()

    def _write_channel(self, index: int, name: int, value: int) -> None:
        old = self._register(index, name)
        if name != self.VALUE:
            self.registers[self.CHANNEL + 16 * index + name] = value
        counter = self.counters[index]
        if name == self.CONTROL and value & 1 and not old & 1:
            counter.set(0)
            counter.start()
        elif name == self.CONTROL and not value & 1:
            counter.stop()
            counter.cancel()
        self.clock_changed()
        if self._register(index, self.CONTROL) & 1:
            self._arm(index)

    def write_control(self, value: int) -> None:
        self.store(self.MCR, value & 7)
        self.clock_changed()

    def read_lifetime(self) -> int:
        """LTMR64H: latches channel 0 and gives channel 1 (53.5.1)."""
        self.latched = self.value(0)
        return self.value(1)

    READS = {LIFETIME_HIGH: read_lifetime, LIFETIME_LOW: lambda self: self.latched}
    WRITES = {MCR: write_control}


class SecureStorage(RegisterFile):
    """SNVS: the two 47-bit counters of 32768 Hz. Alarms, tampering and keys are storage."""

    PARAMETERS: ClassVar[frozenset[str]] = frozenset()
    HPCR, HP_HIGH, HP_LOW, LPCR, LP_HIGH, LP_LOW = 0x08, 0x24, 0x28, 0x38, 0x50, 0x54
    HP_ENABLE, HP_COPY, LP_ENABLE = 1 << 0, 1 << 16, 1 << 0
    RESET = {
        **dict.fromkeys(range(0x00, 0x110, 4), 0),
        0x14: 0x80003000, 0x18: 0x80000000, LPCR: 0x20, 0x4C: 8, 0xBF8: 0x003E0104, 0xBFC: 0x06000000,
    }  # fmt: skip

    def reset_state(self) -> None:
        if not hasattr(self, "low_power"):
            self.low_power = TickCounter(self.chip, lambda: 32768)
        self.high_power = TickCounter(self.chip, lambda: 32768)

    def clock_changed(self) -> None:
        self.low_power.rate_changed()
        self.high_power.rate_changed()

    @staticmethod
    def _switch(counter: TickCounter, on: int) -> None:
        (counter.start if on else counter.stop)()

    def write_high_power(self, value: int) -> None:
        if value & self.HP_COPY:
            self.high_power.set(self.low_power.value())
        self.store(self.HPCR, value & ~self.HP_COPY)
        self._switch(self.high_power, value & self.HP_ENABLE)

    def write_low_power(self, value: int) -> None:
        self.store(self.LPCR, value)
        self._switch(self.low_power, value & self.LP_ENABLE)

    def write_low_power_low(self, value: int) -> None:
        self.low_power.set(self.low_power.value() >> 32 << 32 | value)

    def write_low_power_high(self, value: int) -> None:
        self.low_power.set(value << 32 | self.low_power.value() & (WORD - 1))

    READS = {
        HP_HIGH: lambda self: self.high_power.value() >> 32,
        HP_LOW: lambda self: self.high_power.value(),
        LP_HIGH: lambda self: self.low_power.value() >> 32,
        LP_LOW: lambda self: self.low_power.value(),
    }
    WRITES = {
        HPCR: write_high_power,
        LPCR: write_low_power,
        LP_HIGH: write_low_power_high,
        LP_LOW: write_low_power_low,
        HP_HIGH: lambda self, value: self.high_power.set(value << 32 | self.high_power.value() & (WORD - 1)),
        HP_LOW: lambda self, value: self.high_power.set(self.high_power.value() >> 32 << 32 | value),
    }


class Watchdog(RegisterFile):
    """WDOG1, WDOG2 (16-bit registers): (WT + 1) / 2 seconds until the reset; 0x5555, 0xAAAA to WSR start over.

    The power-down counter is not modelled: the reset that it makes only matters to programs that run for 16 seconds.
    """

    event: Event | None
    PARAMETERS: ClassVar[frozenset[str]] = frozenset()
    WCR, WSR = 0, 2
    ENABLE, SOFTWARE_RESET_N = 1 << 2, 1 << 4

    def reset_state(self) -> None:
        self.halves = {0: 0x30, 2: 0, 4: 0, 6: 4, 8: 1}
        self.event, self.armed = None, False

    def read(self, offset: int, size: int) -> int:
        return self.halves.get(offset & ~1, 0)

    def write(self, offset: int, size: int, value: int) -> None:
        offset &= ~1
        if offset == self.WSR:
            if value == 0xAAAA and self.armed:
                self._start()
            self.armed = value == 0x5555
        self.halves[offset] = value & 0xFFFF
        if offset == self.WCR:
            self._control(value)

    def _control(self, value: int) -> None:
        if not value & self.SOFTWARE_RESET_N:
            self.chip.reset("watchdog")
        elif value & self.ENABLE and not self.event:
            self._start()

    def _start(self) -> None:
        if self.event:
            self.event.cancel()
        half_seconds = (self.halves[self.WCR] >> 8 & 0xFF) + 1
        self.event = self.chip.at(
            self.chip.now() + half_seconds * self.chip.core_hertz() // 2, lambda: self.chip.reset("watchdog")
        )


class RefreshWatchdog(RegisterFile):
    """RTWDOG: TOVAL periods of its clock until the reset; two words to CNT refresh it or unlock its registers.

    It is off here until the program enables it: the state in which the boot ROM leaves it is not documented.
    """

    event: Event | None
    PARAMETERS: ClassVar[frozenset[str]] = frozenset()
    CS, CNT, TOVAL, WIN = 0x0, 0x4, 0x8, 0xC
    UNLOCK, REFRESH = 0xD928C520, 0xB480A602
    ENABLE, UNLOCKED, RECONFIGURED = 1 << 7, 1 << 11, 1 << 10
    RESET = {CS: 0x2900, TOVAL: 0x400, WIN: 0}
    CLOCKS = ("ipg", "lpo", "lpo", "ipg")

    def reset_state(self) -> None:
        self.event = None

    def write_control(self, value: int) -> None:
        self.store(self.CS, value & ~self.UNLOCKED | self.RECONFIGURED)
        self._restart()

    def write_count(self, value: int) -> None:
        if value == self.UNLOCK:
            self.registers[self.CS] |= self.UNLOCKED
        elif value == self.REFRESH:
            self._restart()

    def _restart(self) -> None:
        if self.event:
            self.event.cancel()
            self.event = None
        control = self.stored(self.CS)
        if control & self.ENABLE:
            hertz = self.chip.clock_hertz(self.CLOCKS[control >> 8 & 3])
            periods = (self.stored(self.TOVAL) & 0xFFFF) * (256 if control >> 12 & 1 else 1)
            cycles = -(-periods * self.chip.core_hertz() // hertz)
            self.event = self.chip.at(self.chip.now() + cycles, lambda: self.chip.reset("watchdog"))

    READS = {CNT: lambda self: 0}
    WRITES = {CS: write_control, CNT: write_count}

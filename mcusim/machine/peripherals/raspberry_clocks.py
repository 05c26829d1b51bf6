"""Clocks of RP2040 and RP2350: oscillators, PLLs, clock generators, ticks, watchdog.

Sources: RP2040 Datasheet 2.15-2.18, 4.7; RP2350 Datasheet 8.1-8.6, 12.9; register headers of the Pico SDK 2.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from mcusim.errors import BoardError, UnsupportedError
from mcusim.machine.peripherals.raspberry import RaspberryRegisters
from mcusim.machine.peripherals.register_file import offsets
from mcusim.machine.peripherals.tick_counter import TickCounter


def cycles_of(seconds: Fraction, core_hertz: int) -> int:
    """Core cycles that ``seconds`` take, rounded up."""
    cycles = seconds * core_hertz
    return -(-cycles.numerator // cycles.denominator)


class ClockSource(RaspberryRegisters):
    """A block whose output frequency the clock generators use; ``hertz`` is its present rate."""

    def hertz(self) -> int:
        raise NotImplementedError

    def changed(self) -> None:
        self.chip.peripheral("clocks").update()

    def wait(self, seconds: Fraction) -> int:
        """Core cycle at which something that takes ``seconds`` from now is done."""
        return self.chip.now() + cycles_of(seconds, self.chip.core_hertz())


class CrystalOscillator(ClockSource):
    """XOSC (2.16): stable STARTUP * 256 crystal periods after it was enabled. Parameters: ``hertz`` of the board's
    crystal, ``count_offset`` of COUNT."""

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"hertz", "count_offset"})

    ENABLE, DISABLE = 0xFAB, 0xD1E
    STARTUP = 0x0C

    def reset_state(self) -> None:
        self.count = self.parameter("count_offset", 0x1C)
        self.registers |= {0x0: 0, 0x8: 0, self.STARTUP: 0xC4}
        self.enabled, self.stable_at, self.counted_to = False, 0, 0

    def stable(self) -> bool:
        return self.enabled and self.chip.now() >= self.stable_at

    def hertz(self) -> int:
        return self.parameter("hertz") if self.enabled else 0

    def read_register(self, offset: int) -> int:
        if offset == 0x4:
            return self.stable() << 31 | self.enabled << 12
        if offset == self.count:
            left = Fraction(max(0, self.counted_to - self.chip.now()) * self.parameter("hertz"), self.chip.core_hertz())
            return -(-left.numerator // left.denominator)
        return super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        if offset == self.count:
            self.counted_to = self.wait(Fraction(value, self.parameter("hertz")))
        elif offset != 0x4:
            super().write_register(offset, value)
        if offset == 0x0:
            self._switch(value >> 12 & 0xFFF)

    def _switch(self, code: int) -> None:
        if code == self.ENABLE and not self.enabled:
            self.enabled = True
            periods = (self.stored(self.STARTUP) & 0x3FFF) * 256
            self.stable_at = self.wait(Fraction(periods, self.parameter("hertz")))
        elif code == self.DISABLE:
            self.enabled = False
        self.changed()


class RingOscillator(ClockSource):
    """ROSC (2.17): a nominal frequency times its reset divider over the programmed one.

    Parameters: ``hertz`` nominal, ``divider`` at reset, ``layout``.

    Drive strengths (FREQA, FREQB) and the frequency range field do not change the rate here, and silicon spreads widely.
    RANDOMBIT is a fixed pseudo-random sequence: runs repeat exactly.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"hertz", "layout", "divider"})

    PASS = 0xAA0

    def reset_state(self) -> None:
        layout = self.parameter("layout", "rp2040")
        self.div, self.status, self.random = {"rp2040": (0x10, 0x18, 0x1C), "rp2350": (0x14, 0x1C, 0x20)}[layout]
        self.registers |= {0x0: 0xAA0, 0x4: 0, 0x8: 0, 0xC: 0, self.div: self.PASS + self.parameter("divider")}
        self.state = 0x1234567

    def divider(self) -> int:
        field = self.stored(self.div) - self.PASS
        return field if 1 <= field <= 31 else 32

    def hertz(self) -> int:
        return self.parameter("hertz") * self.parameter("divider") // self.divider()

    def read_register(self, offset: int) -> int:
        if offset == self.status:
            return 1 << 31 | 1 << 12
        if offset == self.random:
            self.state = (self.state * 1103515245 + 12345) & 0x7FFFFFFF
            return self.state >> 16 & 1
        return super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        super().write_register(offset, value)
        if offset == self.div:
            self.changed()


class Pll(ClockSource):
    """PLL (2.18): reference / REFDIV * FBDIV / (POSTDIV1 * POSTDIV2).

    LOCK rises ``lock_microseconds`` after power-up (parameter; the datasheet gives no figure).
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"lock_microseconds"})

    RESET = {0x0: 1, 0x4: 0x2D, 0x8: 0, 0xC: 0x77000}
    WRITABLE = {0x0: 0x13F, 0x4: 0x2D, 0x8: 0xFFF, 0xC: 0x77000}
    POWER_DOWN, POST_DOWN, VCO_DOWN = 1, 8, 0x20

    def reset_state(self) -> None:
        self.lock_at: int | None = None

    def powered(self) -> bool:
        return not self.stored(0x4) & (self.POWER_DOWN | self.VCO_DOWN)

    def locked(self) -> bool:
        return self.lock_at is not None and self.chip.now() >= self.lock_at

    def vco_hertz(self) -> Fraction:
        reference = self.chip.peripheral("xosc").hertz()
        return Fraction(reference * (self.stored(0x8) & 0xFFF), max(1, self.stored(0x0) & 0x3F))

    def hertz(self) -> int:
        if self.stored(0x0) >> 8 & 1:
            return self.chip.peripheral("xosc").hertz()
        first, second = self.stored(0xC) >> 16 & 7, self.stored(0xC) >> 12 & 7
        if not self.powered() or self.stored(0x4) & self.POST_DOWN or not first or not second:
            return 0
        return int(self.vco_hertz() / (first * second))

    def read_status(self) -> int:
        return self.locked() << 31 | self.stored(0x0)

    def write_register(self, offset: int, value: int) -> None:
        was = self.powered()
        self.store(offset, value)
        if not self.powered():
            self.lock_at = None
        elif not was or offset == 0x8:
            self.lock_at = self.wait(Fraction(self.parameter("lock_microseconds", 30), 1_000_000))
        self.changed()

    READS = {0x0: read_status}


@dataclass(frozen=True, slots=True)
class Generator:
    """One clock generator: its CTRL offset, sources by number, and where its divider has the integer part.

    ``glitchless`` sources are chosen by SRC (``"aux"`` stands for the second mux), ``auxiliary`` ones by AUXSRC; a
    generator without glitchless sources has an enable bit.
    """

    control: int
    auxiliary: tuple[str, ...]
    glitchless: tuple[str, ...] = ()
    divider: int = 0
    integer_bit: int = 8


PINS = ("gpin0", "gpin1")
FROM_USB = ("pll_usb", "pll_sys", "rosc", "xosc", *PINS)
FROM_SYS = ("pll_sys", "pll_usb", "rosc", "xosc", *PINS)
GENERATORS = {
    # Datasheet 2.15.7, CLK_*_CTRL
    "rp2040": {
        "clk_gpout0": Generator(0x00, ("pll_sys", *PINS, "pll_usb", "rosc", "xosc", "clk_sys"), divider=0x04),
        "clk_ref": Generator(0x30, ("pll_usb", *PINS), ("rosc", "aux", "xosc"), 0x34),
        "clk_sys": Generator(0x3C, FROM_SYS, ("clk_ref", "aux"), 0x40),
        "clk_peri": Generator(0x48, ("clk_sys", *FROM_SYS)),
        "clk_usb": Generator(0x54, FROM_USB, divider=0x58),
        "clk_adc": Generator(0x60, FROM_USB, divider=0x64),
        "clk_rtc": Generator(0x6C, FROM_USB, divider=0x70),
    },
    # RP2350 datasheet 8.1.7
    "rp2350": {
        "clk_ref": Generator(0x30, ("pll_usb", *PINS), ("rosc", "aux", "xosc", "lposc"), 0x34, 16),
        "clk_sys": Generator(0x3C, FROM_SYS, ("clk_ref", "aux"), 0x40, 16),
        "clk_peri": Generator(0x48, ("clk_sys", *FROM_SYS), divider=0x4C, integer_bit=16),
        "clk_hstx": Generator(0x54, ("clk_sys", "pll_sys", "pll_usb", *PINS), divider=0x58, integer_bit=16),
        "clk_usb": Generator(0x60, FROM_USB, divider=0x64, integer_bit=16),
        "clk_adc": Generator(0x6C, FROM_USB, divider=0x70, integer_bit=16),
    },
}
# First register behind the generators: CLK_SYS_RESUS_CTRL.
RESUS = {"rp2040": 0x78, "rp2350": 0x84}
# FC0_SRC numbers (2.15.6.2).
COUNTED = {
    "rp2040": {1: "pll_sys", 2: "pll_usb", 3: "rosc", 5: "xosc", 8: "clk_ref", 9: "clk_sys", 10: "clk_peri", 11: "clk_usb",
               12: "clk_adc", 13: "clk_rtc"},
    "rp2350": {1: "pll_sys", 2: "pll_usb", 3: "rosc", 5: "xosc", 8: "clk_ref", 9: "clk_sys", 10: "clk_peri", 11: "clk_usb",
               12: "clk_adc", 13: "clk_hstx", 14: "lposc"},
}  # fmt: skip
SOURCES = ("xosc", "rosc", "pll_sys", "pll_usb")


class Clocks(RaspberryRegisters):
    """CLOCKS (2.15): generators with muxes and dividers, frequency counter; clk_sys is the core clock.

    Parameters: ``layout`` ``"rp2040"`` or ``"rp2350"``, ``ticks`` name of the peripheral that makes the ticks. A mux switches
    at once; a stopped source gives a rate of 0. A stopped clk_sys is resuscitated at once where RESUS_CTRL says so, else it
    ends the run with UnsupportedError. Clock gating (WAKE_EN, SLEEP_EN) is storage.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"layout", "ticks"})

    ENABLE = 1 << 11
    RESUSCITATE, FORCE, CLEAR = 1 << 8, 1 << 12, 1 << 16

    def reset_state(self) -> None:
        layout = self.parameter("layout")
        self.generators = GENERATORS[layout]
        self.resus = RESUS[layout]
        self.registers |= dict.fromkeys(offsets(0, self.resus // 4), 0)
        self.registers |= {g.divider: 1 << g.integer_bit for g in self.generators.values() if g.divider}
        # RESUS_CTRL, RESUS_STATUS, FC0_REF_KHZ, MIN, MAX, DELAY, INTERVAL, SRC
        values = (0xFF, 0, 0, 0, 0x1FFFFFF, 1, 8, 0)
        self.registers |= {self.resus + 4 * i: value for i, value in enumerate(values)}
        self.registers |= {self.resus + 0x28 + 4 * i: 0xFFFFFFFF for i in range(6)}  # WAKE_EN, SLEEP_EN, ENABLED
        self.registers |= {self.resus + 0x44: 0, self.resus + 0x48: 0}
        self.selected = {g.control + 8: g for g in self.generators.values()}
        self.result, self.done_at = 0, 0

    def clock_hertz(self, name: str) -> int:
        """Rate of a clock of the tree: a generator, an oscillator, a PLL, or a tick (``"tick_timer0"`` ...)."""
        if name in self.generators:
            return self._generated(self.generators[name])
        if name in SOURCES:
            return self.chip.peripheral(name).hertz()
        if name.startswith("tick"):
            return self.chip.peripheral(self.parameter("ticks")).tick_hertz(name)
        rates = {"core": self.chip.core_hertz(), "gpin0": 0, "gpin1": 0, "lposc": 32768}
        if name not in rates:
            raise BoardError(f"{self.spec.name}: no clock {name!r}; there are {', '.join([*self.generators, *SOURCES])}")
        return rates[name]

    def update(self) -> None:
        """Derive the core clock again, and tell those that run from the other clocks."""
        hertz = self.clock_hertz("clk_sys")
        if not hertz:
            self._resuscitate()
            hertz = self.clock_hertz("clk_sys")
        if not hertz:
            raise UnsupportedError(f"{self.spec.name}: the program stops its own clock clk_sys; nothing could start it again")
        self.chip.set_core_hertz(hertz)

    def _resuscitate(self) -> None:
        """clk_sys goes to clk_ref (2.15.5)."""
        if self.stored(self.resus) & (self.RESUSCITATE | self.FORCE):
            self.registers[self.generators["clk_sys"].control] &= ~3
            self.registers[self.resus + 4] = 1
            self._interrupt()

    def _interrupt(self) -> None:
        raw = self.stored(self.resus + 4) | self.stored(self.resus + 0x48)
        self.interrupt(raw & self.stored(self.resus + 0x44))

    def read_register(self, offset: int) -> int:
        if offset in self.selected:
            generator = self.selected[offset]
            return 1 << self._source(generator) if generator.glitchless else 1
        if offset == self.resus + 0x20:
            return (self.chip.now() >= self.done_at) << 4
        if offset == self.resus + 0x24:
            return self.result
        if offset in (self.resus + 0x40, self.resus + 0x4C):
            mask = self.stored(self.resus + 0x44) if offset == self.resus + 0x4C else 1
            return (self.stored(self.resus + 4) | self.stored(self.resus + 0x48)) & mask
        return super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        super().write_register(offset, value)
        if offset == self.resus + 0x1C:
            self._count(value)
        if offset == self.resus:
            self.registers[self.resus + 4] &= ~(value & self.CLEAR) >> 16
            if value & self.FORCE:
                self._resuscitate()
        if offset <= self.resus:
            self.update()
        self._interrupt()

    def _source(self, generator: Generator) -> int:
        return self.stored(generator.control) & 3

    def _generated(self, generator: Generator) -> int:
        control = self.stored(generator.control)
        name = generator.glitchless[control & 3] if generator.glitchless else "aux"
        if name == "aux":
            name = (*generator.auxiliary, *["gpin0"] * 16)[control >> 5 & 0xF]
        if not generator.glitchless and not control & self.ENABLE:
            return 0
        return int(self.clock_hertz(name) / self._divider(generator))

    def _divider(self, generator: Generator) -> Fraction:
        if not generator.divider:
            return Fraction(1)
        field, unit = self.stored(generator.divider), 1 << generator.integer_bit
        whole = field if field >= unit else field + (1 << 32)
        return Fraction(whole, unit)

    def _count(self, source: int) -> None:
        name = COUNTED[self.parameter("layout")].get(source & 0xFF)
        self.result = (self.clock_hertz(name) * 32 // 1000) if name else 0
        # FC0_INTERVAL: 0.98 us * 2^interval.
        seconds = Fraction(98, 100_000_000) * (1 << (self.stored(self.resus + 0x18) & 0xF))
        self.done_at = self.chip.now() + cycles_of(seconds, self.chip.core_hertz())


class Watchdog(RaspberryRegisters):
    """WATCHDOG (4.7) with the scratch registers, and on RP2040 the tick generator for timer, watchdog and SysTick.

    Parameter ``decrement``: counts per tick (RP2040-E1: 2, RP2350: 1). The scratch registers survive a reset.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"decrement"})

    RESET = {0x0: 0x7000000, 0x4: 0, 0x2C: 0x200}
    TRIGGER, ENABLE = 1 << 31, 1 << 30
    SCRATCH = tuple(offsets(0x0C, 8))

    def reset_state(self) -> None:
        self.scratch: dict[int, int] = getattr(self, "scratch", dict.fromkeys(self.SCRATCH, 0))
        self.reason = getattr(self, "reason", 0)
        self.registers |= self.scratch
        self.counter = TickCounter(self.chip, self._rate)

    def tick_hertz(self, name: str = "") -> int:
        """Rate of the one tick of RP2040: clk_ref divided by CYCLES."""
        tick = self.stored(0x2C)
        cycles = tick & 0x1FF
        return self.chip.clock_hertz("clk_ref") // cycles if tick >> 9 & 1 and cycles else 0

    def clock_changed(self) -> None:
        self.counter.rate_changed()

    def _rate(self) -> int:
        return self.chip.clock_hertz("tick_watchdog") * self.parameter("decrement", 2)

    def read_control(self) -> int:
        left = max(0, (self.stored(0x4) & 0xFFFFFF) - self.counter.value()) if self.counter.running else 0
        return self.stored(0x0) & ~0xFFFFFF | left

    def write_control(self, value: int) -> None:
        self.registers[0x0] = value & 0x47000000
        if value & self.TRIGGER:
            self._expire(2)
        elif value & self.ENABLE:
            self.counter.start()
            self.write_load(self.stored(0x4))
        else:
            self.counter.stop()
            self.counter.cancel_all()

    def write_load(self, value: int) -> None:
        self.registers[0x4] = value & 0xFFFFFF
        self.counter.set(0)
        if self.counter.running:
            self.counter.call_at(value & 0xFFFFFF, lambda: self._expire(1))

    def _expire(self, reason: int) -> None:
        self.reason = reason
        self.scratch = {offset: self.stored(offset) for offset in self.SCRATCH}
        self.chip.reset("watchdog")

    def read_reason(self) -> int:
        return self.reason

    def read_tick(self) -> int:
        tick = self.stored(0x2C) & 0x3FF
        return tick | (tick >> 9 & 1) << 10

    def write_tick(self, value: int) -> None:
        self.registers[0x2C] = value & 0x3FF
        self.chip.peripheral("clocks").update()

    def write_register(self, offset: int, value: int) -> None:
        super().write_register(offset, value)
        if offset in self.scratch:
            self.scratch[offset] = value

    READS = {0x0: read_control, 0x8: read_reason, 0x2C: read_tick}
    WRITES = {0x0: write_control, 0x4: write_load, 0x2C: write_tick}


class Ticks(RaspberryRegisters):
    """TICKS of RP2350 (datasheet 8.5): six dividers of clk_ref. COUNT reads 0."""

    PARAMETERS: ClassVar[frozenset[str]] = frozenset()

    NAMES = ("tick_proc0", "tick_proc1", "tick_timer0", "tick_timer1", "tick_watchdog", "tick_riscv")
    RUNNING = 2

    def reset_state(self) -> None:
        self.registers |= {12 * i + offset: 0 for i in range(6) for offset in (0, 4, 8)}

    def tick_hertz(self, name: str) -> int:
        base = 12 * self.NAMES.index(name)
        cycles = self.stored(base + 4) & 0x1FF
        return self.chip.clock_hertz("clk_ref") // cycles if self.stored(base) & 1 and cycles else 0

    def read_register(self, offset: int) -> int:
        value = super().read_register(offset)
        return value | (value & 1) * self.RUNNING if offset % 12 == 0 else value

    def write_register(self, offset: int, value: int) -> None:
        super().write_register(offset, value & 0x1FF)
        self.chip.peripheral("clocks").update()

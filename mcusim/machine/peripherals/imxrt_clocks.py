"""Clocks of i.MX RT1060: analog PLLs (CCM_ANALOG), the clock tree (CCM), and the core clock derived from both.

Source: i.MX RT1060 Processor Reference Manual, rev. 3, chapter 14 (figure 14-2, registers 14.7, 14.8); lock times:
i.MX RT1060 data sheet IMXRT1060CEC, PLL electrical parameters (in periods of the 24 MHz oscillator).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from mcusim.errors import BoardError
from mcusim.machine.peripherals.imxrt import ViewedRegisters
from mcusim.machine.peripherals.register_file import RegisterFile

OSCILLATOR = 24_000_000
LOCK, BYPASS, ENABLE, POWER = 1 << 31, 1 << 16, 1 << 13, 1 << 12
PFD_NUMERATOR = 18


@dataclass(frozen=True, slots=True)
class Loop:
    """A PLL: its register, periods until it locks, its multiplier, and whether bit 12 powers it up (else down)."""

    offset: int
    lock_periods: int
    multiplier: Callable[[Analog], Fraction]
    power_up: bool = False


class Analog(ViewedRegisters):
    """CCM_ANALOG with PMU, TEMPMON and XTALOSC24M behind it: every register has set, clear and toggle views.

    The parameter ``reset`` holds what the boot ROM leaves. The temperature is constant; regulators are always in regulation.
    """

    # Registers without set, clear and toggle views: numerators and denominators, and everything from 0x1A0 to 0x1FF.
    PLAIN = frozenset((0x40, 0x50, 0x60, 0x80, 0x90, 0xB0, 0xC0))
    PFD_480, PFD_528 = 0xF0, 0x100
    RESET = {
        0x00: 0x13063, 0x10: 0x12000, 0x20: 0x12000, 0x30: 0x13001, 0x40: 0, 0x50: 0, 0x60: 0x12, 0x70: 0x11006,
        0x80: 0x05F5E100, 0x90: 0x2964619C, 0xA0: 0x1100C, 0xB0: 0x05F5E100, 0xC0: 0x10A24447, 0xE0: 0x11001,
        PFD_480: 0x1311100C, PFD_528: 0x1018101B, 0x110: 0x1073, 0x120: 0xF74, 0x130: 0x1073, 0x140: 0x482012,
        0x150: 0x04000000, 0x160: 0, 0x170: 0x272727, 0x180: 1, 0x190: 1, 0x1A0: 0x00100004, 0x1B0: 0, 0x1C0: 0, 0x1D0: 0,
        0x1F0: 0, 0x200: 0x00100004, 0x210: 0, 0x220: 0, 0x230: 0, 0x250: 0, 0x260: 0x00640000,
        0x270: 0x4001, 0x290: 0, 0x2A0: 0x1020, 0x2B0: 0x2EE, 0x2C0: 0x102E2,
    }  # fmt: skip
    TEMPERATURE, FINISHED, COUNT = 0x180, 1 << 2, 0x5F0 << 8
    REGULATORS = (0x110, 0x120, 0x130)
    REGULATED = 1 << 17

    def reset_state(self) -> None:
        self.locked_at: dict[int, int] = {}
        self.registers = {offset: value & ~LOCK for offset, value in self.registers.items()}
        for loop in LOOPS.values():
            if self._powered(loop):
                self.locked_at[loop.offset] = 0

    def read_register(self, offset: int) -> int:
        register = offset & ~0xF
        value = super().read_register(offset)
        if register in self.locked_at:
            value |= LOCK * (self.chip.now() >= self.locked_at[register])
        if register == self.TEMPERATURE and not value & 1:
            value |= self.FINISHED | self.COUNT
        if register in self.REGULATORS:
            value |= self.REGULATED
        return value

    def write_register(self, offset: int, value: int) -> None:
        was = {name: self._powered(loop) for name, loop in LOOPS.items()}
        super().write_register(offset, value & ~LOCK)
        for name, loop in LOOPS.items():
            if loop.offset == offset:
                self._follow_power(loop, was[name])
        self.chip.peripheral("ccm").update()

    def _powered(self, loop: Loop) -> bool:
        return bool(self.stored(loop.offset) & POWER) == loop.power_up

    def _follow_power(self, loop: Loop, was: bool) -> None:
        if not self._powered(loop):
            self.locked_at.pop(loop.offset, None)
        elif not was:
            wait = -(-loop.lock_periods * self.chip.core_hertz() // OSCILLATOR)
            self.locked_at[loop.offset] = self.chip.now() + wait

    def pll_hertz(self, name: str) -> Fraction:
        """Output of a PLL: its multiple of 24 MHz, 24 MHz in bypass, 0 while it is off."""
        loop = LOOPS[name]
        value = self.stored(loop.offset)
        if not value & ENABLE:
            return Fraction(0)
        if value & BYPASS:
            return Fraction(OSCILLATOR)
        return OSCILLATOR * loop.multiplier(self) if self._powered(loop) else Fraction(0)

    def pfd_hertz(self, name: str, index: int) -> Fraction:
        """Output ``index`` of the phase fractional dividers of ``"pll2"`` or ``"pll3"``."""
        field = self.stored(self.PFD_528 if name == "pll2" else self.PFD_480) >> (8 * index)
        fraction = field & 0x3F
        return self.pll_hertz(name) * PFD_NUMERATOR / fraction if fraction and not field & 0x80 else Fraction(0)


def system_multiplier(analog: Analog) -> Fraction:
    """PLL2: 20 or 22, plus a fraction."""
    fraction = Fraction(analog.stored(0x50) & 0x3FFFFFFF, (analog.stored(0x60) & 0x3FFFFFFF) or 1)
    return (22 if analog.stored(0x30) & 1 else 20) + fraction


LOOPS: Mapping[str, Loop] = {
    "pll1": Loop(0x00, 2250, lambda analog: Fraction(analog.stored(0x00) & 0x7F, 2)),
    "pll2": Loop(0x30, 11250, system_multiplier),
    "pll3": Loop(0x10, 383, lambda analog: Fraction(22 if analog.stored(0x10) & 2 else 20), power_up=True),
    "pll7": Loop(0x20, 383, lambda analog: Fraction(22 if analog.stored(0x20) & 2 else 20), power_up=True),
    "pll4": Loop(0x70, 11250, lambda analog: Fraction(analog.stored(0x70) & 0x7F)),
    "pll5": Loop(0xA0, 11250, lambda analog: Fraction(analog.stored(0xA0) & 0x7F)),
    "pll6": Loop(0xE0, 11250, lambda analog: Fraction(125, 6)),  # 500 MHz
}


class ClockControl(RegisterFile):
    """CCM: multiplexers and dividers. Handshakes (CDHIPR) are done at once; clock gates are storage.

    Clocks: ``core`` (AHB_CLK_ROOT), ``ipg``, ``perclk`` (PIT, GPT), ``uart``, ``flexspi``, ``osc``, ``lpo``.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"analog"})
    CCR, CSR, CCSR, CACRR, CBCDR, CBCMR, CSCMR1, CSCMR2, CSCDR1 = (4 * index for index in (0, 2, 3, 4, 5, 6, 7, 8, 9))
    RESET = {
        CCR: 0x0401107F, CSR: 0x10, CCSR: 0x100, CACRR: 1, CBCDR: 0xA8300, CBCMR: 0x2DAE8324, CSCMR1: 0x04900000,
        CSCMR2: 0x13192F06, CSCDR1: 0x06490B00, 0x28: 0x0EC102C1, 0x2C: 0x007336C1, 0x30: 0x33F71F92, 0x38: 0x29150,
        0x3C: 0x30841, 0x48: 0, 0x54: 0x79, 0x58: 0, 0x5C: 0xFFFFFFFF, 0x60: 0xA0001, 0x64: 0xFE62,
        0x68: 0xFFFFFFFF, 0x6C: 0xFFFFFFFF, 0x70: 0xFC3FFFFF, 0x74: 0xFFFFFFCF, 0x78: 0xFFFFFFFF, 0x7C: 0xFFFFFFFF,
        0x80: 0xFFFFFFFF, 0x84: 0xFFFFFFFF, 0x88: 0xFFFFFFFF,
    }  # fmt: skip
    OSCILLATOR_READY = 1 << 5

    @property
    def analog(self) -> Any:
        return self.chip.peripheral(self.parameter("analog"))

    def field(self, offset: int, low: int, width: int = 1) -> int:
        return self.stored(offset) >> low & ((1 << width) - 1)

    def divider(self, offset: int, low: int, width: int) -> int:
        return self.field(offset, low, width) + 1

    def clock_hertz(self, name: str) -> int:
        """Rate of a named clock; BoardError for one that does not exist."""
        if name not in CLOCKS:
            raise BoardError(f"{self.spec.name}: no clock {name!r}; there are {', '.join(CLOCKS)}")
        return int(CLOCKS[name](self))

    def update(self) -> None:
        """Derive the core clock again."""
        self.chip.set_core_hertz(int(self.ahb_hertz()) or self.chip.core_hertz())

    def ahb_hertz(self) -> Fraction:
        """AHB_CLK_ROOT, which clocks the core."""
        source = self._peripheral_2() if self.field(self.CBCDR, 25) else self._pre_peripheral()
        return source / self.divider(self.CBCDR, 10, 3)

    def _pre_peripheral(self) -> Fraction:
        analog = self.analog
        choice = self.field(self.CBCMR, 18, 2)
        if choice == 3:
            return analog.pll_hertz("pll1") / self.divider(self.CACRR, 0, 3)
        return analog.pll_hertz("pll2") if not choice else analog.pfd_hertz("pll2", 2 if choice == 1 else 0)

    def _peripheral_2(self) -> Fraction:
        sources = (self.analog.pll_hertz("pll3"), Fraction(OSCILLATOR), Fraction(OSCILLATOR), Fraction(0))
        return sources[self.field(self.CBCMR, 12, 2)] / self.divider(self.CBCDR, 27, 3)

    def ipg_hertz(self) -> Fraction:
        return self.ahb_hertz() / self.divider(self.CBCDR, 8, 2)

    def perclk_hertz(self) -> Fraction:
        source = Fraction(OSCILLATOR) if self.field(self.CSCMR1, 6) else self.ipg_hertz()
        return source / self.divider(self.CSCMR1, 0, 6)

    def uart_hertz(self) -> Fraction:
        source = Fraction(OSCILLATOR) if self.field(self.CSCDR1, 6) else self.analog.pll_hertz("pll3") / 6
        return source / self.divider(self.CSCDR1, 0, 6)

    def flexspi_hertz(self) -> Fraction:
        analog = self.analog
        choice = self.field(self.CSCMR1, 29, 2)
        source = (self.ahb_hertz(), analog.pll_hertz("pll3"), analog.pfd_hertz("pll2", 2), analog.pfd_hertz("pll3", 0))[choice]
        return source / self.divider(self.CSCMR1, 23, 3)

    def read_status(self) -> int:
        return self.stored(self.CSR) | self.OSCILLATOR_READY

    def write_register(self, offset: int, value: int) -> None:
        super().write_register(offset, value)
        if offset in (self.CCSR, self.CACRR, self.CBCDR, self.CBCMR, self.CSCMR1, self.CSCDR1):
            self.update()

    READS = {CSR: read_status, 0x48: lambda self: 0}


CLOCKS: Mapping[str, Callable[[ClockControl], Fraction | int]] = {
    "core": ClockControl.ahb_hertz,
    "ipg": ClockControl.ipg_hertz,
    "perclk": ClockControl.perclk_hertz,
    "uart": ClockControl.uart_hertz,
    "flexspi": ClockControl.flexspi_hertz,
    "osc": lambda clocks: OSCILLATOR,
    "lpo": lambda clocks: 32768,
}

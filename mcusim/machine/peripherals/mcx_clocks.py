"""Clocks and flash of MCX N: SCG (oscillators, PLLs), SYSCON (multiplexers, dividers, cache control), FMU (wait states).

Source: MCX Nx4x Reference Manual (SCG, SYSCON, FMU chapters); register layout from NXP's PERI_*.h; clock equations as in
fsl_clock.c of the MCUXpresso SDK.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from mcusim.errors import BoardError
from mcusim.machine.peripherals.register_file import RegisterFile, offsets
from mcusim.machine.peripherals.stm32_flash import FlashTiming

VALID, SELECTED = 1 << 24, 1 << 25
FRO_12M, CLK_1M, CLK_16K, OSC_32K = 12_000_000, 1_000_000, 16_384, 32_768


@dataclass(frozen=True, slots=True)
class Pll:
    """Registers of APLL (PLL0) or SPLL (PLL1)."""

    control_status: int

    @property
    def control(self) -> int:
        return self.control_status + 0x04

    @property
    def predivider(self) -> int:
        return self.control_status + 0x0C

    @property
    def multiplier(self) -> int:
        return self.control_status + 0x10

    @property
    def postdivider(self) -> int:
        return self.control_status + 0x14

    @property
    def lock_time(self) -> int:
        return self.control_status + 0x18

    @property
    def spread(self) -> int:
        return self.control_status + 0x24


PLLS = {"pll0": Pll(0x500), "pll1": Pll(0x600)}
# Source numbers of RCCR.SCS and CSR.SCS.
MAIN = {1: "sosc", 2: "fro_12m", 3: "fro_hf", 4: "osc_32k", 5: "pll0", 6: "pll1"}
STATUS = {"sosc": 0x100, "fro_12m": 0x200, "fro_hf": 0x300, "osc_32k": 0x400, "pll0": 0x500, "pll1": 0x600}


class ClockGenerator(RegisterFile):
    """SCG: oscillators are valid at once when enabled, PLLs lock after their programmed lock time.

    Parameters: ``crystal`` of SOSC in hertz, ``syscon`` name of the peripheral with the dividers. Trims and clock monitors
    are storage.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"crystal", "syscon"})
    CSR, RCCR, FIRC_CONFIG, LDO = 0x10, 0x14, 0x308, 0x800
    RESET = {
        0x00: 0x01000000, 0x04: 0xFE, 0x08: 0, RCCR: 0x03000000, 0x100: 0, 0x108: 0, 0x200: 0x20, 0x20C: 0, 0x210: 0,
        0x300: 0x31, FIRC_CONFIG: 0, 0x30C: 0, 0x310: 0, 0x400: 0, LDO: 0x80000009,
        **{pll.control_status + offset: 0 for pll in PLLS.values() for offset in (0, 0x04, 0x0C, 0x10, 0x14, 0x20, 0x24, 0x28)},
        **{pll.lock_time: 0xDAC for pll in PLLS.values()},
    }  # fmt: skip
    POWERED, CLOCKED = 1, 2
    RANGE_144 = 1

    def reset_state(self) -> None:
        self.locked_at: dict[str, int] = {}

    def hertz(self, name: str) -> Fraction:
        """Rate of an oscillator or PLL; 0 while it is off."""
        if name in PLLS:
            return self._pll(name)
        rates = {
            "sosc": self.parameter("crystal") * (self.stored(0x100) & 1),
            "fro_12m": FRO_12M,
            "fro_hf": self._fro_hf() * (self.stored(0x300) & 1),
            "osc_32k": OSC_32K,
        }
        return Fraction(rates[name])

    def _fro_hf(self) -> int:
        return 144_000_000 if self.stored(self.FIRC_CONFIG) & self.RANGE_144 else 48_000_000

    def main_hertz(self) -> Fraction:
        """MAIN_CLK, before the AHB divider."""
        source = MAIN.get(self.stored(self.RCCR) >> 24 & 0xF)
        return self.hertz(source) if source else Fraction(0)

    def _pll_input(self, pll: Pll) -> Fraction:
        control = self.stored(pll.control)
        sources = (self.hertz("sosc"), Fraction(48_000_000), Fraction(OSC_32K), Fraction(0))
        divider = 1 if control >> 19 & 1 else self.stored(pll.predivider) & 0xFF
        return sources[control >> 25 & 3] / max(1, divider)

    def _pll(self, name: str) -> Fraction:
        pll = PLLS[name]
        wanted = self.POWERED | self.CLOCKED
        if self.stored(pll.control_status) & wanted != wanted:
            return Fraction(0)
        control = self.stored(pll.control)
        rate = self._pll_input(pll) * self._multiplier(pll)
        if control >> 20 & 1:  # post-divider bypassed
            return rate
        divider = (self.stored(pll.postdivider) & 0x1F) * (1 if control >> 16 & 1 else 2)
        return rate / (divider or 2)

    def _multiplier(self, pll: Pll) -> Fraction:
        spread = self.stored(pll.spread + 4)
        if spread >> 11 & 1:  # SEL_SS_MDIV: 33 bits, 25 of them behind the point
            return Fraction((spread & 1) << 32 | self.stored(pll.spread), 1 << 25)
        return Fraction(self.stored(pll.multiplier) & 0xFFFF)

    def _lock(self, name: str) -> None:
        pll = PLLS[name]
        if not self.stored(pll.control_status) & self.POWERED:
            self.locked_at.pop(name, None)
        elif name not in self.locked_at:
            rate = self._pll_input(pll)
            periods = self.stored(pll.lock_time) & 0x1FFFF
            cycles = periods * self.chip.core_hertz() / rate if rate else 0
            self.locked_at[name] = self.chip.now() + int(cycles)

    def _valid(self, name: str) -> bool:
        if name in PLLS:
            return name in self.locked_at and self.chip.now() >= self.locked_at[name]
        return bool(self.hertz(name))

    def read_register(self, offset: int) -> int:
        value = super().read_register(offset)
        for name, register in STATUS.items():
            if offset == register:
                selected = MAIN.get(self.stored(self.RCCR) >> 24 & 0xF) == name
                value |= VALID * self._valid(name) | SELECTED * selected
        return value

    def write_register(self, offset: int, value: int) -> None:
        if offset in STATUS.values():
            value &= ~(VALID | SELECTED)
        super().write_register(offset, value)
        for name, pll in PLLS.items():
            if offset == pll.control_status:
                self._lock(name)
        self.chip.peripheral(self.parameter("syscon")).update()

    READS = {
        CSR: lambda self: self.stored(ClockGenerator.RCCR) & 0x0F000000,
        # Acknowledge bits of the divider requests: always granted.
        **{pll.control_status + 8: lambda self: 0xE for pll in PLLS.values()},
        0x218: lambda self: 0,
        0x318: lambda self: 0,
    }


class SystemControl(RegisterFile):
    """SYSCON: clock multiplexers and dividers, resets, code cache (LPCAC), identification.

    Parameters: ``scg`` name of the clock generator, ``fmu`` of the flash behind the code cache. Clocks: ``core``, ``systick``,
    ``ctimer0`` to ``4``, ``flexcomm0`` to ``9``, ``ostimer``, ``wdt0``, ``utick``, ``mrt``, and the oscillators and PLLs of
    SCG. Resets and clock gates are storage.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"scg", "fmu"})
    AHB_DIVIDER, FRO_HF_DIVIDER, PLL_DIVIDER, PLL_DIVIDER_SOURCE = 0x380, 0x388, 0x3C4, 0x52C
    SYSTICK_SOURCE, SYSTICK_DIVIDER, OSTIMER_SOURCE, WDT_DIVIDER, UTICK_DIVIDER = 0x260, 0x300, 0x5E0, 0x38C, 0x3F0
    CTIMER_SOURCE, CTIMER_DIVIDER, FLEXCOMM_SOURCE, FLEXCOMM_DIVIDER = 0x26C, 0x3D0, 0x2B0, 0x850
    NVM_CONTROL, CACHE_CONTROL = 0x400, 0x824
    CACHE_OFF, CACHE_CLEAR, SPECULATION_OFF = 1, 2, 1
    # SET and CLR views: first register behind, and what it changes.
    SETS, CLEARS = {0x120: 0x100, 0x220: 0x200}, {0x140: 0x100, 0x240: 0x200}
    SELECTORS = tuple(range(0x260, 0x300, 4))
    RESET = {
        0x10: 0, 0x38: 0, 0x3C: 0, 0x40: 0, 0x48: 0, **dict.fromkeys(offsets(0x100, 4), 0), 0x200: 0x180, 0x204: 0, 0x208: 0,
        0x20C: 0, **dict.fromkeys(SELECTORS, 7), **dict.fromkeys(offsets(0x300, 3), 0), 0x350: 7, 0x360: 7, 0x378: 0, 0x37C: 0,
        AHB_DIVIDER: 0, 0x384: 0, FRO_HF_DIVIDER: 0, WDT_DIVIDER: 0, 0x394: 0, 0x398: 0, 0x3B4: 0, PLL_DIVIDER: 0,
        **dict.fromkeys(offsets(CTIMER_DIVIDER, 5), 0), 0x3E4: 0, 0x3E8: 0, UTICK_DIVIDER: 0, 0x3F4: 0xFF, 0x3FC: 0,
        NVM_CONTROL: 0x20400, 0x404: 0, 0x464: 7, 0x468: 0, 0x470: 0, 0x490: 0, 0x494: 0, 0x4A8: 7, 0x4AC: 0,
        PLL_DIVIDER_SOURCE: 0, 0x5D8: 3, 0x5DC: 0, OSTIMER_SOURCE: 3, 0x800: 0x2C0048, 0x804: 0, 0x80C: 0,
        CACHE_CONTROL: CACHE_OFF,
        **dict.fromkeys(offsets(FLEXCOMM_DIVIDER, 10), 0), 0x878: 3, 0xA18: 0x1, 0xE04: 0xC0FFFFFF, 0xE2C: 0, 0xE44: 0,
        0xFF0: 0x0725802B, 0xFF4: 0x00000947, 0xFF8: 0x0002B7B1, 0xFFC: 0x005C0900,
    }  # fmt: skip

    @property
    def scg(self) -> Any:
        return self.chip.peripheral(self.parameter("scg"))

    def divider(self, offset: int) -> int:
        return (self.stored(offset) & 0xFF) + 1

    def clock_hertz(self, name: str) -> int:
        """Rate of a named clock; BoardError for one that does not exist."""
        if name in STATUS:
            return int(self.scg.hertz(name))
        for prefix, rate in NUMBERED.items():
            if name.startswith(prefix) and name[len(prefix) :].isdigit():
                return int(rate(self, int(name[len(prefix) :])))
        if name not in NAMED:
            known = ", ".join([*NAMED, *STATUS, *(f"{prefix}N" for prefix in NUMBERED)])
            raise BoardError(f"{self.spec.name}: no clock {name!r}; there are {known}")
        return int(NAMED[name](self))

    def update(self) -> None:
        """Derive the core clock again, and tell those that run from other clocks."""
        self.chip.set_core_hertz(int(self.core_hertz()) or self.chip.core_hertz())

    def core_hertz(self) -> Fraction:
        return self.scg.main_hertz() / self.divider(self.AHB_DIVIDER)

    def pll_divided_hertz(self) -> Fraction:
        """PLL_CLK_DIV: PLL0 or PLL1 through its divider."""
        name = "pll1" if self.stored(self.PLL_DIVIDER_SOURCE) & 7 == 1 else "pll0"
        return self.scg.hertz(name) / self.divider(self.PLL_DIVIDER)

    def ctimer_hertz(self, index: int) -> Fraction:
        scg = self.scg
        sources = (CLK_1M, scg.hertz("pll0"), scg.hertz("pll1"), scg.hertz("fro_hf"), FRO_12M, 0, OSC_32K)
        choice = self.stored(self.CTIMER_SOURCE + 4 * index) & 0xF
        return Fraction((*sources, *[0] * 9)[choice]) / self.divider(self.CTIMER_DIVIDER + 4 * index)

    def flexcomm_hertz(self, index: int) -> Fraction:
        fro_hf = self.scg.hertz("fro_hf") / self.divider(self.FRO_HF_DIVIDER)
        sources = (0, self.pll_divided_hertz(), FRO_12M, fro_hf, CLK_1M, 0, OSC_32K, 0)
        choice = self.stored(self.FLEXCOMM_SOURCE + 4 * index) & 7
        return Fraction(sources[choice]) / self.divider(self.FLEXCOMM_DIVIDER + 4 * index)

    def systick_hertz(self) -> Fraction:
        main = self.scg.main_hertz() / self.divider(self.SYSTICK_DIVIDER)
        return Fraction((main, CLK_1M, OSC_32K, 0, 0, 0, 0, 0)[self.stored(self.SYSTICK_SOURCE) & 7])

    def ostimer_hertz(self) -> Fraction:
        return Fraction((CLK_16K, OSC_32K, CLK_1M, 0)[self.stored(self.OSTIMER_SOURCE) & 3])

    def cached(self) -> bool:
        """The code cache is on."""
        return not self.stored(self.CACHE_CONTROL) & self.CACHE_OFF

    def speculates(self) -> bool:
        """The flash controller reads ahead (NVM_CTRL.DIS_FLASH_SPEC is clear)."""
        return not self.stored(self.NVM_CONTROL) & self.SPECULATION_OFF

    def write_register(self, offset: int, value: int) -> None:
        register, ones = self._view(offset, self.SETS), True
        if register is None:
            register, ones = self._view(offset, self.CLEARS), False
        if register is not None:
            old = self.stored(register)
            offset, value = register, old | value if ones else old & ~value
        super().write_register(offset, value & ~self.CACHE_CLEAR if offset == self.CACHE_CONTROL else value)
        if offset in (self.CACHE_CONTROL, self.NVM_CONTROL):
            self.chip.timing_changed()
            if offset == self.CACHE_CONTROL and value & self.CACHE_CLEAR:
                self.chip.empty_cache(f"{self.parameter('fmu')}.instruction")
        elif 0x260 <= offset < 0x400 or offset >= 0x490:
            self.update()

    @staticmethod
    def _view(offset: int, views: Mapping[int, int]) -> int | None:
        for start, register in views.items():
            if start <= offset < start + 16:
                return offset - start + register
        return None


NAMED: Mapping[str, Callable[[SystemControl], Fraction | int]] = {
    "core": SystemControl.core_hertz,
    "systick": SystemControl.systick_hertz,
    "ostimer": SystemControl.ostimer_hertz,
    "mrt": SystemControl.core_hertz,
    "wdt0": lambda syscon: Fraction(CLK_1M, syscon.divider(SystemControl.WDT_DIVIDER)),
    "utick": lambda syscon: Fraction(CLK_1M, syscon.divider(SystemControl.UTICK_DIVIDER)),
    "clk_1m": lambda syscon: CLK_1M,
}
NUMBERED: Mapping[str, Callable[[SystemControl, int], Fraction]] = {
    "ctimer": SystemControl.ctimer_hertz,
    "flexcomm": SystemControl.flexcomm_hertz,
}


class FlashManagement(RegisterFile):
    """FMU: read wait states; commands are refused as not modelled by never starting (CCIF stays set, nothing changes).

    Parameters: ``syscon`` name of the peripheral with the cache control, ``read_bytes``, ``line_bytes``, ``cache_bytes``.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"syscon", "read_bytes", "line_bytes", "cache_bytes"})
    STATUS, CONTROL = 0x00, 0x08
    COMPLETE, WAIT_STATES = 1 << 7, 0xF
    RESET = {0x04: 0, CONTROL: 0x100, **dict.fromkeys(offsets(0x10, 8), 0)}

    def timing(self) -> FlashTiming:
        """How flash answers now, behind the code cache. The controller's own cache of 64 bytes is not modelled, but the word
        that it reads ahead is: MCX Nx4x RM 4.3."""
        syscon = self.chip.peripheral(self.parameter("syscon"))
        cached = syscon.cached()
        lines = self.parameter("cache_bytes") // self.parameter("line_bytes")
        return FlashTiming(
            wait_states=self.stored(self.CONTROL) & self.WAIT_STATES,
            instruction_cache=cached,
            data_cache=cached,
            read_bytes=self.parameter("read_bytes"),
            line_bytes=self.parameter("line_bytes"),
            instruction_lines=lines,
            data_lines=lines,
            ways=4,  # unverified on silicon
            unified=True,
            programmable=True,
            prefetch=syscon.speculates(),  # one word, after each that is fetched  # unverified on silicon
            kept=True,  # emptied by LPCAC_CTRL.CLR_LPCAC  # unverified on silicon
        )

    def write_control(self, value: int) -> None:
        self.store(self.CONTROL, value)
        self.chip.timing_changed()

    READS = {STATUS: lambda self: FlashManagement.COMPLETE}
    WRITES = {STATUS: lambda self, value: None, CONTROL: write_control}

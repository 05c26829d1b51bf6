"""CLOCK, POWER and RESET of nRF52 and nRF53: oscillators with their start-up times, and the core clock.

Sources: nRF52840 PS v1.8 5.3, 5.4; nRF5340 PS v1.4 4.11.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from mcusim.errors import BoardError
from mcusim.machine.peripherals.nordic import NordicPeripheral
from mcusim.machine.peripherals.register_file import offsets


@dataclass(frozen=True, slots=True)
class Oscillator:
    """Registers and events of one oscillator, and its start-up time in microseconds."""

    start: int
    stop: int
    started: int
    run: int
    status: int
    microseconds: int


# Start-up times, typical: HFXO 360 us (tSTART_HFXO, nRF52840 PS 5.4.4.1); LFRC 600 us, LFXO 0.25 s (5.4.4.3/4).
HIGH = Oscillator(0x00, 0x04, 0x100, 0x408, 0x40C, 360)
LOW = Oscillator(0x08, 0x0C, 0x104, 0x414, 0x418, 600)
AUDIO = Oscillator(0x18, 0x1C, 0x120, 0x450, 0x454, 100)
FAST = Oscillator(0x20, 0x24, 0x124, 0x458, 0x45C, 100)
CRYSTAL_MICROSECONDS = 250_000
STATE = 1 << 16
CALIBRATE, DONE = 0x10, {"nrf52": 0x10C, "nrf53": 0x11C}
SOURCE = 0x518
HFCLKCTRL = 0x558


class ClockPower(NordicPeripheral):
    """Oscillators start when told to, their events follow; nRF53's HFCLKCTRL chooses 128 or 64 MHz for the core.

    Parameters: ``layout`` ``"nrf52"`` or ``"nrf53"``, ``oscillator_hertz`` of the undivided core clock, ``crystal``: number
    of the crystal in LFCLKSRC. The internal and the crystal oscillator run at exactly the same rate here. Power failure,
    USB power and RAM power switches are storage.
    """

    PARAMETERS: ClassVar[frozenset[str]] = NordicPeripheral.PARAMETERS | {"layout", "oscillator_hertz", "crystal"}
    EVENT_OFFSETS = (0x100, 0x104, 0x108, 0x10C, 0x110, 0x114, 0x118, 0x11C, 0x120, 0x124, 0x128, 0x12C)
    COMMON = {0x400: 0, 0x414: 0, 0x41C: 0, 0x510: 0, 0x51C: 0, 0x520: 0, HIGH.run: 0}
    LAYOUTS: ClassVar[dict[str, dict[int, int]]] = {
        "nrf52": {
            SOURCE: 0, 0x428: 0, 0x438: 0, 0x528: 0x10, 0x538: 0, 0x55C: 0, 0x578: 0, 0x580: 0, 0x5B4: 0, 0x640: 0,
            **{0x900 + 16 * index: 0xFFFF for index in range(9)},
        },
        "nrf53": {
            SOURCE: 1, 0x514: 1, HFCLKCTRL: 1, 0x55C: 0x9BAE, 0x570: 0, 0x574: 0, 0x57C: 0, 0x580: 1, 0x584: 0, 0x5B8: 2,
            0x614: 1, AUDIO.run: 0, FAST.run: 0,
        },
    }  # fmt: skip
    KEPT = (0x400, 0x51C, 0x520)

    def reset_registers(self) -> None:
        kept = {offset: value for offset, value in getattr(self, "registers", {}).items() if offset in self.KEPT}
        super().reset_registers()
        self.registers |= kept

    def reset_state(self) -> None:
        self.layout = self.parameter("layout")
        self.registers |= self.COMMON | self.LAYOUTS[self.layout]
        self.running: dict[Oscillator, bool] = dict.fromkeys((HIGH, LOW, AUDIO, FAST), False)
        self.starting: dict[Oscillator, Any] = {}

    def clock_hertz(self, name: str) -> int:
        """``"hfclk"`` (16 MHz peripheral clock), ``"lfclk"`` (0 while stopped), ``"core"``."""
        rates = {"hfclk": 16_000_000, "lfclk": 32768 * self.running[LOW], "core": self.chip.core_hertz()}
        if name not in rates:
            raise BoardError(f"{self.spec.name}: no clock {name!r}; there are {', '.join(rates)}")
        return rates[name]

    def start(self, oscillator: Oscillator) -> None:
        self.registers[oscillator.run] = 1
        if oscillator is LOW:
            self.registers[0x41C] = self.stored(SOURCE) & 3
        if self.running[oscillator]:
            self._started(oscillator)
        elif oscillator not in self.starting:
            micros = oscillator.microseconds
            if oscillator is LOW and self.stored(SOURCE) & 3 == self.parameter("crystal"):
                micros = CRYSTAL_MICROSECONDS
            self.starting[oscillator] = self.after(micros, 1_000_000, lambda: self._started(oscillator))

    def stop(self, oscillator: Oscillator) -> None:
        event = self.starting.pop(oscillator, None)
        if event:
            event.cancel()
        self.registers[oscillator.run] = 0
        self._switch(oscillator, False)

    def _started(self, oscillator: Oscillator) -> None:
        self.starting.pop(oscillator, None)
        self._switch(oscillator, True)
        self.fire(oscillator.started)

    def _switch(self, oscillator: Oscillator, on: bool) -> None:
        if self.running[oscillator] != on:
            self.running[oscillator] = on
            self.chip.set_core_hertz(self.chip.core_hertz())

    def status(self, oscillator: Oscillator) -> int:
        """STAT register: state, and source. The high-frequency clock always runs; only its source changes."""
        on = self.running[oscillator]
        if oscillator is HIGH:
            return STATE | on
        source = self.stored(0x41C) if oscillator is LOW else 1
        return STATE * on | source * on

    def read_register(self, offset: int) -> int:
        for oscillator in self.running:
            if offset == oscillator.status:
                return self.status(oscillator)
        return super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        if offset == 0x400:
            self.registers[offset] = self.stored(offset) & ~value
            return
        if 0x900 <= offset < 0x990 and offset & 0xF in (4, 8):
            base, old = offset & ~0xF, self.stored(offset & ~0xF)
            self.registers[base] = (old | value if offset & 4 else old & ~value) & 0xFFFFFFFF
            return
        super().write_register(offset, value)
        if offset == HFCLKCTRL and self.layout == "nrf53":
            self.chip.set_core_hertz(self.parameter("oscillator_hertz") >> (value & 1))

    def calibrate(self) -> None:
        # 16 ms, nRF52840 PS 5.4.4.3, tCAL typical.  # unverified on silicon
        self.after(16, 1000, lambda: self.fire(DONE[self.layout]))

    TASKS = {
        HIGH.start: lambda self: self.start(HIGH),
        HIGH.stop: lambda self: self.stop(HIGH),
        LOW.start: lambda self: self.start(LOW),
        LOW.stop: lambda self: self.stop(LOW),
        CALIBRATE: calibrate,
        0x14: lambda self: None,
        AUDIO.start: lambda self: self.start(AUDIO),
        AUDIO.stop: lambda self: self.stop(AUDIO),
        FAST.start: lambda self: self.start(FAST),
        FAST.stop: lambda self: self.stop(FAST),
        **dict.fromkeys(offsets(0x78, 2), lambda self: None),
    }

"""Low-power timer of STM32. Sources: RM0432 (L4+), RM0456 (U5: DIER and its acknowledgement)."""

from __future__ import annotations

from typing import ClassVar

from mcusim.boards.board import PeripheralSpec
from mcusim.machine.peripheral import Chip
from mcusim.machine.peripherals.ramp import Ramp
from mcusim.machine.peripherals.register_file import RegisterFile

ISR, ICR, IER, CFGR, CR, CMP, ARR, CNT, CFGR2, RCR, CCMR1, CCR2 = (
    0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x18, 0x1C, 0x24, 0x28, 0x2C, 0x34,
)  # fmt: skip
ENABLE, SINGLE, CONTINUOUS, COUNT_RESET = 1, 2, 4, 8
CMPM, ARRM, CMPOK, ARROK, REPOK, DIEROK = 1, 1 << 1, 1 << 3, 1 << 4, 1 << 8, 1 << 24


class LowPowerTimer(RegisterFile):
    """LPTIM counting its internal clock up to ARR, with compare match. ``clock`` names its kernel clock.

    Register updates are acknowledged at once. Not modelled: external clock and trigger, encoder, the wave output,
    synchronisation delays of a few kernel clock cycles.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"clock"})
    RESET: ClassVar = {IER: 0, CFGR: 0, CR: 0, CMP: 0, ARR: 1, CFGR2: 0, RCR: 0, CCMR1: 0, CCR2: 0}
    READS: ClassVar = {
        ISR: lambda self: self.flags,
        ICR: lambda self: 0,
        CNT: lambda self: self.ramp.position() & 0xFFFF,
    }
    WRITES: ClassVar = {
        ICR: lambda self, value: self._clear(value),
        IER: lambda self, value: self._acknowledge(IER, value, DIEROK),
        CMP: lambda self, value: self._acknowledge(CMP, value & 0xFFFF, CMPOK),
        ARR: lambda self, value: self._acknowledge(ARR, value & 0xFFFF, ARROK),
        RCR: lambda self, value: self._acknowledge(RCR, value, REPOK),
        CR: lambda self, value: self._control(value),
    }
    _event = None

    def __init__(self, chip: Chip, spec: PeripheralSpec) -> None:
        self.ramp = Ramp(chip)
        super().__init__(chip, spec)

    def reset_state(self) -> None:
        self.flags, self.compared = 0, -1
        self.ramp = Ramp(self.chip)
        self._refresh()

    def read_register(self, offset: int) -> int:
        self._advance()
        return super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        self._advance()
        super().write_register(offset, value)
        self._refresh()

    def clock_changed(self) -> None:
        self._advance()
        self._set_rate()
        self._refresh()

    def _acknowledge(self, offset: int, value: int, flag: int) -> None:
        self.store(offset, value)
        self.flags |= flag

    def _clear(self, value: int) -> None:
        self.flags &= ~value

    def _control(self, value: int) -> None:
        self.store(CR, value & ~(SINGLE | CONTINUOUS | COUNT_RESET))
        if not value & ENABLE or value & COUNT_RESET:
            self.ramp.place(0, self.chip.now())
            self.compared = -1
        if not value & ENABLE:
            self.ramp.stop()
        elif value & (SINGLE | CONTINUOUS):
            self.single = bool(value & SINGLE)
            self._set_rate()
            if not self.ramp.running:
                self.ramp.start()

    single = False

    def _set_rate(self) -> None:
        hertz = self.chip.clock_hertz(self.parameter("clock", "lse"))
        self.ramp.set_rate(hertz, 1 << (self.stored(CFGR) >> 9 & 7), self.chip.core_hertz())

    def _period(self) -> int:
        return (self.stored(ARR) & 0xFFFF) + 1

    def _advance(self) -> None:
        if not self.ramp.running:
            return
        position, period = self.ramp.position(), self._period()
        compare = self.stored(CMP) & 0xFFFF
        passed = position >= period
        if self.compared < compare <= min(position, period - 1) or (passed and compare <= position % period):
            self.flags |= CMPM
        if passed:
            self.flags |= ARRM
            self.ramp.rebase(position // period * period)
            if self.single:
                self.ramp.stop()
                self.ramp.place(0, self.chip.now())
        self.compared = position % period

    def _refresh(self) -> None:
        self.interrupt(self.flags & self.stored(IER))
        if self._event:
            self._event.cancel()
        cycle = self._next_cycle()
        self._event = None if cycle is None else self.chip.at(cycle, self._due)

    def _due(self) -> None:
        self._event = None
        self._advance()
        self._refresh()

    def _next_cycle(self) -> int | None:
        if not (self.ramp.running and self.ramp.numerator):
            return None
        wanted = self.stored(IER) & ~self.flags
        if not wanted & (CMPM | ARRM) and not self.single:
            return None
        period, compare = self._period(), self.stored(CMP) & 0xFFFF
        matches = [compare if compare > self.compared else compare + period] if wanted & CMPM and compare < period else []
        return self.ramp.cycle_of(min([*matches, period]))

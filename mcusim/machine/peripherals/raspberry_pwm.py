"""PWM of the RP chips: counters and wrap interrupts. Sources: RP2040 Datasheet 4.5; RP2350 Datasheet 12.5."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from mcusim.machine.peripherals.raspberry import RaspberryRegisters
from mcusim.machine.peripherals.tick_counter import TickCounter

CSR, DIV, CTR, CC, TOP = range(0x00, 0x14, 4)
STRIDE = 0x14
ENABLE, PHASE_CORRECT, DIVIDER_MODE = 1, 2, 0x30


class Slice:
    """A free-running counter up to ``top``, or up and down, and how often it came back to 0."""

    def __init__(self, pwm: Pwm, index: int) -> None:
        self.pwm, self.index = pwm, index
        self.counter = TickCounter(pwm.chip, self._rate)
        self.seen = 0  # wraps that INTR has shown or that were cleared

    def register(self, offset: int) -> int:
        return self.pwm.stored(self.index * STRIDE + offset)

    def _rate(self) -> Fraction:
        divider = self.register(DIV) & 0xFFF
        return Fraction(self.pwm.chip.core_hertz() * 16, divider if divider >= 16 else divider + 4096)

    @property
    def period(self) -> int:
        """Ticks from one 0 to the next."""
        top = self.register(TOP) & 0xFFFF
        return max(1, 2 * top) if self.register(CSR) & PHASE_CORRECT else top + 1

    def wraps(self) -> int:
        return self.counter.value() // self.period

    def value(self) -> int:
        ticks = self.counter.value() % self.period
        return min(ticks, self.period - ticks) if self.register(CSR) & PHASE_CORRECT else ticks

    def change(self, store: tuple[int, int] | None, value: int | None = None) -> None:
        """Take over a new setting (register offset and value) or count; the count goes on where it was."""
        count, pending = self.value() if value is None else value, self.wraps() > self.seen
        if store:
            self.pwm.registers[self.index * STRIDE + store[0]] = store[1]
        # A pending wrap stays pending: the count starts one period further.
        count %= self.period
        self.counter.set(count + (self.period if pending else 0))
        self.seen = 0
        runs = self.register(CSR) & ENABLE and not self.register(CSR) & DIVIDER_MODE
        (self.counter.start if runs else self.counter.stop)()
        self.counter.rate_changed()


class Pwm(RaspberryRegisters):
    """Slices count clk_sys; a new TOP or divider holds at once (silicon: from the next wrap).

    Parameters: ``slices``, ``groups`` number of interrupt lines (``wrap``, or ``wrap0``, ``wrap1``). The pins are not
    driven; modes that count edges of pin B stand still; PH_ADV, PH_RET and the DMA requests are not modelled.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"slices", "groups"})

    def reset_state(self) -> None:
        count = self.parameter("slices")
        for slice_ in getattr(self, "slices", ()):
            slice_.counter.cancel_all()
        self.slices = [Slice(self, index) for index in range(count)]
        for index in range(count):
            base = index * STRIDE
            self.registers |= {base + CSR: 0, base + DIV: 0x10, base + CC: 0, base + TOP: 0xFFFF}
        self.enables = count * STRIDE
        self.raw = self.enables + 4
        groups = range(self.parameter("groups", 1))
        self.masks = {self.raw + 4 + 12 * group: group for group in groups}
        self.forces = {self.raw + 8 + 12 * group for group in groups}
        self.statuses = {self.raw + 12 + 12 * group: group for group in groups}
        self.registers |= dict.fromkeys([*self.masks, *self.forces], 0)

    def clock_changed(self) -> None:
        for slice_ in self.slices:
            slice_.counter.rate_changed()

    def value_for_alias(self, offset: int) -> int:
        return self.read_register(offset) if offset in (self.enables,) or offset % STRIDE == CTR else self.stored(offset)

    def read_register(self, offset: int) -> int:
        if offset < self.enables:
            slice_ = self.slices[offset // STRIDE]
            return slice_.value() if offset % STRIDE == CTR else super().read_register(offset)
        if offset == self.enables:
            return sum((slice_.register(CSR) & 1) << slice_.index for slice_ in self.slices)
        if offset == self.raw:
            return self._pending()
        if offset in self.statuses:
            return self._status(self.statuses[offset])
        return super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        if offset < self.enables:
            slice_, register = self.slices[offset // STRIDE], offset % STRIDE
            if register == CTR:
                slice_.change(None, value & 0xFFFF)
            elif register == CC:
                self.registers[offset] = value
            else:
                slice_.change((register, value & (0x3F if register == CSR else 0xFFFF)))
        elif offset == self.enables:
            for slice_ in self.slices:
                slice_.change((CSR, slice_.register(CSR) & ~1 | value >> slice_.index & 1))
        elif offset == self.raw:
            for slice_ in self.slices:
                slice_.seen = slice_.wraps() if value >> slice_.index & 1 else slice_.seen
        else:
            super().write_register(offset, value)
        self._update()

    def _pending(self) -> int:
        return sum((slice_.wraps() > slice_.seen) << slice_.index for slice_ in self.slices)

    def _status(self, group: int) -> int:
        base = self.raw + 4 + 12 * group
        return (self._pending() | self.stored(base + 4)) & self.stored(base)

    def _update(self) -> None:
        """Drive the lines, and look again at the next wrap of each slice that may interrupt."""
        enabled = 0
        for offset, group in self.masks.items():
            enabled |= self.stored(offset)
            self.interrupt(self._status(group), next(name for name in self.spec.interrupts if name in ("wrap", f"wrap{group}")))
        for slice_ in self.slices:
            slice_.counter.cancel()
            if enabled >> slice_.index & 1 and slice_.wraps() <= slice_.seen:
                slice_.counter.call_at((slice_.wraps() + 1) * slice_.period, self._update)

"""Random number generator of STM32, deterministic here. Sources: RM0090 (F4), RM0432 (L4+), RM0456 (U5)."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import ClassVar

from mcusim.machine.peripherals.register_file import RegisterFile

CR, SR, DR, NSCR, HTCR = 0x00, 0x04, 0x08, 0x0C, 0x10
RNGEN, IE, DRDY = 1 << 2, 1 << 3, 1


class RandomNumbers(RegisterFile):
    """RNG: one word every ``cycles`` of its clock ``clock`` while enabled, from a generator with the fixed ``seed``.

    Seed and clock errors never occur; the four-word FIFO of newer parts is not modelled.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"clock", "cycles", "seed"})
    RESET: ClassVar = {CR: 0, NSCR: 0, HTCR: 0}
    READS: ClassVar = {SR: lambda self: int(self.ready()), DR: lambda self: self._take()}
    WRITES: ClassVar = {CR: lambda self, value: self._control(value), SR: lambda self, value: None}

    def reset_state(self) -> None:
        self._numbers = random.Random(self.parameter("seed", 1))
        self._ready_at = 0
        self.interrupt(False)

    def ready(self) -> bool:
        """A word waits in DR."""
        return bool(self.stored(CR) & RNGEN) and self.chip.now() >= self._ready_at

    def _control(self, value: int) -> None:
        started = value & RNGEN and not self.stored(CR) & RNGEN
        self.store(CR, value)
        if started:
            self._gather()
        self._drive()

    def _take(self) -> int:
        if not self.ready():
            return 0  # RM0432: reads zero while DRDY is 0
        self._gather()
        self._drive()
        return self._numbers.getrandbits(32)

    def _gather(self) -> None:
        hertz = self.chip.clock_hertz(self.parameter("clock", "core"))
        period = Fraction(self.chip.core_hertz(), hertz) if hertz else Fraction(1)
        self._ready_at = self.chip.now() + round(self.parameter("cycles", 40) * period)
        if self.stored(CR) & IE:
            self.chip.at(self._ready_at, self._drive)

    def _drive(self) -> None:
        self.interrupt(self.stored(CR) & IE and self.ready())

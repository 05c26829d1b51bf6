"""GPIO port of STM32. Source: RM0432, RM0456 (BRR, HSLVR, SECCFGR where the family has them)."""

from __future__ import annotations

from typing import ClassVar

from mcusim.machine.peripherals.register_file import RegisterFile

MODER, OTYPER, OSPEEDR, PUPDR, IDR, ODR, BSRR, LCKR, AFRL, AFRH, BRR, HSLVR, SECCFGR = range(0x00, 0x34, 4)
INPUT, OUTPUT, PULL_UP = 0, 1, 1


class Port(RegisterFile):
    """Sixteen pins: outputs read back what they drive, inputs their pull-up or the level in the parameter ``inputs``.

    ``inputs`` maps a pin number to the level that the board drives. Not modelled: alternate functions, the lock
    sequence.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"inputs"})
    RESET: ClassVar = dict.fromkeys((MODER, OTYPER, OSPEEDR, PUPDR, ODR, LCKR, AFRL, AFRH, HSLVR, SECCFGR), 0)
    READS: ClassVar = {IDR: lambda self: self.levels(), BSRR: lambda self: 0, BRR: lambda self: 0}
    WRITABLE: ClassVar = {OTYPER: 0xFFFF, ODR: 0xFFFF}
    WRITES: ClassVar = {
        BSRR: lambda self, value: self._drive(value & 0xFFFF, value >> 16),
        BRR: lambda self, value: self._drive(0, value & 0xFFFF),
    }

    def levels(self) -> int:
        """Levels of the sixteen pins."""
        return sum(self._level(pin) << pin for pin in range(16))

    def _level(self, pin: int) -> int:
        if self.stored(MODER) >> 2 * pin & 3 == OUTPUT:
            return self.stored(ODR) >> pin & 1
        driven = self.parameter("inputs", {}).get(str(pin))
        return int(driven) if driven is not None else int(self.stored(PUPDR) >> 2 * pin & 3 == PULL_UP)

    def _drive(self, high: int, low: int) -> None:
        self.registers[ODR] = self.stored(ODR) & ~low | high  # set wins over reset (RM0432)

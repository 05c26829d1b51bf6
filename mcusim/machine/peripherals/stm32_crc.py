"""CRC unit of STM32. Sources: RM0090 (F4: fixed polynomial), RM0432 (L4+: any polynomial, reversal)."""

from __future__ import annotations

from typing import ClassVar

from mcusim.machine.peripherals.register_file import RegisterFile

DR, IDR, CR, INIT, POL = 0x00, 0x04, 0x08, 0x10, 0x14
ETHERNET = 0x04C11DB7
WIDTHS = (32, 16, 8, 7)
"""Bits of the polynomial by CR.POLYSIZE (RM0432)."""


def reverse(value: int, width: int) -> int:
    """The ``width`` lowest bits of ``value`` in reverse order."""
    return int(f"{value & (1 << width) - 1:0{width}b}"[::-1], 2)


def advance(crc: int, data: int, size: int, polynomial: int, width: int) -> int:
    """The remainder after ``size`` bits of ``data``, most significant bit first."""
    top, mask = 1 << width - 1, (1 << width) - 1
    for bit in range(size - 1, -1, -1):
        carry = bool(crc & top) ^ (data >> bit & 1)
        crc = (crc << 1 ^ (polynomial if carry else 0)) & mask
    return crc


class CrcUnit(RegisterFile):
    """CRC: writes of 1, 2 or 4 bytes to DR extend the remainder at once (4 cycles of the bus are not modelled).

    ``fixed`` makes it the unit of STM32F1/F4: CRC-32 (Ethernet), whole words, no reversal.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"fixed"})
    RESET: ClassVar = {IDR: 0, CR: 0, INIT: 0xFFFFFFFF, POL: ETHERNET}
    READS: ClassVar = {DR: lambda self: self.result()}
    WRITES: ClassVar = {CR: lambda self, value: self._control(value), INIT: lambda self, value: self._start(value)}

    def reset_state(self) -> None:
        self.crc = 0xFFFFFFFF

    def write(self, offset: int, size: int, value: int) -> None:
        if offset & ~3 == DR:
            self.feed(value, 32 if self.parameter("fixed") else 8 * size)
        else:
            super().write(offset, size, value)

    def feed(self, value: int, size: int) -> None:
        """Extend the remainder by ``size`` bits."""
        unit = (0, 8, 16, 32)[self.stored(CR) >> 5 & 3]
        if unit:
            unit = min(unit, size)
            pieces = [reverse(value >> shift, unit) for shift in range(0, size, unit)]
            value = sum(piece << unit * index for index, piece in enumerate(pieces))
        self.crc = advance(self.crc, value, size, self.stored(POL), self.width)

    @property
    def width(self) -> int:
        """Bits of the polynomial."""
        return WIDTHS[self.stored(CR) >> 3 & 3]

    def result(self) -> int:
        """What DR reads."""
        return reverse(self.crc, self.width) if self.stored(CR) & 1 << 7 else self.crc

    def _control(self, value: int) -> None:
        self.store(CR, value & ~1)
        if value & 1:
            self._start(self.stored(INIT))

    def _start(self, value: int) -> None:
        self.store(INIT, value)
        self.crc = value & (1 << self.width) - 1

"""Pins of MCX N. Source: MCX Nx4x Reference Manual, GPIO chapter; register layout from NXP's PERI_GPIO.h."""

from __future__ import annotations

from typing import ClassVar

from mcusim.machine.peripherals.register_file import RegisterFile, offsets


class PinControl(RegisterFile):
    """PORT: functions and pulls of pins, as storage. A pin's control register reads 0 out of reset, which is so for most.

    # unverified on silicon: the reset values of pins that have a function out of reset (debugger, boot).
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset()
    RESET = dict.fromkeys(offsets(0x80, 32), 0)


class Port(RegisterFile):
    """GPIO: outputs read back, inputs read high where the PORT's pull-up is on. No pin ever changes, so no interrupts.

    Parameter ``port``: name of the PORT block with the pin controls.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"port"})
    OUT, SET, CLEAR, TOGGLE, IN, DIRECTION = 0x40, 0x44, 0x48, 0x4C, 0x50, 0x54
    PIN_BYTES = 0x60
    PULL_ENABLE, PULL_UP = 2, 1
    RESET = {
        0x00: 0x01020000, 0x04: 4, **dict.fromkeys((0x0C, 0x10, 0x14, 0x18, 0x1C, OUT, DIRECTION, 0x58), 0),
        **dict.fromkeys(offsets(0x80, 32), 0), 0x100: 0, 0x104: 0, 0x120: 0, 0x124: 0,
    }  # fmt: skip

    def levels(self) -> int:
        """Level of each pin."""
        direction = self.stored(self.DIRECTION)
        return self.stored(self.OUT) & direction | self._pulled_up() & ~direction

    def _pulled_up(self) -> int:
        port = self.chip.peripheral(self.parameter("port"))
        wanted = self.PULL_ENABLE | self.PULL_UP
        return sum(1 << pin for pin, offset in enumerate(offsets(0x80, 32)) if port.stored(offset) & 3 == wanted)

    def read(self, offset: int, size: int) -> int:
        if self.PIN_BYTES <= offset < self.PIN_BYTES + 32:
            levels = self.levels() >> (offset - self.PIN_BYTES)
            return sum((levels >> index & 1) << 8 * index for index in range(size))
        return super().read(offset, size)

    def write(self, offset: int, size: int, value: int) -> None:
        if not self.PIN_BYTES <= offset < self.PIN_BYTES + 32:
            super().write(offset, size, value)
            return
        for index in range(size):
            bit = 1 << (offset - self.PIN_BYTES + index)
            old = self.stored(self.OUT)
            self.registers[self.OUT] = old | bit if value >> 8 * index & 1 else old & ~bit

    def change(self, ones: int, zeros: int, flips: int) -> None:
        self.registers[self.OUT] = (self.stored(self.OUT) | ones) & ~zeros ^ flips

    READS = {IN: levels, SET: lambda self: 0, CLEAR: lambda self: 0, TOGGLE: lambda self: 0}
    WRITES = {
        SET: lambda self, value: self.change(value, 0, 0),
        CLEAR: lambda self, value: self.change(0, value, 0),
        TOGGLE: lambda self, value: self.change(0, 0, value),
        IN: lambda self, value: None,
    }

"""A peripheral as tables: reset values, read handlers and write handlers by register offset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from mcusim.machine.peripheral import Peripheral

Reader = Callable[[Any], int]
Writer = Callable[[Any, int], None]


def offsets(first: int, count: int, stride: int = 4) -> range:
    """Offsets of ``count`` registers, ``stride`` bytes apart."""
    return range(first, first + count * stride, stride)


class RegisterFile(Peripheral):
    """A peripheral whose class tables say what each register does.

    ``RESET`` holds the documented reset values of registers that are plain storage, ``READS`` and ``WRITES`` the methods of
    registers that do something, ``WRITABLE`` the bits that a write may change (all, where an offset is missing). The TOML
    parameter ``reset`` overrides reset values. An offset in none of them reads as last written and counts as unmodelled.
    """

    RESET: ClassVar[Mapping[int, int]] = {}
    READS: ClassVar[Mapping[int, Reader]] = {}
    WRITES: ClassVar[Mapping[int, Writer]] = {}
    WRITABLE: ClassVar[Mapping[int, int]] = {}

    def reset_registers(self) -> None:
        super().reset_registers()
        self.registers = {**self.RESET, **self.registers}
        self.reset_state()

    def reset_state(self) -> None:
        """Put what is not a register to its reset state."""

    def parameter(self, name: str, default: Any = None) -> Any:
        """Parameter ``name`` of the board file."""
        return self.spec.parameters.get(name, default)

    def interrupt(self, active: object, line: str = "") -> None:
        """Drive the interrupt line ``line`` (the first one of the board file, if not named)."""
        lines = self.spec.interrupts
        number = lines.get(line) if line else next(iter(lines.values()), None)
        driven = self.__dict__.setdefault("_driven", set())
        if number is None or bool(active) == (line in driven):
            return
        (driven.add if active else driven.discard)(line)
        self.chip.set_interrupt(number, bool(active), f"{self.spec.name}.{line}")

    def read_register(self, offset: int) -> int:
        reader = self.READS.get(offset)
        if reader:
            return reader(self) & 0xFFFFFFFF
        return super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        writer = self.WRITES.get(offset)
        if writer:
            writer(self, value)
        elif offset in self.READS:
            return
        else:
            self.store(offset, value)

    def store(self, offset: int, value: int) -> None:
        """Write a storage register: only its writable bits change."""
        writable = self.WRITABLE.get(offset, 0xFFFFFFFF)
        super().write_register(offset, (self.stored(offset) & ~writable) | (value & writable))

"""Read-only words that a chip is made with: unique identifier, flash size, device identifier."""

from __future__ import annotations

from typing import ClassVar

from mcusim.machine.peripherals.register_file import RegisterFile


class ConstantWords(RegisterFile):
    """Words given by ``reset``; writes to them change nothing."""

    PARAMETERS: ClassVar[frozenset[str]] = frozenset()

    def write_register(self, offset: int, value: int) -> None:
        if offset not in self.registers:
            super().write_register(offset, value)

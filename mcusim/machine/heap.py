"""Heap use, watched at the functions that grow it: newlib's _sbrk, or malloc and free where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcusim.machine.machine import Machine

BREAK_FUNCTIONS = ("_sbrk", "sbrk")
MAX_INCREMENT = 1 << 30


class HeapWatch:
    """Highest program break seen. ``peak_bytes`` is 0 for programs without one of BREAK_FUNCTIONS."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.current = self.peak_bytes = 0
        names = BREAK_FUNCTIONS
        found = (machine.program.symbols_named(name) for name in names)
        self.functions = {symbol.address for symbols in found for symbol in symbols[:1] if symbol.kind == "function"}

    def addresses(self) -> set[int]:
        """Where Python must look in."""
        return self.functions

    def enter(self, address: int) -> None:
        """The program is about to run the function at ``address``: R0 is the increment."""
        increment = int(self.machine.engine.registers[0])
        increment -= (increment & 0x80000000) << 1
        if abs(increment) < MAX_INCREMENT:
            self.current += increment
            self.peak_bytes = max(self.peak_bytes, self.current)

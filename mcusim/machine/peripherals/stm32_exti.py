"""Extended interrupts of STM32: lines that software triggers. Sources: RM0432 (L4+), RM0444 (G0), RM0433 (H7)."""

from __future__ import annotations

from typing import ClassVar

from mcusim.boards.board import PeripheralSpec
from mcusim.machine.peripheral import Chip
from mcusim.machine.peripherals.register_bank import RegisterBank, read_offset


class ExternalInterrupts(RegisterBank):
    """EXTI: a one in the software register pends a line; a one in the pending register clears it.

    ``banks`` lists [mask register, software register, pending register] for each 32 lines. Interrupt lines are named
    by the EXTI lines they stand for: "0", "5-9". Edges on pins are not modelled.
    """

    PARAMETERS: ClassVar[frozenset[str]] = RegisterBank.PARAMETERS | {"banks"}

    def __init__(self, chip: Chip, spec: PeripheralSpec) -> None:
        place = f"peripheral '{spec.name}', banks"
        self._banks = [tuple(read_offset(entry, place) for entry in bank) for bank in spec.parameters.get("banks", ())]
        super().__init__(chip, spec)

    def reset_state(self) -> None:
        for bank in self._banks:
            for offset in bank:
                self.registers.setdefault(offset, 0)
        self._drive()

    def write_register(self, offset: int, value: int) -> None:
        for _, software, pending in self._banks:
            if offset == software:
                self.registers[pending] = self.stored(pending) | value
            if offset == pending:
                value = self.stored(pending) & ~value
        super().write_register(offset, value)
        self._drive()

    def _drive(self) -> None:
        waiting = 0
        for index, (mask, _, pending) in enumerate(self._banks):
            waiting |= (self.stored(mask) & self.stored(pending)) << 32 * index
        for line in self.spec.interrupts:
            first, _, last = line.partition("-")
            numbers = range(int(first), int(last or first) + 1)
            self.interrupt(any(waiting >> number & 1 for number in numbers), line)

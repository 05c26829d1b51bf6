"""Reset and clock control of STM32: a register bank over a clock tree."""

from __future__ import annotations

from typing import ClassVar

from mcusim.boards.board import PeripheralSpec
from mcusim.errors import McusimError
from mcusim.machine.peripheral import Chip
from mcusim.machine.peripherals.clock_tree import ClockTree
from mcusim.machine.peripherals.register_bank import RegisterBank, read_copy, read_field


class ClockControl(RegisterBank):
    """RCC: derives every clock from what the firmware programs and tells the chip when one changes.

    ``clocks`` is the tree (see ``clock_tree``) and ``core_clock`` the node that clocks the core. ``ready`` lists
    [register, enable bit, register, ready bit, clock]: ready follows the enable while ``clock`` runs; ``switches``
    lists [register, bit, status register, status bit, width, clock]: the status takes over the selection once
    ``clock``, the selected one, runs. ``resets`` maps a peripheral to [register, bit] of its reset bit. Start-up and
    lock times, clock security, interrupts and stop modes are not modelled; clock gates are ignored.
    """

    PARAMETERS: ClassVar[frozenset[str]] = RegisterBank.PARAMETERS | {
        "clocks", "core_clock", "ready", "switches", "resets",
    }  # fmt: skip

    def __init__(self, chip: Chip, spec: PeripheralSpec) -> None:
        place, values = f"peripheral '{spec.name}'", spec.parameters
        self.tree = ClockTree(values.get("clocks", {}), self.stored, place)
        self.core_clock = values.get("core_clock", "core")
        self._ready = [(*read_copy(entry[:4], place), entry[4]) for entry in values.get("ready", ())]
        self._switches = [(*read_copy(entry[:5], place), entry[5]) for entry in values.get("switches", ())]
        self._resets = [(name, read_field(field, place)) for name, field in values.get("resets", {}).items()]
        self._reset_offsets = {field.offset for _, field in self._resets}
        self._started = False
        super().__init__(chip, spec)

    def reset_state(self) -> None:
        self.tree.forget()
        if self._started:
            self._announce()
        self._started = True

    def clock_hertz(self, name: str) -> int:
        """Hertz of a named clock, rounded; 0 while it is off."""
        return round(self.tree.rate(self.core_clock if name == "core" else name))

    def write_register(self, offset: int, value: int) -> None:
        before = dict(self.registers)
        super().write_register(offset, value)
        self._settle()
        if any(before.get(key) != self.stored(key) for key in self.tree.offsets):
            self._announce()
        if offset in self._reset_offsets:
            self._reset_peripherals(offset, self.stored(offset) & ~before.get(offset, 0))

    def _settle(self) -> None:
        """Let ready bits and clock switches follow; an oscillator first, then what hangs on it."""
        self.tree.forget()
        for enable, ready, clock in self._ready:
            self.set_field(ready, 1 if self.field(enable) and self.tree.rate(clock) else 0)
            self.tree.forget()
        for wanted, status, clock in self._switches:
            self._switch(wanted, status, clock)

    def _switch(self, wanted, status, clock: str) -> None:
        old = self.field(status)
        self.set_field(status, self.field(wanted))
        self.tree.forget()
        if not self.tree.rate(clock):
            self.set_field(status, old)
            self.tree.forget()

    def _announce(self) -> None:
        self.tree.forget()
        hertz = self.clock_hertz("core")
        if not hertz:
            raise McusimError(
                f"peripheral '{self.spec.name}': the firmware has switched off the clock that the core runs from"
            )
        self.chip.set_core_hertz(hertz)

    def _reset_peripherals(self, offset: int, bits: int) -> None:
        for name, field in self._resets:
            if field.offset == offset and field.mask & bits:
                self.chip.peripheral(name).reset_registers()

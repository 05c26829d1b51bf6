"""Reset and clock control of STM32: a register bank over a clock tree."""

from __future__ import annotations

from typing import ClassVar

from mcusim.boards.board import PeripheralSpec
from mcusim.errors import McusimError
from mcusim.machine.peripheral import Chip
from mcusim.machine.peripherals.clock_tree import ClockTree
from mcusim.machine.peripherals.register_bank import BitField, RegisterBank, read_copy, read_field, read_offset


class ClockControl(RegisterBank):
    """RCC: derives every clock from what the firmware programs and tells the chip when one changes.

    ``clocks`` is the tree (see ``clock_tree``) and ``core_clock`` the node that clocks the core. ``ready`` lists
    [register, enable bit, register, ready bit, clock]: ready follows the enable while ``clock`` runs; ``switches``
    lists [register, bit, status register, status bit, width, clock]: the status takes over the selection once
    ``clock``, the selected one, runs. ``resets`` maps a peripheral to [register, bit] of its reset bit.
    ``reset_flags`` gives the ``register`` that tells why the chip was reset: the ``mask`` of all flags, bits ``software``,
    ``iwdg``, ``wwdg``, and ``clear``, which clears them; the flag of NRST is in the register's reset value.
    Not modelled: start-up and lock times, clock security, interrupts, stop modes; clock gates are ignored.
    """

    PARAMETERS: ClassVar[frozenset[str]] = RegisterBank.PARAMETERS | {
        "clocks", "core_clock", "ready", "switches", "resets", "reset_flags",
    }  # fmt: skip

    def __init__(self, chip: Chip, spec: PeripheralSpec) -> None:
        place, values = f"peripheral '{spec.name}'", spec.parameters
        self.tree = ClockTree(values.get("clocks", {}), self.stored, place)
        self.core_clock = values.get("core_clock", "core")
        self._ready = [(*read_copy(entry[:4], place), entry[4]) for entry in values.get("ready", ())]
        self._switches = [(*read_copy(entry[:5], place), entry[5]) for entry in values.get("switches", ())]
        self._resets = [(name, read_field(field, place)) for name, field in values.get("resets", {}).items()]
        self._reset_offsets = {field.offset for _, field in self._resets}
        self._flags = values.get("reset_flags", {})
        self._flag_register = read_offset(self._flags.get("register", -1), place)
        self._cause, self._started = "software", False
        super().__init__(chip, spec)

    def note_reset(self, cause: str) -> None:
        """The reset that comes now is by ``"iwdg"`` or ``"wwdg"``; one without a note is by software."""
        self._cause = cause

    def reset_registers(self) -> None:
        flags = self.__dict__.get("registers", {}).get(self._flag_register, 0) & self._flags.get("mask", 0)
        super().reset_registers()
        if self._started and self._flags:
            cause = 1 << self._flags[self._cause]
            self.registers[self._flag_register] = self.stored(self._flag_register) | flags | cause
        self._cause, self._started = "software", True

    def reset_state(self) -> None:
        self.tree.forget()
        if self._started:
            self._announce()

    def clock_hertz(self, name: str) -> int:
        """Hertz of a named clock, rounded; 0 while it is off."""
        return round(self.tree.rate(self.core_clock if name == "core" else name))

    def write_register(self, offset: int, value: int) -> None:
        before = dict(self.registers)
        super().write_register(offset, self._keep_flags(value) if offset == self._flag_register else value)
        self._settle()
        if any(before.get(key) != self.stored(key) for key in self.tree.offsets):
            self._announce()
        if offset in self._reset_offsets:
            self._reset_peripherals(offset, self.stored(offset) & ~before.get(offset, 0))

    def _keep_flags(self, value: int) -> int:
        """What a write to the register of the reset flags stores: flags stay, until the clear bit drops them all."""
        mask, clear = self._flags["mask"], 1 << self._flags["clear"]
        kept = 0 if value & clear else self.stored(self._flag_register) & mask
        return value & ~mask & ~clear | kept

    def _settle(self) -> None:
        """Let ready bits and clock switches follow; an oscillator first, then what hangs on it."""
        self.tree.forget()
        for enable, ready, clock in self._ready:
            self.set_field(ready, 1 if self.field(enable) and self.tree.rate(clock) else 0)
            self.tree.forget()
        for wanted, status, clock in self._switches:
            self._switch(wanted, status, clock)

    def _switch(self, wanted: BitField, status: BitField, clock: str) -> None:
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
            raise McusimError(f"peripheral '{self.spec.name}': the firmware has switched off the clock that the core runs from")
        self.chip.set_core_hertz(hertz)

    def _reset_peripherals(self, offset: int, bits: int) -> None:
        for name, field in self._resets:
            if field.offset == offset and field.mask & bits:
                self.chip.peripheral(name).reset_registers()

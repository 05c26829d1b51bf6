"""What a peripheral model is, and what the machine offers to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from mcusim.boards.board import PeripheralSpec


class Event(Protocol):
    """A scheduled callback; ``cancel`` before it is due."""

    def cancel(self) -> None: ...


class Chip(Protocol):
    """The machine as peripherals see it. Time is in core cycles since reset; rates are exact fractions of the core clock."""

    def now(self) -> int:
        """Core cycles since reset, exact at the instruction that accesses the register."""
        ...

    def at(self, cycle: int, action: Callable[[], None]) -> Event:
        """Call ``action`` when the core reaches ``cycle`` (at once at the next boundary if it has passed)."""
        ...

    def set_interrupt(self, number: int, active: bool, source: str = "") -> None:
        """Drive an NVIC input line (level); a rising level pends the interrupt, number is the IRQ number from 0.

        Several sources may share a line (TIM1_UP_TIM16): it is active while any ``source`` drives it.
        """
        ...

    def core_hertz(self) -> int:
        """Core clock at present."""
        ...

    def set_core_hertz(self, hertz: int) -> None:
        """Switch the core clock (from a clock model); counters and events of peripherals are told by ``clock_changed``.

        A clock model also calls it, with the same rate, when only other named clocks changed: peripherals are told too.
        """
        ...

    def clock_hertz(self, name: str) -> int:
        """Rate of a named clock of the board's clock tree (``"apb1_timers"`` ...); ``"core"`` always exists.

        Other names are answered by ``clock_hertz(name)`` of the peripheral that the board names as ``clock_peripheral``.
        """
        ...

    def timing_changed(self) -> None:
        """Tell that wait states, caches or prefetch were reprogrammed, so that pricing asks again."""
        ...

    def empty_cache(self, name: str, address: int | None = None, way: int | None = None) -> None:
        """Tell that the cache called ``name`` (see ``mcusim.pricing.memory``) was invalidated.

        With ``address``: only the line that holds it; with ``way`` too: the line in that way of the address's set.
        """
        ...

    def cache_lookups(self, name: str) -> tuple[int, int, int, int]:
        """(hits of fetches, misses of fetches, hits of data, misses of data) of a simulated cache since reset.

        Repeated accesses to the line touched last are no lookups here.
        """
        ...

    def transmit(self, name: str, data: bytes) -> None:
        """Serial output of the UART ``name``, byte by byte when it has left the shift register."""
        ...

    def read_memory(self, address: int, size: int) -> bytes:
        """Bus read by a DMA master; registers of peripherals included."""
        ...

    def write_memory(self, address: int, data: bytes) -> None:
        """Bus write by a DMA master; registers of peripherals included, memories that only their controller writes not."""
        ...

    def program_memory(self, address: int, data: bytes) -> None:
        """A flash controller programs or erases its memory, code included."""
        ...

    def reset(self, reason: str) -> None:
        """System reset (AIRCR, watchdog) at the next boundary."""
        ...

    def peripheral(self, name: str) -> Any:
        """Another peripheral model of the board by name."""
        ...

    def warn(self, text: str) -> None:
        """A line for the report's warnings; repeated texts are counted, not repeated."""
        ...


class Peripheral:
    """Base of all peripheral models: a register file that reads as last written.

    A model overrides ``read_register``/``write_register`` for whole 32-bit registers at word offsets; narrower accesses
    are composed here. Registers that the model does not know are counted as unmodelled.
    """

    def __init__(self, chip: Chip, spec: PeripheralSpec) -> None:
        self.chip = chip
        self.spec = spec
        self.registers: dict[int, int] = {}
        self.unmodelled: dict[int, int] = {}
        self.reset_registers()

    def reset_registers(self) -> None:
        """Put every register to its documented reset value."""
        reset = self.spec.parameters.get("reset", {})
        self.registers = {int(offset, 0): int(value) for offset, value in reset.items()}

    def read(self, offset: int, size: int) -> int:
        word = self.read_register(offset & ~3)
        return (word >> (8 * (offset & 3))) & ((1 << (8 * size)) - 1)

    def write(self, offset: int, size: int, value: int) -> None:
        if size < 4:
            shift, mask = 8 * (offset & 3), (1 << (8 * size)) - 1
            value = (self.stored(offset & ~3) & ~(mask << shift)) | ((value & mask) << shift)
        self.write_register(offset & ~3, value & 0xFFFFFFFF)

    def stored(self, offset: int) -> int:
        """The register's stored value, without side effects."""
        return self.registers.get(offset, 0)

    def read_register(self, offset: int) -> int:
        if offset not in self.registers:
            self.unmodelled[offset] = self.unmodelled.get(offset, 0) + 1
        return self.registers.get(offset, 0)

    def write_register(self, offset: int, value: int) -> None:
        if offset not in self.registers:
            self.unmodelled[offset] = self.unmodelled.get(offset, 0) + 1
        self.registers[offset] = value

    def clock_changed(self) -> None:
        """Some clock of the board changed its rate; counters latch and restart here."""

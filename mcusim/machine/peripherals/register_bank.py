"""Registers whose behaviour a board file says in full: storage, ready bits, bits cleared by writes or by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mcusim.boards.board import PeripheralSpec
from mcusim.errors import BoardError
from mcusim.machine.peripheral import Chip
from mcusim.machine.peripherals.register_file import RegisterFile


@dataclass(frozen=True, slots=True)
class BitField:
    """``width`` bits from bit ``low`` of the register at ``offset``; written [offset, low] or [offset, low, width]."""

    offset: int
    low: int
    width: int = 1

    @property
    def mask(self) -> int:
        """The field's bits in its register."""
        return ((1 << self.width) - 1) << self.low

    def of(self, register: int) -> int:
        """The field's value in a register's value."""
        return (register & self.mask) >> self.low

    def into(self, register: int, value: int) -> int:
        """The register's value with the field set to ``value``."""
        return (register & ~self.mask) | (value << self.low & self.mask)


def read_offset(value: Any, place: str) -> int:
    """A register offset: an integer or a string such as "0x1C"."""
    try:
        return value if isinstance(value, int) else int(value, 0)
    except (TypeError, ValueError):
        raise BoardError(f'{place}: {value!r} is no register offset; write 28 or "0x1C"') from None


def read_field(value: Sequence[Any], place: str) -> BitField:
    """A bit field from its list in a board file."""
    if not isinstance(value, (list, tuple)) or len(value) not in (2, 3):
        raise BoardError(f"{place}: {value!r} is no field; write [register, lowest bit] or [register, lowest bit, width]")
    return BitField(read_offset(value[0], place), *value[1:])


def read_copy(value: Sequence[Any], place: str) -> tuple[BitField, BitField]:
    """A field and the field that follows it, from [register, bit, ready register, ready bit] with an optional width."""
    if not isinstance(value, (list, tuple)) or len(value) not in (4, 5):
        raise BoardError(f"{place}: {value!r}; write [register, bit, ready register, ready bit] and a width if it is not 1")
    width = value[4] if len(value) == 5 else 1
    return read_field([*value[:2], width], place), read_field([*value[2:4], width], place)


class RegisterBank(RegisterFile):
    """Registers as storage, with the behaviours that the board file lists. Registers in ``reset`` count as modelled.

    ``follow``: lists [register, bit, ready register, ready bit, width], the second field takes the value of the first
    (a ready bit follows its enable at once: start-up times are not modelled). ``read_only``, ``clear_by_one`` and
    ``self_clearing`` map a register to bits that a write does not change, clears where it writes 1, or that read 0
    again at once. ``clear_through``: lists [clear register, flag register], ones written to the first clear bits of
    the second.
    """

    PARAMETERS: ClassVar[frozenset[str]] = frozenset({"follow", "read_only", "clear_by_one", "self_clearing", "clear_through"})

    def __init__(self, chip: Chip, spec: PeripheralSpec) -> None:
        place, values = f"peripheral '{spec.name}'", spec.parameters
        self._masks = {
            kind: {read_offset(key, place): mask for key, mask in values.get(kind, {}).items()}
            for kind in ("read_only", "clear_by_one", "self_clearing")
        }
        self._copies: dict[int, list[tuple[BitField, BitField]]] = {}
        for entry in values.get("follow", ()):
            source, target = read_copy(entry, f"{place}, follow")
            self._copies.setdefault(source.offset, []).append((source, target))
        pairs = values.get("clear_through", ())
        self._clears = {read_offset(clear, place): read_offset(flags, place) for clear, flags in pairs}
        super().__init__(chip, spec)
        self._modelled = frozenset(self.registers) | frozenset(self._clears)

    def read_register(self, offset: int) -> int:
        self._count(offset)
        return self.stored(offset)

    def _count(self, offset: int) -> None:
        if offset not in self._modelled:
            self.unmodelled[offset] = self.unmodelled.get(offset, 0) + 1

    def write_register(self, offset: int, value: int) -> None:
        self._count(offset)
        if offset in self._clears:
            flags = self._clears[offset]
            self.registers[flags] = self.stored(flags) & ~value
            return
        self.registers[offset] = self._effective(offset, value)
        self._copy_from(offset)

    def field(self, field: BitField) -> int:
        """The stored value of a field."""
        return field.of(self.stored(field.offset))

    def set_field(self, field: BitField, value: int) -> None:
        """Store a field as hardware does, past all write rules."""
        self.registers[field.offset] = field.into(self.stored(field.offset), value)

    def _effective(self, offset: int, value: int) -> int:
        old = self.stored(offset)
        kept = self._masks["read_only"].get(offset, 0)
        cleared = self._masks["clear_by_one"].get(offset, 0)
        value = (value & ~kept & ~cleared) | (old & kept) | (old & ~value & cleared)
        return value & ~self._masks["self_clearing"].get(offset, 0)

    def _copy_from(self, offset: int) -> None:
        for source, target in self._copies.get(offset, ()):
            self.set_field(target, self.field(source))
            if target.offset != offset:
                self._copy_from(target.offset)


class UnmodelledRegisters(RegisterFile):
    """A peripheral that nobody models: registers read as last written, from reset values; all accesses are counted."""

    PARAMETERS: ClassVar[frozenset[str]] = frozenset()

    def read_register(self, offset: int) -> int:
        self.unmodelled[offset] = self.unmodelled.get(offset, 0) + 1
        return self.stored(offset)

    def write_register(self, offset: int, value: int) -> None:
        self.unmodelled[offset] = self.unmodelled.get(offset, 0) + 1
        self.registers[offset] = value

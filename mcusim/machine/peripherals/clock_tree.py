"""A chip's clock tree as data: oscillators, tables, multiplexers, multipliers and dividers, evaluated on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from mcusim.errors import BoardError, McusimError
from mcusim.machine.peripherals.register_bank import BitField, read_field

OFF = Fraction(0)
NODE_KEYS = frozenset({"hertz", "table", "select", "field", "from", "multiply", "divide", "enabled"})
FACTOR_KEYS = frozenset({"field", "plus", "values", "fraction", "fraction_enabled"})

Registers = Callable[[int], int]
"""The stored value of the clock controller's register at an offset."""


@dataclass(frozen=True, slots=True)
class Factor:
    """What multiplies or divides a clock: a constant, or a register field.

    The field counts from ``plus``, or is looked up in ``values``; ``fraction`` adds its value / 2**width where
    ``fraction_enabled`` is set or absent.
    """

    constant: Fraction = Fraction(1)
    field: BitField | None = None
    plus: int = 0
    values: tuple[Fraction, ...] = ()
    fraction: BitField | None = None
    fraction_enabled: BitField | None = None

    def value(self, registers: Registers, name: str) -> Fraction:
        """The factor as the registers stand."""
        if self.field is None:
            return self.constant
        number = self.field.of(registers(self.field.offset))
        if self.values:
            return look_up(self.values, number, name)
        return Fraction(number + self.plus) + self._fraction(registers)

    def _fraction(self, registers: Registers) -> Fraction:
        enabled, fraction = self.fraction_enabled, self.fraction
        if fraction is None or (enabled and not enabled.of(registers(enabled.offset))):
            return OFF
        return Fraction(fraction.of(registers(fraction.offset)), 1 << fraction.width)


@dataclass(frozen=True, slots=True)
class Node:
    """One clock. Exactly one of ``hertz``, ``table``, ``select`` and ``source`` says where it comes from."""

    name: str
    hertz: Fraction | None = None
    table: tuple[Fraction, ...] = ()
    select: tuple[str, ...] = ()
    source: str = ""
    field: BitField | None = None
    multiply: Factor = Factor()
    divide: Factor = Factor()
    enabled: BitField | None = None


class ClockTree:
    """Named clocks over the registers of a clock controller.

    Nothing is stored besides results, which ``forget`` drops after a register changed.
    """

    def __init__(self, clocks: Mapping[str, Any], registers: Registers, place: str) -> None:
        self.nodes = {name: read_node(name, values, f"{place}, clock '{name}'") for name, values in clocks.items()}
        self.registers = registers
        self.place = place
        self._rates: dict[str, Fraction] = {}
        self.offsets = frozenset(_offsets(self.nodes.values()))
        self._check_names()

    def forget(self) -> None:
        """Registers have changed: rates are worked out anew."""
        self._rates.clear()

    def rate(self, name: str) -> Fraction:
        """Hertz of a clock, 0 where it is off.

        Raises BoardError for a clock that the tree does not have, McusimError for a reserved multiplexer setting.
        """
        if name not in self._rates:
            if name not in self.nodes:
                raise BoardError(f"{self.place}: unknown clock '{name}'; known are {', '.join(sorted(self.nodes))}")
            self._rates[name] = self._evaluate(self.nodes[name])
        return self._rates[name]

    def rates(self) -> dict[str, Fraction]:
        """Hertz of every clock whose setting is legal now."""
        return {name: self.rate(name) for name in self.nodes}

    def _evaluate(self, node: Node) -> Fraction:
        if node.enabled and not self._field(node.enabled):
            return OFF
        rate = self._source(node)
        if not rate:
            return OFF
        divisor = node.divide.value(self.registers, node.name)
        if not divisor:
            return OFF
        return rate * node.multiply.value(self.registers, node.name) / divisor

    def _source(self, node: Node) -> Fraction:
        if node.hertz is not None:
            return node.hertz
        if node.source:
            return self.rate(node.source)
        number = self._field(node.field) if node.field else 0
        if node.table:
            return look_up(node.table, number, node.name)
        return self.rate(node.select[number]) if number < len(node.select) and node.select[number] else OFF

    def _field(self, field: BitField) -> int:
        return field.of(self.registers(field.offset))

    def _check_names(self) -> None:
        for node in self.nodes.values():
            for name in (*node.select, node.source):
                if name and name not in self.nodes:
                    text = f"'{name}' is unknown; known are {', '.join(sorted(self.nodes))}"
                    raise BoardError(f"{self.place}, clock '{node.name}': {text}")


def look_up(values: tuple[Fraction, ...], number: int, name: str) -> Fraction:
    """Entry ``number`` of a table of factors or frequencies."""
    if number >= len(values):
        raise McusimError(f"clock '{name}': setting {number} is reserved; allowed are 0 to {len(values) - 1}")
    return values[number]


def read_node(name: str, values: Mapping[str, Any], place: str) -> Node:
    """A node from its table in a board file."""
    _check_keys(values, NODE_KEYS, place)
    origins = [key for key in ("hertz", "table", "select", "from") if key in values]
    if len(origins) != 1:
        raise BoardError(f"{place}: needs exactly one of hertz, table, select and from; it has {origins}")
    if origins[0] in ("table", "select") and "field" not in values:
        raise BoardError(f"{place}: {origins[0]} needs the field that chooses from it")
    fields: dict[str, Any] = {key: read_field(values[key], place) for key in ("field", "enabled") if key in values}
    factors: dict[str, Any] = {key: read_factor(values[key], place) for key in ("multiply", "divide") if key in values}
    hertz = Fraction(values["hertz"]) if "hertz" in values else None
    table = tuple(Fraction(value) for value in values.get("table", ()))
    return Node(name, hertz, table, tuple(values.get("select", ())), values.get("from", ""), **fields, **factors)


def read_factor(value: Any, place: str) -> Factor:
    """A factor from its integer or table in a board file."""
    if isinstance(value, int):
        return Factor(Fraction(value))
    _check_keys(value, FACTOR_KEYS, place)
    if "field" not in value:
        raise BoardError(f"{place}: a factor is an integer or a table with a field")
    keys = ("field", "fraction", "fraction_enabled")
    fields: dict[str, Any] = {key: read_field(value[key], place) for key in keys if key in value}
    values = tuple(Fraction(entry) for entry in value.get("values", ()))
    return Factor(plus=value.get("plus", 0), values=values, **fields)


def _check_keys(values: Mapping[str, Any], allowed: frozenset[str], place: str) -> None:
    for key in values:
        if key not in allowed:
            raise BoardError(f"{place}: unknown key '{key}'; allowed are {', '.join(sorted(allowed))}")


def _offsets(nodes: Any) -> list[int]:
    fields = []
    for node in nodes:
        fields += [node.field, node.enabled]
        for factor in (node.multiply, node.divide):
            fields += [factor.field, factor.fraction, factor.fraction_enabled]
    return [field.offset for field in fields if field]

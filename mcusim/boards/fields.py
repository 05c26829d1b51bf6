"""Fields of a board file: which keys a table may hold, and how each value is read."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcusim.errors import BoardError

MULTIPLES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
QUANTITY = re.compile(r"(0[xX][0-9a-fA-F_]+|[0-9_]+) ?([KMG]?)")
ADDRESS_LIMIT = 1 << 32


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which file a value stands, for error messages."""

    file: Path
    key: str = ""

    def below(self, key: str) -> Place:
        """The place of ``key`` inside this one."""
        return Place(self.file, f"{self.key}.{key}" if self.key else key)

    def error(self, text: str) -> BoardError:
        """An error about this place."""
        return BoardError(f"{self.file}: {self.key}: {text}" if self.key else f"{self.file}: {text}")


Reader = Callable[[Any, Place], Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a table: how its value is read, and whether it must be there."""

    reader: Reader
    required: bool = False


Table = Mapping[str, Field]


def read_table(values: Mapping[str, Any], table: Table, place: Place) -> dict[str, Any]:
    """The values of one table, each read by its field; absent optional keys stay absent."""
    if not isinstance(values, Mapping):
        raise place.error(f"{values!r} is not a table")
    for key in values:
        if key not in table:
            raise place.below(key).error(f"unknown key; allowed are {', '.join(sorted(table))}")
    for key, field in table.items():
        if field.required and key not in values:
            raise place.below(key).error("is missing")
    return {key: table[key].reader(value, place.below(key)) for key, value in values.items()}


def text(value: Any, place: Place) -> str:
    """A string."""
    if not isinstance(value, str):
        raise place.error(f"{value!r} is not a string")
    return value


def flag(value: Any, place: Place) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise place.error(f"{value!r} is neither true nor false")
    return value


def quantity(value: Any, place: Place) -> int:
    """A count, address or size: an integer, or a string such as "640K", "2M" or "0x2000_0000"."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise place.error(f'{value!r} is neither an integer nor a string such as "640K"')
    if isinstance(value, str):
        match = QUANTITY.fullmatch(value)
        if match is None:
            raise place.error(f'\'{value}\' is no number; write 655360, "0xA0000" or "640K" (K, M, G are powers of 1024)')
        value = int(match[1].replace("_", ""), 16 if match[1][:2].lower() == "0x" else 10) * MULTIPLES[match[2]]
    if value < 0:
        raise place.error(f"{value} is negative")
    return value


def difference(value: Any, place: Place) -> int:
    """An integer that may be negative."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise place.error(f"{value!r} is no integer")
    return value


def number(value: Any, place: Place) -> float:
    """A finite number, not negative."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise place.error(f"{value!r} is no number")
    if not 0 <= value < math.inf:
        raise place.error(f"{value} is not allowed; allowed are finite numbers from 0")
    return float(value)


def address(value: Any, place: Place) -> int:
    """A 32-bit address."""
    number = quantity(value, place)
    if number >= ADDRESS_LIMIT:
        raise place.error(f"{number:#x} is no 32-bit address")
    return number


def define(value: Any, place: Place) -> int | str:
    """The value of a C macro: an integer, or text as it shall stand in the C source."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise place.error(f"{value!r} is neither an integer nor text")
    return value


def choice(*allowed: str) -> Reader:
    """A reader for one of a few words."""

    def read(value: Any, place: Place) -> str:
        if value not in allowed:
            raise place.error(f"{value!r} is not allowed; allowed are {', '.join(allowed)}")
        return value

    return read


def list_of(reader: Reader) -> Reader:
    """A reader for a list, as a tuple."""

    def read(value: Any, place: Place) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise place.error(f"{value!r} is not a list")
        return tuple(reader(entry, place.below(str(index))) for index, entry in enumerate(value))

    return read


def map_of(reader: Reader) -> Reader:
    """A reader for a table with free keys."""

    def read(value: Any, place: Place) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise place.error(f"{value!r} is not a table")
        return {key: reader(entry, place.below(key)) for key, entry in value.items()}

    return read


def anything(value: Any, place: Place) -> Any:
    """A value that its model checks."""
    return value

"""What a board's own measurements say of its core. Table ``[timing]`` of a board file, over the core's table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mcusim.boards.fields import Field, Place, number, quantity, read_table, text


@dataclass(frozen=True, slots=True)
class CoreNumber:
    """A number of the core's table as this board has it: ``value`` in cycles, where it is from, its standard error.

    ``place`` is where it stands, in a file or elsewhere: whether the core has such a number is asked when it is used.
    """

    value: int
    source: str
    standard_error: float = 0.0
    place: str = ""


CORE_NUMBER = {
    "value": Field(quantity, required=True),
    "source": Field(text, required=True),
    "standard_error": Field(number),
}


def timing_table(value: Any, place: Place) -> dict[str, CoreNumber]:
    """Numbers by their names in ``mcusim.cores.numbers``: ``load.cycles = { value = 3, source = "..." }``."""
    if not isinstance(value, Mapping):
        raise place.error(f"{value!r} is not a table")
    return dict(_numbers("", value, place))


def _numbers(prefix: str, table: Mapping[str, Any], place: Place) -> Iterable[tuple[str, CoreNumber]]:
    for key, value in table.items():
        name, inside = f"{prefix}{key}", place.below(key)
        if isinstance(value, Mapping) and not CORE_NUMBER.keys() & value.keys():
            yield from _numbers(f"{name}.", value, inside)
        else:
            yield name, CoreNumber(**read_table(value, CORE_NUMBER, inside), place=f"{inside.file}: {inside.key}")

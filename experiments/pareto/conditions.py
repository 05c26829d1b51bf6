"""Conditions on rows of a table: ``flash_bytes<=256Ki``, ``board=nucleo-l4r5zi`` and the like."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, DecimalException

import numpy as np

from cost_models.constraints import BYTES, JOULES, SECONDS
from experiments.pareto.results import Results, ResultsError

UNITS: Mapping[str, Mapping[str, float]] = {"_seconds": SECONDS, "_joules": JOULES, "_bytes": BYTES, "": {"": 1.0, "%": 0.01}}
"""Units in which a limit on a column with such an ending can be written."""

Compare = Callable[[np.ndarray, float], np.ndarray]
ORDERED: Mapping[str, Compare] = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}
EQUAL: Mapping[str, bool] = {"=": True, "!=": False}

_TEXT = re.compile(r"\s*([^<>=!\s]+)\s*(<=|>=|!=|<|>|=)\s*(.*?)\s*")
_NUMBER = re.compile(r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)\s*([A-Za-zµ%]*)")


@dataclass(frozen=True, slots=True)
class Condition:
    """``column`` stands in ``relation`` to ``wanted``, a number in the unit that the column's name says, or text."""

    column: str
    relation: str
    wanted: float | str

    def holds(self, results: Results) -> np.ndarray:
        """Of each row; an empty cell is in no order to anything. ResultsError for a column that there is not."""
        if self.relation in ORDERED:
            assert isinstance(self.wanted, float)
            with np.errstate(invalid="ignore"):
                return np.asarray(ORDERED[self.relation](results.numbers(self.column), self.wanted))
        results.check(self.column)
        same = [_same(row[self.column], self.wanted) for row in results.rows]
        return np.array(same, bool) == EQUAL[self.relation]

    def __str__(self) -> str:
        wanted = f"{self.wanted:.15g}" if isinstance(self.wanted, float) else self.wanted
        return f"{self.column}{self.relation}{wanted}"


def _same(cell: str, wanted: float | str) -> bool:
    if isinstance(wanted, str):
        return cell == wanted
    try:
        return float(cell) == wanted
    except ValueError:
        return False


def parsed(texts: Sequence[str]) -> tuple[Condition, ...]:
    """Conditions as they are written, several in one text with commas between. ResultsError for what is none."""
    return tuple(_read(part) for text in texts for part in text.split(","))


def _read(text: str) -> Condition:
    found = _TEXT.fullmatch(text)
    if found is None:
        allowed = "COLUMN<=NUMBER[UNIT] (or <, >=, >), COLUMN=VALUE, COLUMN!=VALUE"
        raise ResultsError(f"{text!r} is no condition; allowed: {allowed}")
    column, relation, value = found.groups()
    number = _number(column, value, text)
    if number is None and relation in ORDERED:
        raise ResultsError(f"{text.strip()}: {value!r} after {relation}; allowed: a number")
    return Condition(column, relation, value if number is None else number)


def _number(column: str, value: str, text: str) -> float | None:
    found = _NUMBER.fullmatch(value)
    if found is None:
        return None
    digits, unit = found.groups()
    units = next(units for ending, units in UNITS.items() if column.endswith(ending))
    if unit not in units:
        raise ResultsError(f"{text.strip()}: unit {unit!r}; allowed: {', '.join(filter(None, units))}, or none")
    try:
        return float(Decimal(digits) * Decimal(repr(units[unit])))  # 95 % is 0.95, and 95 * 0.01 is not
    except DecimalException:
        return None

"""The numbers of a core's table by name, and the core with others: what a board file's ``[timing]`` may say.

Names are ``KIND.FIELD`` of a kind of instruction (``load.cycles``), ``rules.FIELD``, ``latency.ROW.ROLE``,
``mispredict_cycles``, and ``divide_cycles`` and ``multiply_long_cycles``: tables by operands, which move as a whole and are
called by their first entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from mcusim.cores.core import Core, Table, Timing
from mcusim.errors import UnsupportedError
from mcusim.isa.kind import Kind

LEAST = {"cycles": 1, "each": 0, "refill": 0, "latency": 1, "float_busy": 1}
"""Fields of a kind's timing, and the least that each can be. What the table has as 0, the kind lacks."""
MOST = 1000
"""Cycles that no instruction takes: a slip of the pen."""
TABLES = ("divide_cycles", "multiply_long_cycles")


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a core's table, the least that it can be, and the core with another in its place."""

    name: str
    value: int
    least: int
    put: Callable[[Core, int], Core]


def numbers_of(core: Core) -> dict[str, Number]:
    """All that there are, by name."""
    found = (*_of_kinds(core), *_of_rules(core), *_latencies(core), *_tables(core))
    return {number.name: number for number in found}


def with_number(core: Core, name: str, value: int) -> Core:
    """The core with ``value`` in place of its table's. UnsupportedError for a name that it has not, and for no such cycles."""
    numbers = numbers_of(core)
    if name not in numbers:
        raise UnsupportedError(f"core {core.name} has no such number; allowed {_allowed(name, numbers)}")
    if not numbers[name].least <= value <= MOST:
        raise UnsupportedError(f"{value} cycles are not allowed; allowed are {numbers[name].least} to {MOST}")
    return numbers[name].put(core, value)


def _allowed(name: str, numbers: Iterable[str]) -> str:
    """Those that begin like ``name``; where there are none, what they begin with."""
    near = sorted(other for other in numbers if other.split(".")[0] == name.split(".")[0])
    return f"are {', '.join(near)}" if near else f"begin with {', '.join(sorted({other.split('.')[0] for other in numbers}))}"


def _of_kinds(core: Core) -> Iterable[Number]:
    for kind, timing in core.timing.items():
        for name, least in LEAST.items():
            if getattr(timing, name):
                yield _of_kind(kind, name, timing, least)


def _of_kind(kind: Kind, name: str, timing: Timing, least: int) -> Number:
    def put(core: Core, value: int) -> Core:
        field: dict[str, Any] = {name: value}
        return replace(core, timing={**core.timing, kind: replace(core.timing[kind], **field)})

    return Number(f"{kind}.{name}", getattr(timing, name), least, put)


def _of_rules(core: Core) -> Iterable[Number]:
    """Whole numbers among the rules. Choices and collections are the core's make."""
    for field in fields(core.rules):
        value = getattr(core.rules, field.name)
        if type(value) is int:
            yield _rule(field.name, value)


def _rule(name: str, value: int) -> Number:
    def put(core: Core, value: int) -> Core:
        return replace(core, rules=replace(core.rules, **{name: value}))

    return Number(f"rules.{name}", value, 0, put)


def _latencies(core: Core) -> Iterable[Number]:
    table: Mapping[str, Mapping[str, int]] = getattr(core.rules, "latencies", {})
    return [_latency(row, role, value) for row, roles in table.items() for role, value in roles.items()]


def _latency(row: str, role: str, value: int) -> Number:
    def put(core: Core, value: int) -> Core:
        table = core.rules.latencies
        return replace(core, rules=replace(core.rules, latencies={**table, row: {**table[row], role: value}}))

    return Number(f"latency.{row}.{role}", value, 0, put)


def _tables(core: Core) -> Iterable[Number]:
    yield from (_table(name, getattr(core, name)) for name in TABLES if getattr(core, name))
    if core.mispredict_cycles:
        yield Number(
            "mispredict_cycles", core.mispredict_cycles, 0, lambda core, value: replace(core, mispredict_cycles=value)
        )


def _table(name: str, table: Table) -> Number:
    def put(core: Core, value: int) -> Core:
        rows: Table = getattr(core, name)
        more = value - rows[0][0]
        moved: dict[str, Any] = {name: tuple(tuple(cycles + more for cycles in row) for row in rows)}
        accumulate: Mapping[int, int] = getattr(core.rules, "accumulate_long", {})
        if name == "multiply_long_cycles" and accumulate:  # by the cycles of the multiply
            moved["rules"] = replace(core.rules, accumulate_long={c + more: a for c, a in accumulate.items()})
        return replace(core, **moved)

    return Number(name, table[0][0], 1, put)

"""A core's timing parameters as numbers with names, and the core with others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from calibration.regression import Prior
from mcusim.cores import Core, Table, Timing
from mcusim.isa.kind import Kind

FIELDS = {"cycles": 1, "each": 0, "refill": 0, "latency": 1, "float_busy": 1}
"""Fields of a kind's timing that are prices, and the least that each can be. What the table has as 0, the kind lacks."""
RULES = {
    "load_bubble", "address_stall", "store_to_load", "register_store", "indexed_store_same_base", "misaligned_target",
    "settled_refill", "one_word_loop_refill", "flagged_multiply", "multiple_stall",
}  # fmt: skip
"""Rules that are prices in cycles. Others are lengths, depths or choices, on which cycles do not depend linearly."""
PREDICTED = frozenset({Kind.BRANCH_CONDITIONAL, Kind.BRANCH_COMPARE})
"""Kinds that bodies have a predictor err at."""
TABLES = {
    "divide_cycles": frozenset({Kind.DIVIDE}),
    "multiply_long_cycles": frozenset({Kind.MULTIPLY_LONG, Kind.MULTIPLY_ACCUMULATE_LONG}),
}
"""Tables of cycles by operands, and the kinds that they are for."""
LEAST_LATENCY = {"paired": 1, "dual_issue": 0}
"""Least latency by engine: what issues one instruction a cycle cannot tell 0 from 1."""
FLAGS = ("flags", "late_flags")
"""Rows of the latency table that flags come of; in others their column is there for the form only."""
UNCERTAINTY = 2.0
"""Prior standard deviation in cycles: published tables are rarely off by more, but they are."""
MOST = 24
"""Cycles that no parameter is far above its table's value."""

Change = Callable[[Core, int], Core]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number of a core's table: its value there, and how to get a core with another.

    ``kinds`` are the kinds of instruction that it can be felt by; empty for rules and latencies, which ``prices`` watches.
    """

    name: str
    value: int
    least: int
    change: Change
    kinds: frozenset[Kind] = frozenset()

    @property
    def prior(self) -> Prior:
        """What the published table says, as a prior of a fit."""
        return Prior(self.name, self.value, UNCERTAINTY, self.least, self.value + MOST, integer=True)


def parameters_of(core: Core) -> tuple[Parameter, ...]:
    """All parameters of a core's table."""
    kinds = [_of_kind(kind, name, timing) for kind, timing in core.timing.items() for name in FIELDS if getattr(timing, name)]
    rules = [_rule(core, field.name) for field in fields(core.rules) if field.name in RULES]
    tables = [_table(core, name) for name in TABLES if getattr(core, name)]
    return (*kinds, *rules, *_latencies(core), *tables, *([_mispredict(core)] if core.mispredict_cycles else []))


def changed(core: Core, parameters: tuple[Parameter, ...], values: Mapping[str, float]) -> Core:
    """The core with these values, by name, in place of its table's."""
    for parameter in parameters:
        value = round(values.get(parameter.name, parameter.value))
        if value != parameter.value:
            core = parameter.change(core, value)
    return core


def _of_kind(kind: Kind, name: str, timing: Timing) -> Parameter:
    def change(core: Core, value: int) -> Core:
        field: dict[str, Any] = {name: value}
        return replace(core, timing={**core.timing, kind: replace(core.timing[kind], **field)})

    return Parameter(f"{kind}.{name}", getattr(timing, name), FIELDS[name], change, frozenset({kind}))


def _rule(core: Core, name: str) -> Parameter:
    def change(core: Core, value: int) -> Core:
        return replace(core, rules=replace(core.rules, **{name: value}))

    return Parameter(f"rules.{name}", getattr(core.rules, name), 0, change)


def _mispredict(core: Core) -> Parameter:
    return Parameter("mispredict_cycles", core.mispredict_cycles, 0, lambda core, value: replace(core, mispredict_cycles=value),
                     PREDICTED)  # fmt: skip


def _latencies(core: Core) -> list[Parameter]:
    """Entries of the latency table, of engines that have one."""

    def entry(row: str, role: str, value: int) -> Parameter:
        def change(core: Core, value: int) -> Core:
            table = core.rules.latencies
            return replace(core, rules=replace(core.rules, latencies={**table, row: {**table[row], role: value}}))

        return Parameter(f"latency.{row}.{role}", value, min(value, LEAST_LATENCY[core.pipeline]), change)

    table: Mapping[str, Mapping[str, int]] = getattr(core.rules, "latencies", {})
    entries = ((row, role, value) for row, roles in table.items() for role, value in roles.items())
    return [entry(*each) for each in entries if each[1] != "flags" or each[0] in FLAGS]


def _table(core: Core, name: str) -> Parameter:
    """A table of operand-dependent cycles, moved as a whole; its value is that of operands of 0."""

    def change(core: Core, value: int) -> Core:
        rows: Table = getattr(core, name)
        more = value - rows[0][0]
        tables: dict[str, Any] = {name: tuple(tuple(cycles + more for cycles in row) for row in rows)}
        accumulate = getattr(core.rules, "accumulate_long", {})
        if name == "multiply_long_cycles" and accumulate:  # by the cycles of the multiply
            tables["rules"] = replace(core.rules, accumulate_long={c + more: a for c, a in accumulate.items()})
        return replace(core, **tables)

    return Parameter(name, getattr(core, name)[0][0], 1, change, TABLES[name])

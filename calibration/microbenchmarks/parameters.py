"""A core's timing parameters: numbers of its table that are prices in cycles, as parameters of a fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from calibration.regression import Prior
from mcusim.cores import Core
from mcusim.cores.numbers import Number, numbers_of
from mcusim.isa.kind import Kind

RULES = {
    "load_bubble", "address_stall", "store_to_load", "register_store", "indexed_store_same_base", "misaligned_target",
    "settled_refill", "one_word_loop_refill", "flagged_multiply", "multiple_stall",
}  # fmt: skip
"""Rules that are prices in cycles. Others are lengths, depths or choices, on which cycles do not depend linearly."""
FELT_BY = {
    "divide_cycles": frozenset({Kind.DIVIDE}),
    "multiply_long_cycles": frozenset({Kind.MULTIPLY_LONG, Kind.MULTIPLY_ACCUMULATE_LONG}),
    "mispredict_cycles": frozenset({Kind.BRANCH_CONDITIONAL, Kind.BRANCH_COMPARE}),  # that bodies have a predictor err at
}
"""Kinds that feel a number which stands for no kind alone."""
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
    numbers = (number for number in numbers_of(core).values() if _is_price(number.name))
    return tuple(Parameter(each.name, each.value, _least(core, each), each.put, _kinds(each.name)) for each in numbers)


def changed(core: Core, parameters: tuple[Parameter, ...], values: Mapping[str, float]) -> Core:
    """The core with these values, by name, in place of its table's."""
    for parameter in parameters:
        value = round(values.get(parameter.name, parameter.value))
        if value != parameter.value:
            core = parameter.change(core, value)
    return core


def _is_price(name: str) -> bool:
    group, _, rest = name.partition(".")
    if group == "latency":
        row, _, role = rest.partition(".")
        return role != "flags" or row in FLAGS
    return group != "rules" or rest in RULES


def _least(core: Core, number: Number) -> int:
    if number.name.startswith("latency."):
        return min(number.value, LEAST_LATENCY[core.pipeline])
    return number.least


def _kinds(name: str) -> frozenset[Kind]:
    group = name.partition(".")[0]
    return FELT_BY[group] if group in FELT_BY else frozenset() if group in ("rules", "latency") else frozenset({Kind(group)})

"""The price of events under a supply and a clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mcusim.boards.energy_table import (
    ACTIVE,
    CYCLE_STATES,
    CYCLES,
    REGULATORS,
    RUN,
    SLEEP,
    STATIC_EXPONENT,
    EnergyTable,
    Figure,
)
from mcusim.errors import BoardError

STATIC = "static"
"""Kind of the energy that time costs, beside the kinds of events."""
Events = Mapping[str, Mapping[str, int]]
Spans = Iterable[tuple[int, int]]
"""Clocks in hertz, with the cycles spent at each."""


class EnergyError(BoardError):
    """Energy that cannot be told: a board without the figures for it, or a supply that the board does not take."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Joules per event by kind and what it happens to; those of kind ``STATIC`` are per cycle in each state."""

    joules: Mapping[str, Mapping[str, float]]

    def of(self, events: Events) -> dict[str, float]:
        """Joules of ``events`` by kind, without zeros. Linear: what parts cost adds up to what the whole costs."""
        counts = {**events, STATIC: events.get(CYCLES, {})}
        totals = {
            kind: sum(prices.get(what, 0.0) * count for what, count in counts.get(kind, {}).items())
            for kind, prices in self.joules.items()
        }
        return {kind: joules for kind, joules in totals.items() if joules}

    def total(self, events: Events) -> float:
        """Joules of ``events``."""
        return sum(self.of(events).values())


def prices_at(table: EnergyTable, supply_volts: float, spans: Spans) -> Prices:
    """Prices at ``supply_volts`` for a run that spent ``spans`` at its clocks; several clocks are averaged by cycles.

    The core voltage is the lowest that the clock allows. EnergyError for a supply outside of what the board takes. Not
    modelled: a voltage range that firmware programs higher than needed, temperature, the data that events move.
    """
    check_supply(table, supply_volts)
    clocks = [(hertz, cycles) for hertz, cycles in spans if cycles]
    whole = sum(cycles for _, cycles in clocks)
    scale = sum(_scale(table, supply_volts, hertz) * cycles for hertz, cycles in clocks) / whole if whole else 0.0
    seconds = sum(cycles / hertz for hertz, cycles in clocks) / whole if whole else 0.0
    joules = {kind: {what: figure.value * scale for what, figure in row.items()} for kind, row in table.joules.items()}
    if CYCLES in joules:
        joules[CYCLES] = {state: joules[CYCLES].get(state, joules[CYCLES][ACTIVE]) for state in CYCLE_STATES}
    static = (supply_volts / table.supply_volts) ** STATIC_EXPONENT[table.regulator] * seconds
    return Prices({**joules, STATIC: {state: _watts(table.static_watts, state) * static for state in CYCLE_STATES}})


def check_supply(table: EnergyTable, supply_volts: float) -> None:
    """EnergyError for a supply voltage that the board does not take; without a known range, any but the table's own."""
    lowest, highest = table.supply_range or (table.supply_volts, table.supply_volts)
    if not lowest <= supply_volts <= highest:
        allowed = f"{lowest:g} V" if lowest == highest else f"{lowest:g} to {highest:g} V"
        raise EnergyError(f"a supply of {supply_volts:g} V; allowed on this board: {allowed}")


def _scale(table: EnergyTable, supply_volts: float, hertz: int) -> float:
    """Energy of an event over that at the table's own supply and clock."""
    of_supply, of_core = REGULATORS[table.regulator]
    core = _core_volts(table, hertz) / _core_volts(table, table.clock_hertz)
    return float((supply_volts / table.supply_volts) ** of_supply * core**of_core)


def _core_volts(table: EnergyTable, hertz: int) -> float:
    """Lowest core voltage that allows ``hertz``; the highest there is beyond all ranges, 1 where it is fixed."""
    if not table.core_volts:
        return 1.0
    return next((row.volts for row in table.core_volts if hertz <= row.hertz), table.core_volts[-1].volts)


def _watts(static: Mapping[str, Figure], state: str) -> float:
    figure = static.get(SLEEP if state == SLEEP else RUN) or static.get(RUN)
    return figure.value if figure else 0.0

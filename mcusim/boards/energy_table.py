"""What events cost on a board: joules per event, watts over time, currents asleep. Table ``[energy]`` of a board file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mcusim.boards.fields import Field, Place, choice, list_of, map_of, number, quantity, read_table, text

INTEGER, MULTIPLY, DIVIDE, SIMD, LOAD, STORE = "integer", "multiply", "divide", "simd", "load", "store"
BRANCH, FLOAT, FLOAT_DIVIDE, DOUBLE, SYSTEM = "branch", "float", "float_divide", "double", "system"
INSTRUCTION_CLASSES = (INTEGER, MULTIPLY, DIVIDE, SIMD, LOAD, STORE, BRANCH, FLOAT, FLOAT_DIVIDE, DOUBLE, SYSTEM)
"""Instructions that cost about the same energy."""

INSTRUCTIONS, FETCH, READ, WRITE, CYCLES = "instructions", "fetch", "read", "write", "cycles"
HIT, MISS, WRITEBACK, WAYS = "hit", "miss", "writeback", "ways"
DEVICE_READ, DEVICE_AHEAD, DEVICE_WRITE = "device_read", "device_ahead", "device_write"
EVENTS = {
    INSTRUCTIONS: "instructions by class, executed or not (mcusim.energy.instruction_class)",
    FETCH: "halfwords of instructions, by the memory that they lie in",
    READ: "words (or parts of one) that loads read, by memory",
    WRITE: "words (or parts of one) that stores write, by memory",
    HIT: "look-ups that hit, by cache",
    MISS: "look-ups that missed, by cache: a line is filled, or a store passes by",
    WRITEBACK: "dirty lines written back, by cache",
    WAYS: "halfwords that fetches and accesses ask a cache for, times the ways that are searched, by cache",
    DEVICE_READ: "reads that nothing had prepared, by memory behind caches and buffers",
    DEVICE_AHEAD: "words found read ahead, by memory behind caches and buffers",
    DEVICE_WRITE: "stores, by memory behind caches and buffers",
    CYCLES: "core cycles: active, stall (waiting for memories), sleep",
}
"""Kinds of events, and what is counted."""
MEMORY_EVENTS = (HIT, MISS, WRITEBACK, DEVICE_READ, DEVICE_AHEAD, DEVICE_WRITE)
"""Kinds that caches, buffers and the memories behind them tell apart."""
ACTIVE, STALL, SLEEP = "active", "stall", "sleep"
CYCLE_STATES = (ACTIVE, STALL, SLEEP)
RUN = "run"
STATIC_STATES = (RUN, SLEEP)

REGULATORS = {"direct": (2, 0), "ldo": (1, 1), "smps": (0, 2)}
"""Exponents of supply voltage and of core voltage in the energy of an event, by what stands between the two.

``direct``: the core runs from the supply (E ~ V^2). ``ldo``: a linear regulator passes the core's current, so that
E ~ V_supply * V_core. ``smps``: a switching regulator passes its power, E ~ V_core^2, at an efficiency taken as constant.
"""
STATIC_EXPONENT = {"direct": 1, "ldo": 1, "smps": 0}
"""Exponent of the supply voltage in the static power."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with where it comes from."""

    value: float
    source: str


@dataclass(frozen=True, slots=True)
class CoreVoltage:
    """The core runs from ``volts`` up to a clock of ``hertz``."""

    hertz: int
    volts: float
    source: str


@dataclass(frozen=True, slots=True)
class EnergyTable:
    """Energies of a board at ``supply_volts`` and at the core voltage of ``clock_hertz``.

    ``joules``: per event, by kind of event and what it happens to (``EVENTS``); what is not listed costs nothing of its own,
    because the table's fit could not tell it from what is; cycles in ``stall`` and ``sleep`` cost as ``active`` ones then.
    ``static_watts``: by state of the core, ``run`` and ``sleep`` (else as ``run``). ``sleep_amperes``: supply current between
    runs, by mode, the mode to use first. ``core_volts``: ranges of the core voltage, lowest first; empty where it is fixed.
    ``supply_range``: lowest and highest supply; empty for ``supply_volts`` alone. ``grade``: what to expect of the numbers,
    for people.
    """

    supply_volts: float
    regulator: str
    grade: str
    clock_hertz: int = 0
    joules: Mapping[str, Mapping[str, Figure]] = field(default_factory=dict)
    static_watts: Mapping[str, Figure] = field(default_factory=dict)
    sleep_amperes: Mapping[str, Figure] = field(default_factory=dict)
    core_volts: tuple[CoreVoltage, ...] = ()
    supply_range: tuple[float, ...] = ()


FIGURE = {"value": Field(number, required=True), "source": Field(text, required=True)}
CORE_VOLTAGE = {
    "hertz": Field(quantity, required=True), "volts": Field(number, required=True), "source": Field(text, required=True),
}  # fmt: skip


def figure(value: Any, place: Place) -> Figure:
    """A table of ``value`` and ``source``."""
    return Figure(**read_table(value, FIGURE, place))


def core_voltage(value: Any, place: Place) -> CoreVoltage:
    """A table of ``hertz``, ``volts`` and ``source``."""
    return CoreVoltage(**read_table(value, CORE_VOLTAGE, place))


def states(*allowed: str) -> dict[str, Field]:
    """Fields of a table with a figure for each of ``allowed``."""
    return {name: Field(figure) for name in allowed}


JOULES = {kind: Field(map_of(figure)) for kind in EVENTS} | {
    kind: Field(lambda value, place, names=names: read_table(value, states(*names), place))  # type: ignore[misc]
    for kind, names in ((INSTRUCTIONS, INSTRUCTION_CLASSES), (CYCLES, CYCLE_STATES))
}
ENERGY = {
    "supply_volts": Field(number, required=True),
    "regulator": Field(choice(*REGULATORS), required=True),
    "grade": Field(text, required=True),
    "clock_hertz": Field(quantity),
    "joules": Field(lambda value, place: read_table(value, JOULES, place)),
    "static_watts": Field(lambda value, place: read_table(value, states(*STATIC_STATES), place)),
    "sleep_amperes": Field(map_of(figure)),
    "core_volts": Field(list_of(core_voltage)),
    "supply_range": Field(list_of(number)),
}


def energy_table(value: Any, place: Place) -> EnergyTable:
    """The table ``[energy]``. BoardError, with file and key, for what contradicts itself."""
    table = EnergyTable(**read_table(value, ENERGY, place))
    if not table.supply_volts:
        raise place.below("supply_volts").error("0 V is not allowed")
    if CYCLES in table.joules and ACTIVE not in table.joules[CYCLES]:
        raise place.below(f"joules.{CYCLES}").error(f"{ACTIVE} is missing, which the other states fall back to")
    if table.static_watts and RUN not in table.static_watts:
        raise place.below("static_watts").error(f"{RUN} is missing, which the other states fall back to")
    clocks, volts = [row.hertz for row in table.core_volts], [row.volts for row in table.core_volts]
    if clocks != sorted(clocks) or volts != sorted(volts) or 0 in volts:
        raise place.below("core_volts").error("allowed are voltages above 0 that rise with the clock")
    if clocks and not 0 < table.clock_hertz <= clocks[-1]:
        raise place.below("clock_hertz").error(f"{table.clock_hertz} lies in none of the core_volts")
    low_high = table.supply_range
    if low_high and (len(low_high) != 2 or not 0 < low_high[0] <= table.supply_volts <= low_high[1]):
        raise place.below("supply_range").error("allowed is [lowest, highest] volts with supply_volts between them")
    return table

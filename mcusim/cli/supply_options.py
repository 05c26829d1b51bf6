"""Options that say how a board is supplied and used: what people type, and what it means."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from mcusim.energy import Battery, DutyCycle, Supply

PREFIXES = {"n": 1e-9, "u": 1e-6, "µ": 1e-6, "m": 1e-3, "": 1.0}
SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
NUMBER = r"(\d{1,12}(?:\.\d{0,12})?(?:e-?\d{1,2})?)"
TIMES = r"(\d{1,6}(?:\.\d{0,6})?)?"
VOLTS = re.compile(NUMBER + r" ?V?")
AMPERES = re.compile(NUMBER + r" ?([nuµm]?)A")
RUNS = re.compile(NUMBER + r"/" + TIMES + r"(s|min|h|d)")
CHARGE = re.compile(NUMBER + r" ?(m?)Ah@" + NUMBER + r" ?V")


def volts(text: str) -> float:
    """A voltage above 0: 3.3, 1.8V."""
    found = VOLTS.fullmatch(text)
    if found is None or not float(found[1]):
        raise typer.BadParameter(f"{text!r} is no voltage; allowed: volts above 0, as 3.3 or 1.8V")
    return float(found[1])


def amperes(text: str) -> float:
    """A current with its unit: 2.5uA, 1.2mA, 0A."""
    found = AMPERES.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no current; allowed: a number with nA, uA, mA or A, as 2.5uA")
    return float(found[1]) * PREFIXES[found[2]]


def duty_cycle(text: str) -> DutyCycle:
    """Runs in a time: 1/min, 10/s, 1/h, 4/d, 1/15min."""
    from mcusim.energy import DutyCycle

    found = RUNS.fullmatch(text)
    runs, seconds = (float(found[1]), float(found[2] or 1) * SECONDS[found[3]]) if found else (0.0, 0.0)
    if not (runs and seconds):
        raise typer.BadParameter(f"{text!r} is no duty cycle; allowed: runs in a time (s, min, h, d), as 1/min, 10/s, 1/15min")
    return DutyCycle(runs, seconds)


def battery(text: str) -> Battery:
    """Charge at a voltage: 220mAh@3V, 2.6Ah@3.6V."""
    from mcusim.energy import Battery

    found = CHARGE.fullmatch(text)
    if found is None or not (float(found[1]) and float(found[3])):
        raise typer.BadParameter(f"{text!r} is no battery; allowed: charge at a voltage, as 220mAh@3V or 2.6Ah@3.6V")
    return Battery(float(found[1]) * PREFIXES[found[2]], float(found[3]))


def supply_of(volts: Any, duty_cycle: Any, battery: Any, sleep_current: Any) -> Supply:
    """The values of ``SUPPLY``, ``DUTY_CYCLE``, ``BATTERY`` and ``SLEEP_CURRENT`` together."""
    from mcusim.energy import Supply

    return Supply(volts, duty_cycle, battery, sleep_current)


SUPPLY = typer.Option(parser=volts, metavar="VOLTS", help="Supply voltage, for energies (docs/energy.md).")
DUTY_CYCLE = typer.Option(
    parser=duty_cycle, metavar="N/TIME", help="Run now and then: 1/min, 10/s, 1/15min. Gives energy per day and mean current."
)
BATTERY = typer.Option(
    parser=battery, metavar="CHARGE@VOLTS", help="With --duty-cycle: how long a battery lasts, as 220mAh@3V; no self-discharge."
)
SLEEP_CURRENT = typer.Option(
    parser=amperes, metavar="CURRENT", help="With --duty-cycle: current between runs, as 2.5uA; the board's otherwise."
)

"""Joules of events: pure functions of counts, a board's energy table, supply and clock. See docs/energy.md."""

from mcusim.energy.price import STATIC, EnergyError, Prices, prices_at
from mcusim.energy.schedule import USUAL_SUPPLY, Battery, DutyCycle, Schedule, Supply, scheduled

__all__ = [
    "STATIC", "USUAL_SUPPLY", "Battery", "DutyCycle", "EnergyError", "Prices", "Schedule", "Supply", "prices_at", "scheduled",
]  # fmt: skip

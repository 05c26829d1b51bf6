"""A program that runs now and then, from a battery: energy per day, mean current, life of the battery."""

from __future__ import annotations

from dataclasses import dataclass

from mcusim.boards.energy_table import EnergyTable
from mcusim.energy.price import EnergyError, check_supply

DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class DutyCycle:
    """``runs`` in each ``seconds``, evenly spaced."""

    runs: float
    seconds: float

    @property
    def period_seconds(self) -> float:
        """From the begin of a run to that of the next."""
        return self.seconds / self.runs


@dataclass(frozen=True, slots=True)
class Battery:
    """Charge at a constant voltage. Not modelled: self-discharge, inner resistance, what is lost in a converter behind it."""

    ampere_hours: float
    volts: float

    @property
    def joules(self) -> float:
        """Energy that it holds."""
        return self.ampere_hours * 3600 * self.volts


@dataclass(frozen=True, slots=True)
class Supply:
    """How a board is supplied and used.

    ``volts``: of the supply; None for those of the battery, or else of the board's energy table. ``sleep_amperes``: current
    between runs, None for that of the table's first sleep mode.
    """

    volts: float | None = None
    duty_cycle: DutyCycle | None = None
    battery: Battery | None = None
    sleep_amperes: float | None = None

    def volts_on(self, table: EnergyTable) -> float:
        """Volts that a board with ``table`` gets."""
        if self.volts is not None:
            return self.volts
        return self.battery.volts if self.battery else table.supply_volts

    def check(self, board: str, table: EnergyTable | None) -> None:
        """EnergyError, before anything runs, for what the board has no figures for."""
        asked = any(each is not None for each in (self.volts, self.duty_cycle, self.battery, self.sleep_amperes))
        if table is None:
            if asked:
                raise EnergyError(f"board {board} has no energy table; allowed: boards with one (docs/energy.md)")
            return
        check_supply(table, self.volts_on(table))
        if self.battery and not self.duty_cycle:
            raise EnergyError("a battery without a duty cycle; allowed: --battery with --duty-cycle, as in 1/min")
        if self.duty_cycle and self.sleep_amperes is None and not table.sleep_amperes:
            raise EnergyError(f"the current of board {board} between runs is not known; allowed: --sleep-current, as in 2.5uA")


USUAL_SUPPLY = Supply()
"""The voltage of the board's energy table, and no schedule."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Runs in a row and sleep between them. ``battery_days`` is None without a battery."""

    period_seconds: float
    sleep_mode: str
    sleep_amperes: float
    joules_per_day: float
    mean_amperes: float
    battery_days: float | None


def scheduled(supply: Supply, table: EnergyTable, joules: float, seconds: float) -> Schedule | None:
    """The schedule of runs of ``joules`` and ``seconds`` each; None where none was asked for.

    EnergyError where a run takes longer than there is between two. Not modelled: what waking up costs, what of the supply
    current between runs depends on its voltage.
    """
    if supply.duty_cycle is None:
        return None
    period, volts = supply.duty_cycle.period_seconds, supply.volts_on(table)
    if seconds > period:
        raise EnergyError(f"a run takes {seconds:.4g} s, but the next begins after {period:.4g} s; allowed: fewer runs")
    mode, amperes = _sleep(supply, table)
    mean_watts = (joules + amperes * volts * (period - seconds)) / period
    days = supply.battery.joules / (mean_watts * DAY_SECONDS) if supply.battery and mean_watts else None
    return Schedule(period, mode, amperes, mean_watts * DAY_SECONDS, mean_watts / volts, days)


def _sleep(supply: Supply, table: EnergyTable) -> tuple[str, float]:
    """Mode and current between runs."""
    if supply.sleep_amperes is not None:
        return "given", supply.sleep_amperes
    mode, figure = next(iter(table.sleep_amperes.items()))
    return mode, figure.value

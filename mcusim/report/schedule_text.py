"""A schedule in words: of runs, or of inferences."""

from __future__ import annotations

from collections.abc import Iterator

from mcusim.report.quantity import printable, si
from mcusim.report.report import ScheduleUse


def schedule_rows(plan: ScheduleUse | None, what: str) -> Iterator[tuple[str, str]]:
    """Name and text of each row; ``what`` is run now and then, as in "a run". Nothing without a schedule."""
    if plan is None:
        return
    between = f"{si(plan.sleep_amperes, 'A')} in between ({printable(plan.sleep_mode)})"
    yield "each day", f"{si(plan.joules_per_day, 'J')}: {what} each {si(plan.period_seconds, 's')}, {between}"
    life = "" if plan.battery_days is None else f"; battery empty after {plan.battery_days:,.1f} days (no self-discharge)"
    yield "current", f"{si(plan.mean_amperes, 'A')} on average{life}"

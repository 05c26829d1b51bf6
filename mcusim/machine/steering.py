"""What made the course of a run depend on time: with another clock or other wait states, the run itself would differ.

Conservative: a counter that is read only to be printed counts, and so does every interrupt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

REASONS_MAX = 16
"""Different reasons kept of each kind; more add nothing to the answer that the run must be repeated."""


@dataclass(slots=True)
class Reason:
    """``kind`` is counter, event, interrupt, sleep, clock or limit; ``address`` that of the instruction, -1 for none."""

    kind: str
    what: str
    address: int = -1
    count: int = 0


class Steering:
    """The reasons met so far."""

    def __init__(self) -> None:
        self.reasons: dict[tuple[str, str, int], Reason] = {}

    def note(self, kind: str, what: str, address: int = -1) -> None:
        """Count one occurrence."""
        key = (kind, what, address)
        if key not in self.reasons:
            if sum(reason.kind == kind for reason in self.reasons.values()) >= REASONS_MAX:
                return
            self.reasons[key] = Reason(kind, what, address)
        self.reasons[key].count += 1


def owner_of(action: Callable[[], None]) -> str:
    """Name of the peripheral to which a scheduled action belongs, as far as it can be told."""
    holders: list[Any] = [getattr(action, "__self__", None)]
    holders += [cell.cell_contents for cell in getattr(action, "__closure__", None) or ()]
    holders += [value for holder in list(holders) for value in getattr(holder, "__dict__", {}).values()]
    for holder in holders:
        spec = getattr(holder, "spec", None) or getattr(getattr(holder, "__self__", None), "spec", None)
        if spec is not None:
            return str(spec.name)
        if type(holder).__name__ == "SysTick":
            return "SysTick"
    return "a peripheral"

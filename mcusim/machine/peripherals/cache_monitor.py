"""Hit and miss counters of caches: registers that show what the simulated cache has counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class LookupCounter:
    """A counter of ``source`` events that runs while it is switched on and stays at ``limit``.

    The simulation counts a look-up where the line is another one than the last; hardware counts every access.
    """

    source: Callable[[], int]
    limit: int = 0xFFFFFFFF
    held: int = 0
    since: int | None = None

    def switch(self, on: bool) -> None:
        """Let it run, or stop it."""
        if on == (self.since is not None):
            return
        self.held, self.since = self.value(), self.source() if on else None

    def value(self) -> int:
        """What the register shows."""
        running = self.source() - self.since if self.since is not None else 0
        return min(self.held + running, self.limit)

    def clear(self) -> None:
        """Start again from zero."""
        self.held = 0
        if self.since is not None:
            self.since = self.source()

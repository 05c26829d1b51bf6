"""The agenda: callbacks in order of core cycle, first come first served within one cycle."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(order=True, slots=True)
class Event:
    """A callback due at ``cycle``."""

    cycle: int
    number: int
    action: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)
    timed: bool = field(default=False, compare=False)
    """It was put ahead of the time at which it was asked for."""

    def cancel(self) -> None:
        """Never call it."""
        self.cancelled = True


class Agenda:
    """A heap of events."""

    def __init__(self, note: Callable[[Callable[[], None]], None] = lambda action: None) -> None:
        self.heap: list[Event] = []
        self.number = 0
        self.note = note  # told of each timed action that is called

    def add(self, cycle: int, action: Callable[[], None]) -> Event:
        """Call ``action`` when ``cycle`` is reached."""
        self.number += 1
        event = Event(cycle, self.number, action)
        heapq.heappush(self.heap, event)
        return event

    def next_cycle(self) -> int | None:
        """Cycle of the next live event."""
        while self.heap and self.heap[0].cancelled:
            heapq.heappop(self.heap)
        return self.heap[0].cycle if self.heap else None

    def run_due(self, cycle: int) -> None:
        """Call everything due at or before ``cycle``, what the callbacks add included."""
        while (due := self.next_cycle()) is not None and due <= cycle:
            event = heapq.heappop(self.heap)
            if event.timed:
                self.note(event.action)
            event.action()

"""What the memory planner is asked, and what it answers, as frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from mcusim.errors import McusimError


class PlanError(McusimError):
    """Buffers that contradict each other, or that the memories cannot hold."""


@dataclass(frozen=True, slots=True)
class Buffer:
    """A stretch of memory that holds something from step ``first`` to step ``last``, both included.

    ``alignment``: a power of two. ``memories``: names of those it may lie in; () for any. ``traffic_bytes``: how much one
    run reads and writes in it, by which the planner tells what belongs into the fastest memory.
    """

    name: str
    size_bytes: int
    first: int
    last: int
    alignment: int = 4
    memories: tuple[str, ...] = ()
    traffic_bytes: int = 0

    def __post_init__(self) -> None:
        if self.size_bytes < 0 or self.first > self.last:
            raise PlanError(
                f"buffer {self.name}: {self.size_bytes} bytes in steps {self.first} to {self.last};"
                " it needs a size of 0 or more, and to begin before it ends"
            )
        if self.alignment < 1 or self.alignment & (self.alignment - 1):
            raise PlanError(f"buffer {self.name}: alignment {self.alignment}; it is a power of two")


@dataclass(frozen=True, slots=True)
class Overlay:
    """In the one step that writes ``output`` and is ``input``'s last, they may share memory.

    They may where output's start lies ``distance_bytes`` or more below input's, or (``exact``) where both starts are the same.
    The first is for steps that walk through memory upwards: a byte is written when all that lies ``distance_bytes`` below
    has been read for the last time. Both may hold: an element-wise step is ``exact`` with a distance of 0.
    """

    output: str
    input: str
    distance_bytes: int | None = None
    exact: bool = True

    def __post_init__(self) -> None:
        if self.distance_bytes is not None and self.distance_bytes < 0:
            raise PlanError(f"overlay of {self.output} on {self.input}: distance {self.distance_bytes}; allowed: 0, more, None")


@dataclass(frozen=True, slots=True)
class View:
    """``part`` holds the same bytes as ``whole`` from ``offset_bytes`` on, and lies there: nothing is copied."""

    part: str
    whole: str
    offset_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Memory:
    """A memory that can hold buffers. ``size_bytes`` None: no limit. Smaller ``preference``: filled earlier."""

    name: str
    size_bytes: int | None = None
    preference: int = 0


class Place(NamedTuple):
    """Where a buffer lies: a memory's name, and bytes from the start of the arena there."""

    memory: str
    offset_bytes: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Where every buffer lies.

    ``peak_bytes``: the arena's size in each memory. ``lower_bound_bytes``: the largest need of any one step, storage that
    buffers share counted once; no plan in one memory is smaller. ``proven``: no smaller plan exists (with several memories:
    for the buffers that each holds). ``reason`` says in a sentence how that is known.
    """

    places: Mapping[str, Place]
    peak_bytes: Mapping[str, int]
    lower_bound_bytes: int
    proven: bool
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "places", MappingProxyType(dict(self.places)))
        object.__setattr__(self, "peak_bytes", MappingProxyType(dict(self.peak_bytes)))

    @property
    def total_bytes(self) -> int:
        """The arenas of all memories together."""
        return sum(self.peak_bytes.values())

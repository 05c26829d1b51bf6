"""Memories that do not answer at once, as data: caches, the device behind them, and the path an access takes.

What a path costs depends on which lines were touched before, so it is no part of a passage: the machine walks the
accesses of each block through the paths as the run goes (``mcusim.machine.memory_native``; the slow twin is
``mcusim.machine.memory_twin``) and adds the stalls to the passage's cycles.
"""

from __future__ import annotations

from dataclasses import dataclass

FETCH, READ, WRITE = 0, 1, 2
"""Kinds of access."""
ALLOCATE, BACK, THROUGH = 0, 1, 2
"""What a store through a cache does: written back, with or without fetching a line that misses; or written through."""


@dataclass(frozen=True, slots=True)
class Cache:
    """A cache: ``sets`` x ``ways`` lines of ``line_bytes``, filled by ``sector_bytes`` (whole lines where equal).

    ``policy`` is ``"lru"`` or ``"round_robin"`` (which also stands for pseudo-random replacement, whose sequence no
    vendor documents). ``write_allocate``: a store that misses fetches its line. ``kept``: what it holds outlives its being
    switched off. A hit costs nothing here.
    """

    name: str
    line_bytes: int
    sets: int
    ways: int
    sector_bytes: int = 0
    policy: str = "lru"
    write_allocate: bool = False
    kept: bool = False

    @property
    def sector(self) -> int:
        """Bytes filled at once."""
        return self.sector_bytes or self.line_bytes


@dataclass(frozen=True, slots=True)
class Chain:
    """Reads that go on where the last one ended, without a new command or a new access to the array.

    The first word of such a read is there ``cycles`` after the end of the read before, and costs ``least_cycles`` however
    long ago that was. It has to come within ``window_cycles`` (0: any time), stay within the same ``page_bytes`` (0: any),
    and be the word right behind; with ``anywhere`` any word of the page (a buffer of that size). Another read within the
    window costs ``break_cycles`` more than one behind it.
    """

    cycles: int
    least_cycles: int
    window_cycles: int = 0
    page_bytes: int = 0
    anywhere: bool = False
    break_cycles: int = 0


@dataclass(frozen=True, slots=True)
class Device:
    """A memory that delivers ``word_bytes`` at a time. All cycles are the core's.

    ``first_cycles``: stall of a read that nothing prepared. ``next_cycles``: further cycles for each later word of one
    burst; with ``critical_word_first`` the core goes on after the first and they only keep the device busy.
    ``recovery_cycles``: after a read, until the next may start. ``prefetch``: behind each word read for fetching, the
    next one is read ahead. ``write_cycles``: a store keeps the device busy so long; the core waits once ``write_depth``
    stores are outstanding. ``free``: it is asked and keeps its order, but answers at once. ``chain``: reads that go on where
    the last one ended are cheaper.
    """

    name: str
    word_bytes: int
    first_cycles: int
    next_cycles: int = 0
    critical_word_first: bool = True
    recovery_cycles: int = 0
    prefetch: bool = False
    write_cycles: int = 0
    write_depth: int = 1
    free: bool = False
    chain: Chain | None = None


@dataclass(frozen=True, slots=True)
class Path:
    """How one kind of access reaches a memory: through ``cache`` ("" for none) to ``device``.

    ``buffered``: without a cache, accesses within the word read last cost nothing more (a line buffer); otherwise each
    access is a read of its own. ``lead_cycles``: how long before it is executed an instruction is asked for. ``stores``:
    ``ALLOCATE`` (where the cache does), ``BACK`` or ``THROUGH``.
    """

    device: str
    cache: str = ""
    buffered: bool = True
    lead_cycles: int = 0
    stores: int = ALLOCATE


@dataclass(frozen=True, slots=True)
class Paths:
    """The paths of one region; None where every access is answered at once."""

    fetch: Path | None = None
    read: Path | None = None
    write: Path | None = None

    def of(self, kind: int) -> Path | None:
        """The path of a kind of access."""
        return (self.fetch, self.read, self.write)[kind]


NO_PATHS = Paths()

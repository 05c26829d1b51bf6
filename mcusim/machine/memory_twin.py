"""The slow, obvious twin of ``mcusim.machine.memory_native``: dictionaries in place of arrays, one access after another."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from mcusim.pricing.memory import ALLOCATE, FETCH, THROUGH, WRITE, Cache, Chain, Device, Path
from mcusim.pricing.passage import MemoryTiming


@dataclass(slots=True)
class TwinDevice:
    """A device: until when it is busy, and the word that it reads ahead."""

    spec: Device
    busy_until: int = 0
    ahead: int | None = None
    ready_at: int = 0
    behind: int | None = None
    reads: int = 0
    hits_ahead: int = 0
    writes: int = 0

    def read(self, address: int, size: int, now: int, fetching: bool) -> int:
        """Stall of reading ``size`` bytes."""
        spec = self.spec
        if spec.free:
            return 0
        word, words = address // spec.word_bytes, max(size // spec.word_bytes, 1)
        ahead = fetching and word == self.ahead
        self.hits_ahead, self.reads = self.hits_ahead + ahead, self.reads + (not ahead)
        if ahead:
            stall = max(self.ready_at - now, 0)
        else:
            stall = self._first_stall(word, now)
        self.behind = word + words
        done = now + stall + (words - 1) * spec.next_cycles
        if not spec.critical_word_first:
            stall += (words - 1) * spec.next_cycles
        if fetching and spec.prefetch:
            self.ahead = word // words * words + words
            self.ready_at = done = done + spec.first_cycles + 1
        self.busy_until = done + spec.recovery_cycles
        return stall

    def _first_stall(self, word: int, now: int) -> int:
        """Stall until the first word of a read, which may go on where the last one ended."""
        waiting, chain = max(self.busy_until - now, 0), self.spec.chain
        if chain is None or self.behind is None or (chain.window_cycles and now > self.busy_until + chain.window_cycles):
            return waiting + self.spec.first_cycles
        if self._continues(chain, word, self.behind):
            return max(self.busy_until + chain.cycles - now, chain.least_cycles)
        return waiting + self.spec.first_cycles + chain.break_cycles

    def _continues(self, chain: Chain, word: int, behind: int) -> bool:
        page = (chain.page_bytes or 1 << 32) // self.spec.word_bytes
        return word // page == (behind - 1) // page and (chain.anywhere or word == behind)

    def write(self, now: int) -> int:
        """Stall of a store: the last ``write_depth`` of them may be under way."""
        self.writes += 1
        if self.spec.free:
            return 0
        begin = max(self.busy_until, now)
        self.busy_until = begin + self.spec.write_cycles
        return max(begin - now - self.spec.write_depth * self.spec.write_cycles, 0)


@dataclass(slots=True)
class Line:
    """What a cache holds of a line: its filled sectors, and whether it was written."""

    sectors: set[int] = field(default_factory=set)
    dirty: bool = False


class TwinCache:
    """A cache: for each set its lines, the one to replace first in front."""

    def __init__(self, spec: Cache) -> None:
        self.spec = spec
        self.sets: list[OrderedDict[int, Line]] = [OrderedDict() for _ in range(spec.sets)]
        self.hits = self.misses = self.writebacks = 0
        self.last: int | None = None

    def invalidate(self) -> None:
        """Drop all lines."""
        for lines in self.sets:
            lines.clear()

    def maintain(self, address: int, clean: bool, invalidate: bool) -> bool:
        """Write back and drop the line that holds ``address``; True if it was dirty and is written back."""
        number = address // self.spec.line_bytes
        lines = self.sets[number % self.spec.sets]
        if number not in lines:
            return False
        written = clean and lines[number].dirty
        lines[number].dirty &= not clean
        if invalidate:
            del lines[number]
        return written

    def access(self, device: TwinDevice, address: int, now: int, kind: int, stores: int = ALLOCATE) -> int:
        """Stall of an access within one sector."""
        spec = self.spec
        number, sector = address // spec.line_bytes, address // spec.sector
        lines = self.sets[number % spec.sets]
        if number not in lines:
            if kind == WRITE and not (spec.write_allocate and stores == ALLOCATE):
                self.misses += 1
                return device.write(now)
            if len(lines) == spec.ways and lines.popitem(last=False)[1].dirty:
                self.writebacks += 1
                device.write(now)
            lines[number] = Line()
        elif spec.policy == "lru":
            lines.move_to_end(number)
        if kind == WRITE and stores == THROUGH:
            self.hits += 1
            return device.write(now)
        line = lines[number]
        line.dirty |= kind == WRITE
        if sector in line.sectors:
            self.hits += 1
            return 0
        line.sectors.add(sector)
        self.misses += 1
        stall = device.read(address, spec.sector, now, kind == FETCH)
        return 0 if kind == WRITE else stall


class TwinMemory:
    """Caches and devices of one timing, with what they hold."""

    def __init__(self, memory: MemoryTiming) -> None:
        self.memory = memory
        self.caches = {cache.name: TwinCache(cache) for cache in memory.caches}
        self.devices = {device.name: TwinDevice(device) for device in memory.devices}
        self.last: dict[tuple[int, int], int | None] = {}

    def access(self, region: int, kind: int, address: int, size: int, now: int) -> int:
        """Stall of an access of ``size`` bytes to the region with that index."""
        path = self.memory.regions[region].paths.of(kind)
        if path is None:
            return 0
        cache, device = self.caches.get(path.cache), self.devices[path.device]
        unit = cache.spec.sector if cache else device.spec.word_bytes if path.buffered else 4
        total = 0
        for number in range(address // unit, (address + size - 1) // unit + 1):
            if cache is None and path.buffered and self.last.get((region, kind)) == number and kind != WRITE:
                continue
            begin = now + total - path.lead_cycles
            if cache is not None:
                again = path.buffered and kind != WRITE and cache.last == number  # read on from the line at hand: no look-up
                stall = cache.access(device, number * unit, begin, kind, path.stores)
                cache.hits -= again
                cache.last = None if kind == WRITE else number
            elif kind == WRITE:
                stall = device.write(begin)
            else:
                stall = device.read(number * unit, unit, begin, kind == FETCH)
            total += max(stall - path.lead_cycles, 0)
            self.last[region, kind] = number
        return total

    def fetch_unit(self, region: int) -> int:
        """Bytes that are fetched at once; 0 where fetching never waits."""
        path: Path | None = self.memory.regions[region].paths.fetch
        if path is None:
            return 0
        return self.caches[path.cache].spec.sector if path.cache else self.devices[path.device].spec.word_bytes

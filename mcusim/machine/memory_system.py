"""The Python half of memories with caches and buffers: native records of paths, touches of nodes, what was counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mcusim.isa.instruction import Block, Instruction, MemoryOperand
from mcusim.machine import layout as L
from mcusim.machine.facts import FactProgram
from mcusim.machine.memory_native import meet_touches, settle_touches, write_device
from mcusim.pricing.memory import FETCH, READ, WRITE, Cache, Device, Path
from mcusim.pricing.passage import Fact, MemoryTiming, Passage

KIND_NAMES = ("fetch", "read", "write")
NO_HITS = [0, 0, 0]


@dataclass(frozen=True, slots=True)
class PathUse:
    """What one path of a region saw: units touched (lines or words, not counting repeats), and stall cycles."""

    region: str
    kind: str
    units: int
    stall_cycles: int


@dataclass(frozen=True, slots=True)
class CacheUse:
    """Lookups of one cache."""

    name: str
    hits: int
    misses: int
    writebacks: int


@dataclass(frozen=True, slots=True)
class DeviceUse:
    """Accesses of one memory behind caches and buffers: random reads, words found read ahead, stores."""

    name: str
    reads: int
    hits_ahead: int
    writes: int


@dataclass(slots=True)
class _CacheRecord:
    spec: Cache
    row: np.ndarray
    arrays: tuple[np.ndarray, ...]


class MemorySystem:
    """Contents and counters of caches and devices for the whole run; nodes refer to its records by address."""

    def __init__(self, state: np.ndarray, follow_lanes: bool = False) -> None:
        self.state = state
        self.lane_clock = np.zeros(L.CLOCK_WORDS if follow_lanes else 0, dtype=np.int64)
        self.lanes: dict[str, np.ndarray] = {}
        self.lane_timings: tuple[MemoryTiming, ...] = ()
        state[L.LANE_CLOCK] = self.lane_clock.ctypes.data if follow_lanes else 0
        self.caches: dict[Cache, _CacheRecord] = {}
        self.shapes: dict[str, Cache] = {}
        self.devices: dict[str, np.ndarray] = {}
        self.paths: dict[tuple[str, int, Path, str, str], np.ndarray] = {}
        self.path_at: dict[int, Path] = {}
        self.searches: dict[int, tuple[int, str, int]] = {}
        """Kind of access, cache and its ways, by path."""
        self.touched: list[np.ndarray] = []
        self.addresses = np.zeros(L.TOUCHES_MAX, dtype=np.int64)
        state[L.ADDRESSES] = self.addresses.ctypes.data
        self.memory = MemoryTiming(())

    # --- configuration ------------------------------------------------------------------------------------------------
    def configure(self, memory: MemoryTiming, lanes: Sequence[MemoryTiming] = ()) -> None:
        """Take over ``memory``. Devices keep what they hold; a cache that was off begins empty unless it is ``kept``, and one
        that had another shape does.

        ``lanes``: the same memories with 0 to 15 wait states, where they are to be followed as well.
        """
        before = {cache.name: cache for cache in self.memory.caches}
        for cache in memory.caches:
            if before.get(cache.name) != cache:
                self._cache(cache)
                if not cache.kept or self.shapes.get(cache.name) != cache:
                    self.invalidate(cache.name)
            self.shapes[cache.name] = cache
        self.memory = memory
        for device in memory.devices:
            self._set_device(device)
        self.lane_timings = tuple(lanes)
        for number, lane in enumerate(lanes):
            for device in lane.devices:
                self._set_lane(number, device)

    def invalidate(self, name: str) -> None:
        """Empty the caches called ``name``."""
        for record in self.caches.values():
            if record.spec.name == name:
                tags, stamps, valid, dirty, _ = record.arrays
                tags[:] = -1
                for array in (stamps, valid, dirty):
                    array[:] = 0
                record.row[L.CACHE_LAST] = -1
                record.row[L.CACHE_EPOCH] += 1

    def invalidate_all(self) -> None:
        """Empty all caches: a system reset."""
        for name in {spec.name for spec in self.caches}:
            self.invalidate(name)

    def place_at(self, name: str, address: int) -> int | None:
        """Place of the line that holds ``address`` in the cache ``name``."""
        if name not in self.shapes:
            return None
        spec = self.shapes[name]
        line = address // spec.line_bytes
        first = line % spec.sets * spec.ways
        tags = self._cache(spec).arrays[0]
        return next((place for place in range(first, first + spec.ways) if tags[place] == line), None)

    def place_of(self, name: str, address: int, way: int) -> int | None:
        """Place of the line in ``way`` of the set that ``address`` belongs to."""
        spec = self.shapes.get(name)
        return None if spec is None or way >= spec.ways else address // spec.line_bytes % spec.sets * spec.ways + way

    def clean(self, name: str, place: int) -> int | None:
        """Count the line at ``place`` as written back; its address if it was dirty."""
        record = self._cache(self.shapes[name])
        tags, _, _, dirty, _ = record.arrays
        if not dirty[place]:
            return None
        dirty[place] = 0
        record.row[L.CACHE_WRITEBACKS] += 1
        record.row[L.CACHE_EPOCH] += 1
        return int(tags[place]) * record.spec.line_bytes

    def drop(self, name: str, place: int) -> None:
        """Forget the line at ``place``."""
        record = self._cache(self.shapes[name])
        for array, empty in zip(record.arrays, (-1, 0, 0, 0), strict=False):
            array[place] = empty
        record.row[L.CACHE_LAST] = -1
        record.row[L.CACHE_EPOCH] += 1

    def write_back(self, device: str, now: int) -> None:
        """A line goes to ``device`` at cycle ``now``, behind the core's back."""
        write_device(self.devices[device].ctypes.data, now)

    def _cache(self, spec: Cache) -> _CacheRecord:
        if spec not in self.caches:
            places = spec.sets * spec.ways
            arrays = (np.full(places, -1, np.int64), *(np.zeros(places, np.int64) for _ in range(3)),
                      np.zeros(L.MEMO_MASK + 1, np.int64))  # fmt: skip
            row = np.zeros(L.CACHE_WORDS, np.int64)
            row[L.CACHE_SHIFT], row[L.CACHE_SECTOR_SHIFT] = _shift(spec.line_bytes), _shift(spec.sector)
            row[L.CACHE_SET_MASK], row[L.CACHE_WAYS] = spec.sets - 1, spec.ways
            row[L.CACHE_ROTATE], row[L.CACHE_ALLOCATE] = spec.policy == "round_robin", spec.write_allocate
            row[L.CACHE_TAGS : L.CACHE_MEMO + 1] = [array.ctypes.data for array in arrays]
            row[L.CACHE_LAST] = -1
            self.caches[spec] = _CacheRecord(spec, row, arrays)
        return self.caches[spec]

    def _set_device(self, spec: Device) -> None:
        if spec.name not in self.devices:
            self.devices[spec.name] = np.zeros(L.DEVICE_WORDS, np.int64)
            self.devices[spec.name][L.DEVICE_AHEAD] = self.devices[spec.name][L.DEVICE_BEHIND] = -1
            if len(self.lane_clock):
                self.lanes[spec.name] = np.zeros((L.LANES, L.LANE_WORDS), np.int64)
                self.devices[spec.name][L.DEVICE_LANES] = self.lanes[spec.name].ctypes.data
                self.devices[spec.name][L.DEVICE_LANE_CLOCK] = self.lane_clock.ctypes.data
        elif spec.free:
            return  # a block that is running goes on as it began
        self.devices[spec.name][: L.DEVICE_BACKLOG + 1] = (
            _shift(spec.word_bytes), spec.first_cycles, spec.next_cycles, spec.critical_word_first, spec.recovery_cycles,
            spec.prefetch, spec.write_cycles, spec.write_cycles * spec.write_depth,
        )  # fmt: skip
        self.devices[spec.name][L.DEVICE_CHAINS : L.DEVICE_BREAK + 1] = _chain_words(spec)

    def _set_lane(self, number: int, spec: Device) -> None:
        self.lanes[spec.name][number, : L.LANE_FREE + 1] = (
            spec.first_cycles, spec.next_cycles, spec.recovery_cycles, spec.write_cycles,
            spec.write_cycles * spec.write_depth, spec.free,
        )  # fmt: skip
        if spec.chain is not None:
            self.lanes[spec.name][number, L.LANE_CHAIN : L.LANE_LEAST + 1] = spec.chain.cycles, spec.chain.least_cycles

    def _path(self, region: str, kind: int, path: Path) -> np.ndarray:
        cache = next((cache for cache in self.memory.caches if cache.name == path.cache), None)
        device = next(device for device in self.memory.devices if device.name == path.device)
        unit = cache.sector if cache else device.word_bytes if path.buffered else 4
        key = (region, kind, path, repr(cache), f"{unit} {device.free}")
        if key not in self.paths:
            row = np.zeros(L.PATH_WORDS, np.int64)
            record = self._cache(cache) if cache else None
            row[L.PATH_CACHE] = record.row.ctypes.data if record else 0
            row[L.PATH_DEVICE], row[L.PATH_KIND] = self.devices[device.name].ctypes.data, kind
            row[L.PATH_SHIFT], row[L.PATH_BUFFERED] = _shift(unit), path.buffered
            row[L.PATH_LEAD], row[L.PATH_FREE], row[L.PATH_STORES] = path.lead_cycles, device.free, path.stores
            own = row.ctypes.data + L.PATH_OWN_LAST * L.WORD
            row[L.PATH_LAST] = record.row.ctypes.data + L.CACHE_LAST * L.WORD if record else own
            row[L.PATH_OWN_LAST] = -1
            self.paths[key] = row
            self.path_at[row.ctypes.data] = path
            self.searches[row.ctypes.data] = kind, path.cache, cache.ways if cache else 0
        return self.paths[key]

    # --- touches of nodes ---------------------------------------------------------------------------------------------
    def touches(
        self, block: Block, program: FactProgram, facts: Mapping[int, Fact], passage: Passage, code_region: int,
        registers: int, scratch: int,
    ) -> np.ndarray:  # fmt: skip
        """Rows of the accesses of a node that take a path, in program order; empty where every memory answers at once.

        ``registers`` and ``scratch`` are the addresses of the register file and of the fact evaluator's values.
        """
        sources = _address_sources(program, registers, scratch)
        regions = self.memory.regions
        code = regions[code_region].paths.fetch
        fetch = self._path(regions[code_region].name, FETCH, code) if code else None
        rows: list[tuple[int, ...]] = []
        last_unit = -1
        for number, instruction in enumerate(block.instructions[: len(passage.boundaries)]):
            offset = passage.boundaries[number - 1] if number else 0
            if fetch is not None:
                shift = int(fetch[L.PATH_SHIFT])
                units = range(instruction.address >> shift, (instruction.end - 1 >> shift) + 1)
                rows += [(fetch.ctypes.data, number, offset, 0, unit << shift, 1) for unit in units if unit != last_unit]
                last_unit = units[-1]
            fact, memory = facts.get(number), instruction.memory
            if fact is None or memory is None or not fact.executed or number not in sources:
                continue
            region = regions[fact.region]
            kind = WRITE if memory.write else READ
            path = region.paths.of(kind)
            if path is not None:
                row = self._path(region.name, kind, path)
                rows.append((row.ctypes.data, number, offset, *sources[number], memory.size * memory.count))
        touches = np.full((len(rows), L.TOUCH_WORDS), -1, dtype=np.int64)
        if rows:
            touches[:, : L.TOUCH_GIVEN] = rows
            touches[:, L.TOUCH_AGAIN :] = 0
            self.touched.append(touches)
        return touches

    def cached_kinds(self, touches: np.ndarray) -> int:
        """Bit per kind of access of which some go through a cache."""
        rows = {row.ctypes.data: row for row in self.paths.values()}
        kinds = 0
        for pointer in set(touches[:, L.TOUCH_PATH].tolist()):
            kinds |= bool(rows[pointer][L.PATH_CACHE]) << int(rows[pointer][L.PATH_KIND])
        return kinds

    def longest(self, touches: np.ndarray) -> int:
        """Upper bound of the stalls of a node, in cycles."""
        if not len(touches):
            return 0
        slowest = max(self._slowest(device) for device in self.memory.devices)
        return slowest * (len(touches) + int(touches[:, L.TOUCH_LENGTH].sum()) // 4)

    def _slowest(self, device: Device) -> int:
        words = max((cache.line_bytes // device.word_bytes for cache in self.memory.caches), default=1) + 1
        chain = max(device.chain.cycles, device.chain.least_cycles) + device.chain.break_cycles if device.chain else 0
        one = device.first_cycles + chain + words * device.next_cycles + device.recovery_cycles + 1
        return 2 * one + device.write_cycles * (device.write_depth + 1)

    # --- while running ------------------------------------------------------------------------------------------------
    def meet(self, node: int) -> None:
        """The block of the node at address ``node`` begins to run, outside of native code."""
        meet_touches(self.state.ctypes.data, node)

    def settle(self, node: int, instructions: int) -> None:
        """Add the stalls of the first ``instructions`` instructions of the running block to the counter, once each."""
        settle_touches(self.state.ctypes.data, node, instructions)

    def leave(self, node: int, instructions: int) -> None:
        """As ``settle``; the block ends there."""
        self.settle(node, instructions)
        self.state[L.MET_NODE] = 0

    def foresee(self, node: np.ndarray, touches: np.ndarray, instructions: int, sums: np.ndarray | None = None) -> list[int]:
        """Stall cycles until behind each instruction that the node with the record ``node`` would see now.

        Nothing is changed; ``sums`` is what the node has gathered in lanes.
        """
        arrays = [self.state, self.addresses, node, touches, *self.devices.values(), *self.paths.values()]
        arrays += [self.lane_clock, *self.lanes.values(), *([] if sums is None else [sums])]
        for record in self.caches.values():
            arrays += [record.row, *record.arrays]
        before = [array.copy() for array in arrays]
        self.meet(node.ctypes.data)
        stalls = []
        for count in range(1, instructions + 1):
            self.settle(node.ctypes.data, count)
            stalls.append(int(self.state[L.MET_STALLS]))
        for array, old in zip(arrays, before, strict=True):
            array[:] = old
        return stalls

    # --- what was counted ---------------------------------------------------------------------------------------------
    def lane_delays(self) -> tuple[int, ...]:
        """By lane, cycles by which it is later than the run now; empty where no lanes are followed."""
        return tuple(self.lane_clock[L.CLOCK_BEHIND : L.CLOCK_BEHIND + L.LANES].tolist())

    def path_uses(self) -> tuple[PathUse, ...]:
        """All paths that were taken."""
        again = self._hits_again()
        rows = [
            PathUse(
                region, KIND_NAMES[kind], int(row[L.PATH_UNITS]) + again.get(row.ctypes.data, 0), int(row[L.PATH_STALLS])
            )
            for (region, kind, *_), row in self.paths.items()
        ]  # fmt: skip
        return tuple(row for row in rows if row.units)

    def cache_uses(self) -> tuple[CacheUse, ...]:
        """All caches that were looked at."""
        again = self._hits_of_caches()
        rows = [
            CacheUse(
                spec.name, _sum(row, L.CACHE_HITS) + sum(again.get(row.ctypes.data, NO_HITS)), _sum(row, L.CACHE_MISSES),
                int(row[L.CACHE_WRITEBACKS]),
            )
            for spec, row in ((spec, record.row) for spec, record in self.caches.items())
        ]  # fmt: skip
        return tuple(row for row in rows if row.hits + row.misses)

    def touch_counts(self, touches: np.ndarray) -> dict[tuple[str, str], int]:
        """What the ``touches`` of a node were to caches and devices, by event (``layout.COUNTED``) and name."""
        counts: dict[tuple[str, str], int] = {}
        totals = touches[:, L.TOUCH_COUNTS :].copy()
        totals[:, 0] += touches[:, L.TOUCH_AGAIN]
        for pointer in np.unique(touches[:, L.TOUCH_PATH]).tolist():
            path, sums = self.path_at[pointer], totals[touches[:, L.TOUCH_PATH] == pointer].sum(axis=0).tolist()
            for event, count in zip(L.COUNTED, sums, strict=True):
                name = path.device if event.startswith("device") else path.cache
                if count:
                    counts[event, name] = counts.get((event, name), 0) + count
        return counts

    def ways_searched(self, touches: np.ndarray, run: Sequence[Instruction]) -> dict[str, int]:
        """Ways that caches search for ``run``, the first instructions of a node with ``touches``: by cache, per halfword."""
        counts: dict[str, int] = {}
        for pointer, number in {(int(path), int(number)) for path, number in touches[:, :2]}:
            kind, cache, ways = self.searches[pointer]
            if number < len(run) and kind != FETCH:
                counts[cache] = counts.get(cache, 0) + ways * halfwords_of(run[number].memory)
        for pointer in {int(path) for path in touches[:, L.TOUCH_PATH]}:
            kind, cache, ways = self.searches[pointer]
            if kind == FETCH:  # touched a line at a time, but asked for each instruction; a block has one such path
                counts[cache] = counts.get(cache, 0) + ways * sum(one.size // 2 for one in run)
        return {cache: count for cache, count in counts.items() if count}

    def lookups(self, name: str) -> tuple[int, int, int, int]:
        """(hits of fetches, misses of fetches, hits of data, misses of data) of the cache ``name`` so far."""
        rows = [record.row for spec, record in self.caches.items() if spec.name == name]
        starts = ((L.CACHE_HITS, 1), (L.CACHE_MISSES, 1), (L.CACHE_HITS + 1, 2), (L.CACHE_MISSES + 1, 2))
        fetch_hits, fetch_misses, data_hits, data_misses = (
            sum(_sum(row, first, count) for row in rows) for first, count in starts
        )
        hits = self._hits_of_caches()
        again = [hits.get(row.ctypes.data, NO_HITS) for row in rows]
        fetch_hits, data_hits = fetch_hits + sum(row[0] for row in again), data_hits + sum(sum(row[1:]) for row in again)
        return fetch_hits, fetch_misses, data_hits, data_misses

    def _hits_again(self) -> dict[int, int]:
        """Hits that touches booked without a look-up, by the address of their path."""
        if not self.touched:
            return {}
        touches = np.concatenate([touches[:, [L.TOUCH_PATH, L.TOUCH_AGAIN]] for touches in self.touched])
        paths, places = np.unique(touches[:, 0], return_inverse=True)
        sums = np.zeros(len(paths), dtype=np.int64)
        np.add.at(sums, places, touches[:, 1])
        return dict(zip(paths.tolist(), sums.tolist(), strict=True))

    def _hits_of_caches(self) -> dict[int, list[int]]:
        """The same by the address of the cache: of fetches, reads and writes."""
        again = self._hits_again()
        hits: dict[int, list[int]] = {}
        for row in self.paths.values():
            cache, kind = int(row[L.PATH_CACHE]), int(row[L.PATH_KIND])
            hits.setdefault(cache, [0, 0, 0])[kind] += again.get(row.ctypes.data, 0)
        return hits

    def device_uses(self) -> tuple[DeviceUse, ...]:
        """All devices that were read or written."""
        rows = [
            DeviceUse(name, *(int(row[word]) for word in (L.DEVICE_READS, L.DEVICE_HITS_AHEAD, L.DEVICE_WRITES)))
            for name, row in self.devices.items()
        ]
        return tuple(row for row in rows if row.reads + row.hits_ahead + row.writes)


def halfwords_of(memory: MemoryOperand | None) -> int:
    """Halfwords that an access moves; parts of a word count as one word."""
    return 0 if memory is None else 2 * memory.count * max(memory.size // 4, 1)


def _sum(row: np.ndarray, first: int, count: int = 3) -> int:
    return int(row[first : first + count].sum())


def _chain_words(spec: Device) -> tuple[int, ...]:
    """The words of a device from DEVICE_CHAINS on."""
    chain = spec.chain
    if chain is None:
        return (0,) * 7
    page = _shift(chain.page_bytes // spec.word_bytes) if chain.page_bytes else 40
    return 1, chain.cycles, chain.least_cycles, chain.window_cycles, page, chain.anywhere, chain.break_cycles


def _shift(size: int) -> int:
    if size <= 0 or size & (size - 1):
        raise ValueError(f"{size} is no power of two")
    return size.bit_length() - 1


def _address_sources(program: FactProgram, registers: int, scratch: int) -> dict[int, tuple[int, int]]:
    """By instruction: where the address comes from, as (address of a 32-bit word or 0, constant to add)."""
    if program.simple is not None:
        pairs = zip(program.slots, program.simple, strict=True)
        return {
            slot.instruction: (registers + 4 * access.register if access.register >= 0 else 0, access.offset)
            for slot, access in pairs
        }
    facts = [row for row in program.rows.tolist() if row[0] in L.FACT_OPS]
    return {
        slot.instruction: (scratch + row[2] * L.WORD, 0)
        for slot, row in zip(program.slots, facts, strict=True)
        if slot.op == L.OP_ACCESS
    }

"""Accesses walked through caches and devices, natively: stalls that depend on what was touched before.

The data are ``mcusim.pricing.memory``'s; the slow twin is ``mcusim.machine.memory_twin``.
"""

from __future__ import annotations

from numba import njit

from mcusim.machine.compiled import native
from mcusim.machine.layout import (
    ADDRESSES,
    CACHE_ALLOCATE,
    CACHE_CLOCK,
    CACHE_DIRTY,
    CACHE_EPOCH,
    CACHE_HITS,
    CACHE_MEMO,
    CACHE_MISSES,
    CACHE_PLACE,
    CACHE_ROTATE,
    CACHE_SECTOR_SHIFT,
    CACHE_SET_MASK,
    CACHE_SHIFT,
    CACHE_STAMPS,
    CACHE_TAGS,
    CACHE_UNUSED,
    CACHE_VALID,
    CACHE_WAYS,
    CACHE_WRITEBACKS,
    CLOCK_ASKED,
    CLOCK_BEHIND,
    CLOCK_STALL,
    CYCLES,
    DEVICE_AHEAD,
    DEVICE_ANYWHERE,
    DEVICE_BACKLOG,
    DEVICE_BEHIND,
    DEVICE_BREAK,
    DEVICE_BUSY,
    DEVICE_CHAIN,
    DEVICE_CHAINS,
    DEVICE_CRITICAL,
    DEVICE_FIRST,
    DEVICE_HITS_AHEAD,
    DEVICE_LANE_CLOCK,
    DEVICE_LANES,
    DEVICE_LEAST,
    DEVICE_NEXT,
    DEVICE_PAGE_SHIFT,
    DEVICE_PREFETCH,
    DEVICE_READS,
    DEVICE_READY,
    DEVICE_RECOVERY,
    DEVICE_SHIFT,
    DEVICE_WINDOW,
    DEVICE_WRITE,
    DEVICE_WRITES,
    LANE_BACKLOG,
    LANE_BUSY,
    LANE_CHAIN,
    LANE_FIRST,
    LANE_FREE,
    LANE_LEAST,
    LANE_NEXT,
    LANE_READY,
    LANE_RECOVERY,
    LANE_WORDS,
    LANE_WRITE,
    LANES,
    MEMO_MASK,
    MET_DONE,
    MET_NODE,
    MET_STALLS,
    NODE_LANES,
    NODE_STALLS,
    NODE_TOUCH_COUNT,
    NODE_TOUCHES,
    PATH_BUFFERED,
    PATH_CACHE,
    PATH_DEVICE,
    PATH_FREE,
    PATH_KIND,
    PATH_LAST,
    PATH_LEAD,
    PATH_SHIFT,
    PATH_STALLS,
    PATH_STORES,
    PATH_UNITS,
    TOUCH_ADDEND,
    TOUCH_AGAIN,
    TOUCH_COUNTS,
    TOUCH_EPOCH,
    TOUCH_INSTRUCTION,
    TOUCH_LENGTH,
    TOUCH_OFFSET,
    TOUCH_PATH,
    TOUCH_POINTER,
    TOUCH_STAMP,
    TOUCH_UNIT,
    TOUCH_WORDS,
)
from mcusim.machine.memory_access import load_u32, load_word, store_word
from mcusim.pricing.memory import ALLOCATE, FETCH, THROUGH, WRITE

W = 8
MASK = 0xFFFFFFFF
NOTHING = -1
NEW, CHAINED, BROKEN = 0, 1, 2
"""How a read begins: on its own, where the last one ended, or elsewhere while the last one is still open."""


@native
def chain_of(device, word, now):
    """How a read of ``word`` begins on a device whose reads may go on where the last one ended."""
    behind, window = load_word(device + DEVICE_BEHIND * W), load_word(device + DEVICE_WINDOW * W)
    if behind < 0 or (window and now > load_word(device + DEVICE_BUSY * W) + window):
        return NEW
    shift = load_word(device + DEVICE_PAGE_SHIFT * W)
    same_page = (word >> shift) == ((behind - 1) >> shift)
    return CHAINED if same_page and (word == behind or load_word(device + DEVICE_ANYWHERE * W)) else BROKEN


@native
def first_stall(begin, busy, first, start, chain, least, broken):
    """Stall until the first word of a read that begins as ``start`` says."""
    if start == CHAINED:
        return max(busy + chain - begin, least)
    return max(busy - begin, 0) + first + (broken if start == BROKEN else 0)


@native
def read_lanes(device, words, now, hit, ahead, start):
    """As ``read_device``, in all lanes at once: ``hit`` finds the word that was read ahead, ``ahead`` reads the next ahead."""
    broken = load_word(device + DEVICE_BREAK * W)
    lane, clock = load_word(device + DEVICE_LANES * W), load_word(device + DEVICE_LANE_CLOCK * W)
    critical = load_word(device + DEVICE_CRITICAL * W)
    store_word(clock + CLOCK_ASKED * W, 1)
    for _ in range(LANES):
        begin = now + load_word(clock + CLOCK_BEHIND * W)
        stall = 0
        if load_word(lane + LANE_FREE * W) == 0:
            first = load_word(lane + LANE_FIRST * W)
            if hit:
                stall = max(load_word(lane + LANE_READY * W) - begin, 0)
            else:
                chain, least = load_word(lane + LANE_CHAIN * W), load_word(lane + LANE_LEAST * W)
                stall = first_stall(begin, load_word(lane + LANE_BUSY * W), first, start, chain, least, broken)
            rest = (words - 1) * load_word(lane + LANE_NEXT * W)
            done = begin + stall + rest
            if critical == 0:
                stall += rest
            if ahead:
                done += first + 1
                store_word(lane + LANE_READY * W, done)
            store_word(lane + LANE_BUSY * W, done + load_word(lane + LANE_RECOVERY * W))
        store_word(clock + CLOCK_STALL * W, stall)
        lane += LANE_WORDS * W
        clock += W


@native
def write_lanes(device, now):
    """As ``write_device``, in all lanes at once."""
    lane, clock = load_word(device + DEVICE_LANES * W), load_word(device + DEVICE_LANE_CLOCK * W)
    store_word(clock + CLOCK_ASKED * W, 1)
    for _ in range(LANES):
        begin = now + load_word(clock + CLOCK_BEHIND * W)
        stall = 0
        if load_word(lane + LANE_FREE * W) == 0:
            busy = max(load_word(lane + LANE_BUSY * W), begin)
            stall = max(busy - begin - load_word(lane + LANE_BACKLOG * W), 0)
            store_word(lane + LANE_BUSY * W, busy + load_word(lane + LANE_WRITE * W))
        store_word(clock + CLOCK_STALL * W, stall)
        lane += LANE_WORDS * W
        clock += W


@native
def pass_lanes(clock, sums, visible, lead):
    """Book the access at hand in all lanes; the run itself waited ``visible`` cycles for it."""
    store_word(clock + CLOCK_ASKED * W, 0)
    for _ in range(LANES):
        stall = max(load_word(clock + CLOCK_STALL * W) - lead, 0)
        store_word(sums, load_word(sums) + stall)
        store_word(clock + CLOCK_BEHIND * W, load_word(clock + CLOCK_BEHIND * W) + stall - visible)
        sums += W
        clock += W


@native
def read_device(device, address, size, now, fetching):
    """Stall of reading ``size`` bytes that hold ``address``, a whole number of the device's words."""
    shift = load_word(device + DEVICE_SHIFT * W)
    word = address >> shift
    ahead = load_word(device + DEVICE_AHEAD * W)
    hit, prefetches = fetching and word == ahead, fetching and load_word(device + DEVICE_PREFETCH * W) != 0
    start = NEW
    if load_word(device + DEVICE_CHAINS * W):
        start = chain_of(device, word, now)
        store_word(device + DEVICE_BEHIND * W, word + max(size >> shift, 1))
    if load_word(device + DEVICE_LANES * W):
        read_lanes(device, max(size >> shift, 1), now, hit, prefetches, start)
    if hit:
        store_word(device + DEVICE_HITS_AHEAD * W, load_word(device + DEVICE_HITS_AHEAD * W) + 1)
        stall = max(load_word(device + DEVICE_READY * W) - now, 0)
    else:
        store_word(device + DEVICE_READS * W, load_word(device + DEVICE_READS * W) + 1)
        stall = first_stall(
            now, load_word(device + DEVICE_BUSY * W), load_word(device + DEVICE_FIRST * W), start,
            load_word(device + DEVICE_CHAIN * W), load_word(device + DEVICE_LEAST * W), load_word(device + DEVICE_BREAK * W),
        )  # fmt: skip
    rest = max((size >> shift) - 1, 0) * load_word(device + DEVICE_NEXT * W)
    done = now + stall + rest
    if load_word(device + DEVICE_CRITICAL * W) == 0:
        stall += rest
    if prefetches:
        first = (word << shift) & -size if size > 1 << shift else word << shift
        store_word(device + DEVICE_AHEAD * W, (first >> shift) + max(size >> shift, 1))
        done += load_word(device + DEVICE_FIRST * W) + 1
        store_word(device + DEVICE_READY * W, done)
    store_word(device + DEVICE_BUSY * W, done + load_word(device + DEVICE_RECOVERY * W))
    return stall


@native
def write_device(device, now):
    """Stall of handing a store to the device: none until too many are outstanding."""
    store_word(device + DEVICE_WRITES * W, load_word(device + DEVICE_WRITES * W) + 1)
    if load_word(device + DEVICE_LANES * W):
        write_lanes(device, now)
    busy = max(load_word(device + DEVICE_BUSY * W), now)
    stall = max(busy - now - load_word(device + DEVICE_BACKLOG * W), 0)
    store_word(device + DEVICE_BUSY * W, busy + load_word(device + DEVICE_WRITE * W))
    return stall


@native
def find_line(cache, line):
    """Place of ``line`` in the cache, -1 where it is not."""
    tags, memo = load_word(cache + CACHE_TAGS * W), load_word(cache + CACHE_MEMO * W) + (line & MEMO_MASK) * W
    place = load_word(memo)
    if load_word(tags + place * W) == line:
        return place
    ways = load_word(cache + CACHE_WAYS * W)
    first = (line & load_word(cache + CACHE_SET_MASK * W)) * ways
    for place in range(first, first + ways):
        if load_word(tags + place * W) == line:
            store_word(memo, place)
            return place
    return NOTHING


@native
def choose_victim(cache, line):
    """Place that ``line`` takes: the one used longest ago, or the next in turn; an empty one first."""
    ways = load_word(cache + CACHE_WAYS * W)
    first = (line & load_word(cache + CACHE_SET_MASK * W)) * ways
    stamps = load_word(cache + CACHE_STAMPS * W)
    victim = first
    for place in range(first + 1, first + ways):
        if load_word(stamps + place * W) < load_word(stamps + victim * W):
            victim = place
    return victim


@native
def allocate(cache, device, line, now):
    """Make room for ``line``; a dirty line that goes keeps the device busy."""
    place = choose_victim(cache, line)
    store_word(cache + CACHE_EPOCH * W, load_word(cache + CACHE_EPOCH * W) + 1)
    dirty = load_word(cache + CACHE_DIRTY * W) + place * W
    if load_word(dirty):
        store_word(dirty, 0)
        store_word(cache + CACHE_WRITEBACKS * W, load_word(cache + CACHE_WRITEBACKS * W) + 1)
        write_device(device, now)
    store_word(load_word(cache + CACHE_TAGS * W) + place * W, line)
    store_word(load_word(cache + CACHE_VALID * W) + place * W, 0)
    store_word(load_word(cache + CACHE_MEMO * W) + (line & MEMO_MASK) * W, place)
    clock = load_word(cache + CACHE_CLOCK * W) + 1
    store_word(cache + CACHE_CLOCK * W, clock)
    store_word(load_word(cache + CACHE_STAMPS * W) + place * W, clock)
    return place


@native
def count_lookup(cache, counter, kind):
    """Count a hit or a miss of an access of ``kind``."""
    place = cache + (counter + kind) * W
    store_word(place, load_word(place) + 1)


@native
def through_cache(cache, device, address, now, kind, stores):
    """Stall of one access through a cache; it stays within a sector. ``stores``: what a store does."""
    line = address >> load_word(cache + CACHE_SHIFT * W)
    sector_shift = load_word(cache + CACHE_SECTOR_SHIFT * W)
    sector = 1 << ((address >> sector_shift) & ((1 << (load_word(cache + CACHE_SHIFT * W) - sector_shift)) - 1))
    place = find_line(cache, line)
    if place >= 0:
        if load_word(cache + CACHE_ROTATE * W) == 0:
            clock = load_word(cache + CACHE_CLOCK * W) + 1
            store_word(cache + CACHE_CLOCK * W, clock)
            store_word(load_word(cache + CACHE_STAMPS * W) + place * W, clock)
    elif kind == WRITE and (stores != ALLOCATE or load_word(cache + CACHE_ALLOCATE * W) == 0):
        count_lookup(cache, CACHE_MISSES, kind)
        store_word(cache + CACHE_PLACE * W, NOTHING)
        return write_device(device, now)
    else:
        place = allocate(cache, device, line, now)
    store_word(cache + CACHE_PLACE * W, place)
    if kind == WRITE and stores == THROUGH:
        count_lookup(cache, CACHE_HITS, kind)
        return write_device(device, now)
    valid = load_word(cache + CACHE_VALID * W) + place * W
    if kind == WRITE:
        store_word(load_word(cache + CACHE_DIRTY * W) + place * W, 1)
    if load_word(valid) & sector:
        count_lookup(cache, CACHE_HITS, kind)
        return 0
    store_word(valid, load_word(valid) | sector)
    count_lookup(cache, CACHE_MISSES, kind)
    stall = read_device(device, address, 1 << sector_shift, now, kind == FETCH)
    if kind == WRITE:  # the store waits in the store buffer while its line is fetched
        clock = load_word(device + DEVICE_LANE_CLOCK * W)
        if clock:
            store_word(clock + CLOCK_ASKED * W, 0)
        return 0
    return stall


@native
def touch(path, address, length, now, sums):
    """Stall of accessing ``length`` bytes from ``address`` on; ``sums``: 0, or where the stalls of all lanes are added up."""
    shift, kind = load_word(path + PATH_SHIFT * W), load_word(path + PATH_KIND * W)
    cache, device = load_word(path + PATH_CACHE * W), load_word(path + PATH_DEVICE * W)
    last = load_word(path + PATH_LAST * W)
    buffered, free = load_word(path + PATH_BUFFERED * W), load_word(path + PATH_FREE * W)
    busy, ready = load_word(device + DEVICE_BUSY * W), load_word(device + DEVICE_READY * W)
    total = 0
    for unit in range(address >> shift, ((address + length - 1) >> shift) + 1):
        if buffered and load_word(last) == unit and kind != WRITE:
            continue
        store_word(path + PATH_UNITS * W, load_word(path + PATH_UNITS * W) + 1)
        start = now + total - load_word(path + PATH_LEAD * W)
        if cache:
            stall = through_cache(cache, device, unit << shift, start, kind, load_word(path + PATH_STORES * W))
        elif kind == WRITE:
            stall = write_device(device, start)
        else:
            stall = read_device(device, unit << shift, 1 << shift, start, kind == FETCH)
        if free:
            stall = 0
            store_word(device + DEVICE_BUSY * W, busy)
            store_word(device + DEVICE_READY * W, ready)
        visible = max(stall - load_word(path + PATH_LEAD * W), 0)
        total += visible
        if sums:
            clock = load_word(device + DEVICE_LANE_CLOCK * W)
            if load_word(clock + CLOCK_ASKED * W):
                pass_lanes(clock, sums, visible, load_word(path + PATH_LEAD * W))
        store_word(last, NOTHING if kind == WRITE else unit)  # a store may have evicted the unit touched before
    store_word(path + PATH_STALLS * W, load_word(path + PATH_STALLS * W) + total)
    return total


@njit(inline="always")
def hits_again(row, path, address):
    """True for a touch that meets what was met last, and so costs nothing.

    It is booked as ``touch`` would, but for its hit, which is counted in the touch itself (TOUCH_AGAIN).

    Either the path's last unit is read or fetched once more, or the touch meets the unit that it met the time before, in a
    cache that holds what it held then.
    """
    kind, shift = load_word(path + PATH_KIND * W), load_word(path + PATH_SHIFT * W)
    unit = address >> shift
    if (address + load_word(row + TOUCH_LENGTH * W) - 1) >> shift != unit:
        return False
    last = load_word(path + PATH_LAST * W)
    if load_word(last) == unit and kind != WRITE and load_word(path + PATH_BUFFERED * W):
        return True
    cache = load_word(path + PATH_CACHE * W)
    if cache == 0 or unit != load_word(row + TOUCH_UNIT * W):
        return False
    if load_word(cache + CACHE_EPOCH * W) != load_word(row + TOUCH_EPOCH * W):
        return False
    store_word(last, NOTHING if kind == WRITE else unit)
    store_word(row + TOUCH_AGAIN * W, load_word(row + TOUCH_AGAIN * W) + 1)
    clock = load_word(cache + CACHE_CLOCK * W) + 1
    store_word(cache + CACHE_CLOCK * W, clock)
    store_word(load_word(row + TOUCH_STAMP * W), clock)
    return True


@njit(inline="always")
def remember(row, path, address):
    """Note where the unit lies that a touch has just met, so that it is known again without a look-up."""
    cache = load_word(path + PATH_CACHE * W)
    if cache == 0:
        return
    if load_word(path + PATH_KIND * W) == WRITE and load_word(path + PATH_STORES * W) == THROUGH:
        return  # such a store always goes on to the device
    shift, place = load_word(path + PATH_SHIFT * W), load_word(cache + CACHE_PLACE * W)
    unit = address >> shift
    alone = (address + load_word(row + TOUCH_LENGTH * W) - 1) >> shift == unit
    stamp = load_word(cache + CACHE_STAMPS * W) + place * W
    store_word(row + TOUCH_UNIT * W, unit if alone and place >= 0 else NOTHING)
    store_word(row + TOUCH_EPOCH * W, load_word(cache + CACHE_EPOCH * W))
    store_word(row + TOUCH_STAMP * W, cache + CACHE_UNUSED * W if load_word(cache + CACHE_ROTATE * W) else stamp)


@njit(inline="always")
def counts_of(path):
    """What cache and device of ``path`` have counted so far, in the order of ``layout.COUNTED``."""
    cache, device, kind = load_word(path + PATH_CACHE * W), load_word(path + PATH_DEVICE * W), load_word(path + PATH_KIND * W)
    hits = misses = writebacks = 0
    if cache:
        hits, misses = load_word(cache + (CACHE_HITS + kind) * W), load_word(cache + (CACHE_MISSES + kind) * W)
        writebacks = load_word(cache + CACHE_WRITEBACKS * W)
    reads, ahead = load_word(device + DEVICE_READS * W), load_word(device + DEVICE_HITS_AHEAD * W)
    return hits, misses, writebacks, reads, ahead, load_word(device + DEVICE_WRITES * W)


@njit(inline="always")
def book_counts(row, before, after):
    """Add what was counted from ``before`` to ``after`` to the counts of the touch ``row``."""
    counts = row + TOUCH_COUNTS * W
    for number in range(len(before)):
        place = counts + number * W
        store_word(place, load_word(place) + after[number] - before[number])


@native
def meet_touches(state, node):
    """Note the addresses that the touches of ``node`` will have: its registers hold their values of block entry now."""
    row, place = load_word(node + NODE_TOUCHES * W), load_word(state + ADDRESSES * W)
    for _ in range(load_word(node + NODE_TOUCH_COUNT * W)):
        pointer, address = load_word(row + TOUCH_POINTER * W), load_word(row + TOUCH_ADDEND * W)
        store_word(place, (address + load_u32(pointer)) & MASK if pointer else address)
        row += TOUCH_WORDS * W
        place += W
    store_word(state + MET_NODE * W, node)
    store_word(state + MET_DONE * W, 0)
    store_word(state + MET_STALLS * W, 0)


@native
def settle_touches(state, node, instructions):
    """Walk the touches of the first ``instructions`` instructions of the block that is running, as far as not yet done."""
    if load_word(state + MET_NODE * W) != node:
        return
    now, number = load_word(state + CYCLES * W), load_word(state + MET_DONE * W)
    row = load_word(node + NODE_TOUCHES * W) + number * TOUCH_WORDS * W
    place = load_word(state + ADDRESSES * W) + number * W
    total = 0
    for _ in range(load_word(node + NODE_TOUCH_COUNT * W) - number):
        if load_word(row + TOUCH_INSTRUCTION * W) >= instructions:
            break
        address, path = load_word(place), load_word(row + TOUCH_PATH * W)
        if not hits_again(row, path, address):
            begin = now + total + load_word(row + TOUCH_OFFSET * W)
            sums = load_word(node + NODE_LANES * W)
            if sums:
                sums += load_word(path + PATH_KIND * W) * LANES * W
            before = counts_of(path)
            stall = touch(path, address, load_word(row + TOUCH_LENGTH * W), begin, sums)
            book_counts(row, before, counts_of(path))
            remember(row, path, address)
            if stall:
                kind = node + (NODE_STALLS + load_word(path + PATH_KIND * W)) * W
                store_word(kind, load_word(kind) + stall)
                total += stall
        number += 1
        row += TOUCH_WORDS * W
        place += W
    store_word(state + MET_DONE * W, number)
    store_word(state + MET_STALLS * W, load_word(state + MET_STALLS * W) + total)
    store_word(state + CYCLES * W, now + total)

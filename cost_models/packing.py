"""Packing: the least arena that the memory planner finds (``mcusim.deploy.packing``), in numbers, for many networks.

Written so that it runs as it stands, on lists, and compiled, on arrays (``native``). It tries what the planner tries, in the
same order, and gives up where that gives up; but where a short search shows which arena is the smallest, the planner's longer
one is taken to find it too. What is there objects with names are columns of numbers here.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

ATTEMPTS, EFFORT, MANY = 200, 50_000, 100
"""Those of mcusim.deploy.packing and mcusim.deploy.planner."""

ORDERS, SOME, LITTLE = 6, 60, 1500
"""Orders that are tried at first; attempts before it is searched; steps of a search after which the planner might give up,
which searches ten times or so."""

NONE = -1
"""No place yet; an overlay without a distance."""

SEED, FACTOR, MASK = 0x9E3779B9, 0x5851F42D4C957F2D, (1 << 62) - 1
"""Of the numbers by which states of the search are known."""

Numbers = list[int]
Drawn = Sequence[Sequence[int]]
"""``chances`` by the number of bodies."""


class Boxes(NamedTuple):
    """Buffers of one network in the planner's order.

    ``extent``: bytes, rounded up to ``alignment``. ``body``: the first box of those that views hold together, itself where
    there are none; ``offset``: in that body. ``joined``: whether views hold it to others. Steps count from 0, the caller's
    writing.
    """

    extent: Numbers
    alignment: Numbers
    first: Numbers
    last: Numbers
    body: Numbers
    offset: Numbers
    joined: Numbers


class Overlays(NamedTuple):
    """Which output may lie over which input, as boxes; those of one output follow each other.

    ``distance``: bytes below the input's start from where on it may, NONE if only ``exact``, at the same start.
    """

    output: Numbers
    input: Numbers
    distance: Numbers
    exact: Numbers


class Packing(NamedTuple):
    """Bodies, and what keeps them apart.

    ``number``: the body of each box. ``rank``: of heights, the highest first. Rows ``start[i]`` to ``start[i + 1]`` of
    ``other``, ``low`` and ``high`` say where the offset of body i less that of the other must not lie. ``begins``: steps in
    which a box begins. ``need``: bytes that no plan can do without, by step.
    """

    number: Numbers
    height: Numbers
    alignment: Numbers
    first: Numbers
    last: Numbers
    rank: Numbers
    start: Numbers
    other: Numbers
    low: Numbers
    high: Numbers
    begins: Numbers
    need: Numbers


def numbers(count: int) -> Numbers:
    """So many zeros."""
    return [0] * count


def align(value: int, alignment: int) -> int:
    """The first multiple of ``alignment`` (a power of two) at or above ``value``."""
    return (value + alignment - 1) & -alignment


@cache
def chances(bodies: int) -> Sequence[int]:
    """What the planner's generator draws for so many bodies: in each attempt a place in the order, and where two bodies go."""
    chance, half = random.Random(bodies), (bodies - 1) // 2 + 1
    return [
        value
        for _ in range(ATTEMPTS)
        for value in (chance.choice(range(bodies)), chance.randrange(half), chance.randrange(half))
    ]


def peak_bytes(boxes: Boxes, overlays: Overlays, drawn: Drawn) -> int:
    """Bytes of the arena."""
    packing = packing_of(boxes, overlays)
    bodies = len(packing.height)
    if bodies == 0:
        return 0
    bound = most(packing.need, packing.begins, 0, len(packing.need))
    best, offsets = numbers(bodies), numbers(bodies)
    for kind in range(ORDERS):
        first_fit(packing, order_of(packing, kind), offsets)
        if kind == 0 or peak(packing, offsets) < peak(packing, best):
            copy(offsets, best)
        if peak(packing, best) <= bound:
            return peak(packing, best)
    copy(best, offsets)
    squeeze(packing, offsets, bound, drawn[bodies], fewer(SOME, bodies))
    if peak(packing, offsets) <= bound or lowered(boxes, overlays, packing, offsets, bound):
        return peak(packing, offsets)
    squeeze(packing, best, bound, drawn[bodies], fewer(ATTEMPTS, bodies))
    if peak(packing, best) <= bound:
        return peak(packing, best)
    return searched(boxes, overlays, packing, best, bound)


def fewer(count: int, bodies: int) -> int:
    """Of ``count`` attempts or steps so many as are made for more than MANY bodies."""
    return count * MANY // max(bodies, MANY)


def most(values: Numbers, counted: Numbers, first: int, end: int) -> int:
    """The largest of those values that count, from the first on; 0 for none."""
    found = 0
    for i in range(first, end):
        if counted[i] and values[i] > found:
            found = values[i]
    return found


def copy(source: Numbers, target: Numbers) -> None:
    """All of one into another."""
    for i in range(len(source)):
        target[i] = source[i]


# --- what there is to place ---


def packing_of(boxes: Boxes, overlays: Overlays) -> Packing:
    """Bodies in the order of their first boxes."""
    count, bodies, end = len(boxes.body), 0, 0
    number = numbers(count)
    for i in range(count):
        if boxes.body[i] == i:
            number[i] = bodies
            bodies += 1
        end = max(end, boxes.last[i] + 1)
    height, alignment, first, last = numbers(bodies), numbers(bodies), numbers(bodies), numbers(bodies)
    chosen = numbers(bodies)
    for i in range(count):
        b = number[boxes.body[i]]
        if boxes.body[i] == i:
            first[b] = boxes.first[i]
        number[i], chosen[b] = b, 1
        height[b] = max(height[b], boxes.offset[i] + boxes.extent[i])
        alignment[b] = max(alignment[b], boxes.alignment[i])
        first[b] = min(first[b], boxes.first[i])
        last[b] = max(last[b], boxes.last[i])
    begins, need = numbers(end), numbers(end)
    needs(boxes, overlays, number, chosen, begins, need)
    start, other, low, high = apart(boxes, overlays, number, bodies, end)
    return Packing(number, height, alignment, first, last, ranks(height), start, other, low, high, begins, need)


def ranks(height: Numbers) -> Numbers:
    """The place of each height among all different ones, the highest first."""
    count = len(height)
    order, found = numbers(count), numbers(count)
    for i in range(count):
        order[i] = -height[i] * count + i
    order.sort()
    for k in range(1, count):
        here, before = order[k] % count, order[k - 1] % count
        found[here] = found[before] + (1 if height[here] != height[before] else 0)
    return found


def needs(boxes: Boxes, overlays: Overlays, number: Numbers, chosen: Numbers, begins: Numbers, need: Numbers) -> None:
    """Fill ``begins`` and ``need`` for the chosen bodies."""
    for i in range(len(number)):
        if chosen[number[i]]:
            begins[boxes.first[i]] = 1
            for step in range(boxes.first[i], boxes.last[i] + 1):
                need[step] += boxes.extent[i] - hidden(boxes, i, step)
    k, count = 0, len(overlays.output)
    while k < count:
        output, saved, spared = overlays.output[k], 0, 0
        while k < count and overlays.output[k] == output:
            source = overlays.input[k]
            if chosen[number[output]] and chosen[number[source]]:
                here = shared(boxes, overlays, k)
                saved += here
                spared += min(here, boxes.extent[source])
            k += 1
        need[boxes.first[output]] -= min(saved, boxes.extent[output], spared)


def hidden(boxes: Boxes, i: int, step: int) -> int:
    """Bytes of a box that are those of others of its body too, which lie below it, or come before it."""
    if not boxes.joined[i]:
        return 0
    low = boxes.offset[i]
    reached, end = low, low + boxes.extent[i]
    for j in range(len(boxes.body)):
        there = boxes.body[j] == boxes.body[i] and boxes.first[j] <= step <= boxes.last[j]
        if there and (boxes.offset[j] < low or (boxes.offset[j] == low and j < i)):
            reached = max(reached, boxes.offset[j] + boxes.extent[j])
    return min(reached, end) - low


def shared(boxes: Boxes, overlays: Overlays, k: int) -> int:
    """At most so many bytes does an overlay save."""
    output, source = overlays.output[k], overlays.input[k]
    exact = min(boxes.extent[output], boxes.extent[source]) if overlays.exact[k] else 0
    if overlays.distance[k] == NONE:
        return exact
    distance = align(overlays.distance[k], min(boxes.alignment[output], boxes.alignment[source]))
    return max(exact, min(boxes.extent[source], boxes.extent[output] - distance), 0)


def apart(
    boxes: Boxes, overlays: Overlays, number: Numbers, bodies: int, end: int
) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """``start``, ``other``, ``low`` and ``high`` of a packing."""
    count = len(boxes.body)
    alive, order, active, over = numbers(end), numbers(count), numbers(count), numbers(count)
    for i in range(count):
        order[i] = boxes.first[i] * count + i
        for step in range(boxes.first[i], boxes.last[i] + 1):
            alive[step] += 1
    order.sort()
    room = 0
    for i in range(count):
        room += 2 * alive[boxes.first[i]]
    for k in range(len(overlays.output) - 1, -1, -1):
        over[overlays.output[k]] = k + 1
    one, two, low, high = numbers(room), numbers(room), numbers(room), numbers(room)
    several, live, spans, views = numbers(bodies), 0, 0, 0
    for place in range(count):
        i = order[place] % count
        kept = 0
        for k in range(live):
            j = active[k]
            if boxes.last[j] >= boxes.first[i]:
                active[kept] = j
                kept += 1
                if number[i] != number[j] and boxes.extent[i] > 0 and boxes.extent[j] > 0:
                    before = spans
                    spans = span(boxes, overlays, over[i] - 1, i, j, low, high, spans)
                    for s in range(before, spans):
                        one[s], two[s] = number[i], number[j]
                        if number[i] < number[j]:
                            one[s], two[s], low[s], high[s] = number[j], number[i], -high[s], -low[s]
        active[kept] = i
        live = kept + 1
        several[number[i]] |= boxes.joined[i]
        views += boxes.joined[i]
    spans = merged(one, two, low, high, spans, several) if views else narrowed(one, two, low, high, spans)
    return by_body(one, two, low, high, spans, bodies)


def span(boxes: Boxes, overlays: Overlays, k: int, i: int, j: int, low: Numbers, high: Numbers, spans: int) -> int:
    """Add where the offset of the body of box i less that of j must not lie, i being what begins later. How many there are."""
    least, largest = -boxes.extent[i], boxes.extent[j]
    shift = boxes.offset[j] - boxes.offset[i]
    exact = 0
    while 0 <= k < len(overlays.output) and overlays.output[k] == i:
        if overlays.input[k] == j:
            exact = overlays.exact[k]
            if overlays.distance[k] != NONE:
                least = max(least, -overlays.distance[k])
        k += 1
    if exact and least < 0 < largest:
        low[spans], high[spans] = least + shift, shift
        low[spans + 1], high[spans + 1] = shift, largest + shift
        return spans + 2
    low[spans], high[spans] = least + shift, largest + shift
    return spans + 1 if least < largest else spans


def narrowed(one: Numbers, two: Numbers, low: Numbers, high: Numbers, spans: int) -> int:
    """Leave out spans with no number inside. How many are left."""
    kept = 0
    for s in range(spans):
        if high[s] - low[s] > 1:
            one[kept], two[kept], low[kept], high[kept] = one[s], two[s], low[s], high[s]
            kept += 1
    return kept


def merged(one: Numbers, two: Numbers, low: Numbers, high: Numbers, spans: int, several: Numbers) -> int:
    """Join spans of two bodies that overlap, and leave out those with no number inside. How many are left.

    ``several``: bodies of more than one box; no others have spans that overlap.
    """
    lowest, highest, bodies, joint = 0, 0, len(several), 0
    for s in range(spans):
        lowest, highest = min(lowest, low[s]), max(highest, low[s])
        joint += 1 if several[one[s]] or several[two[s]] else 0
    order, width = numbers(joint), highest - lowest + 1
    ones, twos, lows, highs = numbers(spans), numbers(spans), numbers(spans), numbers(spans)
    kept, joint = 0, 0
    for s in range(spans):
        if several[one[s]] or several[two[s]]:
            order[joint] = ((one[s] * bodies + two[s]) * width + low[s] - lowest) * spans + s
            joint += 1
        elif high[s] - low[s] > 1:
            ones[kept], twos[kept], lows[kept], highs[kept] = one[s], two[s], low[s], high[s]
            kept += 1
    order.sort()
    for k in range(joint):
        s = order[k] % spans
        p = kept - 1
        if kept and ones[p] == one[s] and twos[p] == two[s] and low[s] < highs[p]:
            highs[p] = max(highs[p], high[s])
        elif high[s] - low[s] > 1:
            ones[kept], twos[kept], lows[kept], highs[kept] = one[s], two[s], low[s], high[s]
            kept += 1
    for s in range(kept):
        one[s], two[s], low[s], high[s] = ones[s], twos[s], lows[s], highs[s]
    return kept


def by_body(
    one: Numbers, two: Numbers, low: Numbers, high: Numbers, spans: int, bodies: int
) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Spans of each body, seen from it."""
    start, filled = numbers(bodies + 1), numbers(bodies)
    other, lows, highs = numbers(2 * spans), numbers(2 * spans), numbers(2 * spans)
    for s in range(spans):
        start[one[s] + 1] += 1
        start[two[s] + 1] += 1
    for b in range(bodies):
        start[b + 1] += start[b]
        filled[b] = start[b]
    for s in range(spans):
        i, j = one[s], two[s]
        k = filled[i]
        other[k], lows[k], highs[k] = j, low[s], high[s]
        filled[i] += 1
        k = filled[j]
        other[k], lows[k], highs[k] = i, -high[s], -low[s]
        filled[j] += 1
    return start, other, lows, highs


# --- quick attempts ---


def peak(packing: Packing, offsets: Numbers) -> int:
    """Bytes from 0 to the highest end."""
    found = 0
    for i in range(len(offsets)):
        found = max(found, offsets[i] + packing.height[i])
    return found


def lowest(packing: Packing, i: int, offsets: Numbers, floor: int) -> int:
    """The lowest place for a body, at ``floor`` or above, beside those that have one."""
    alignment = packing.alignment[i]
    place, moved = align(floor, alignment), True
    while moved:
        moved = False
        for k in range(packing.start[i], packing.start[i + 1]):
            base = offsets[packing.other[k]]
            if base >= 0 and base + packing.low[k] < place < base + packing.high[k]:
                place = align(base + packing.high[k], alignment)
                moved = True
    return place


def first_fit(packing: Packing, order: Numbers, offsets: Numbers) -> None:
    """Offsets of the bodies if they are placed in ``order``, each as low as it goes."""
    for i in range(len(offsets)):
        offsets[i] = NONE
    for k in range(len(order)):
        offsets[order[k]] = lowest(packing, order[k], offsets, 0)


def order_of(packing: Packing, kind: int) -> Numbers:
    """Bodies in one of the planner's orders."""
    count, order = len(packing.height), numbers(len(packing.height))
    end = len(packing.need) + 1
    for i in range(count):
        height, first, last = packing.height[i], packing.first[i], packing.last[i]
        if kind == 0:
            key = -height * end + first
        elif kind == 1:
            key = -most(packing.need, packing.begins, first, last + 1) * count + packing.rank[i]
        elif kind == 2:
            key = -height * (last - first + 1)
        elif kind == 3:
            key = (first - last) * count + packing.rank[i]
        elif kind == 4:
            key = first * count + packing.rank[i]
        else:
            key = -last * count + packing.rank[i]
        order[i] = key * count + i
    order.sort()
    for k in range(count):
        order[k] %= count
    return order


def squeeze(packing: Packing, best: Numbers, bound: int, drawn: Sequence[int], attempts: int) -> None:
    """Move what lies highest to the front of the order, and now and then something else; keep what is lower in ``best``."""
    count = len(best)
    order, offsets = numbers(count), numbers(count)
    for i in range(count):
        order[i] = (best[i] * count + packing.rank[i]) * count + i
    order.sort()
    for k in range(count):
        order[k] %= count
    first_fit(packing, order, offsets)
    for attempt in range(attempts):
        if peak(packing, offsets) < peak(packing, best):
            copy(offsets, best)
        if peak(packing, best) <= bound:
            return
        highest, k = peak(packing, offsets), 0
        while offsets[order[k]] + packing.height[order[k]] != highest:
            k += 1
        chosen = order[drawn[3 * attempt]]
        move(order, order[k], drawn[3 * attempt + 1])
        move(order, chosen, drawn[3 * attempt + 2])
        first_fit(packing, order, offsets)


def move(order: Numbers, body: int, place: int) -> None:
    """Take a body out of an order and put it where ``place`` others are before it."""
    k = 0
    while order[k] != body:
        k += 1
    while k > place:
        order[k] = order[k - 1]
        k -= 1
    while k < place:
        order[k] = order[k + 1]
        k += 1
    order[k] = body


# --- the search ---


def lowered(boxes: Boxes, overlays: Overlays, packing: Packing, offsets: Numbers, bound: int) -> bool:
    """Lower the arena until there is no smaller one; whether that took so little that the planner finds it too."""
    spent, fits, little = 0, is_complete(boxes, overlays, packing), fewer(LITTLE, len(offsets))
    if not fits:
        return False
    while fits and peak(packing, offsets) > bound:
        spent, fits = improved(boxes, overlays, packing, peak(packing, offsets) - 1, little, offsets)
    return spent < little


def is_complete(boxes: Boxes, overlays: Overlays, packing: Packing) -> bool:
    """Whether a smallest arena is among those that the search looks at."""
    for k in range(len(packing.high)):
        if packing.high[k] < 0:
            return False
    for k in range(len(overlays.output)):
        output, source = packing.number[overlays.output[k]], packing.number[overlays.input[k]]
        if overlays.exact[k] and packing.alignment[output] != packing.alignment[source]:
            return False
    return True


def searched(boxes: Boxes, overlays: Overlays, packing: Packing, offsets: Numbers, bound: int) -> int:
    """Halve the distance between the bound and the best arena until they meet, or the effort is spent. The best one."""
    count, grain, effort, hopeful = len(offsets), packing.alignment[0], fewer(EFFORT, len(offsets)), bound
    for i in range(count):
        grain = min(grain, packing.alignment[i])
    while hopeful < peak(packing, offsets) and effort > 0:
        best = peak(packing, offsets)
        limit = hopeful if hopeful == bound else align((hopeful + best - 1) // 2, grain)
        limit = min(limit, best - grain)
        spent, fits = improved(boxes, overlays, packing, limit, effort // 2 + 1, offsets)
        effort -= spent + 1
        hopeful = hopeful if fits else limit + grain
    return peak(packing, offsets)


def improved(
    boxes: Boxes, overlays: Overlays, packing: Packing, limit: int, effort: int, offsets: Numbers
) -> tuple[int, bool]:
    """Steps spent on whether all fit below ``limit``, and whether they do: then with these ``offsets``."""
    core, rest, left = core_of(packing, limit)
    spent, fits = search(boxes, overlays, packing, core, limit, effort, offsets)
    for k in range(left - 1, -1, -1):
        if fits:
            offsets[rest[k]] = lowest(packing, rest[k], offsets, 0)
    return spent, fits


def core_of(packing: Packing, limit: int) -> tuple[Numbers, Numbers, int]:
    """Which bodies decide whether all fit below ``limit``; the others as they were taken out, and how many."""
    count = len(packing.height)
    core, rest, left = numbers(count), numbers(count), 0
    for i in range(count):
        core[i] = 1
    i = 0
    while i < count:
        if core[i] and always_fits(packing, i, core, limit):
            core[i], rest[left], left, i = 0, i, left + 1, 0
        else:
            i += 1
    return core, rest, left


def always_fits(packing: Packing, i: int, core: Numbers, limit: int) -> bool:
    """Whether a body has more places than the others of the core can keep it away from."""
    grain, away = packing.alignment[i], 0
    for k in range(packing.start[i], packing.start[i + 1]):
        if core[packing.other[k]]:
            away += (packing.high[k] - packing.low[k] - 1) // grain + 1
    return away < (limit - packing.height[i]) // grain + 1


class Search(NamedTuple):
    """What the search knows: where bodies lie, and by step what is still to be placed, at its least, and how high it is filled.

    ``bytes`` and ``reach``: by body and step, what it covers, and how high its boxes reach that begin where it does.
    """

    offsets: Numbers
    begins: Numbers
    rest: Numbers
    top: Numbers
    bytes: Numbers
    reach: Numbers


def search_of(boxes: Boxes, overlays: Overlays, packing: Packing, core: Numbers) -> Search:
    """Before anything is placed."""
    steps, count = len(packing.need), len(packing.height)
    begins, rest, top, offsets = numbers(steps), numbers(steps), numbers(steps), numbers(count)
    needs(boxes, overlays, packing.number, core, begins, rest)
    covered, reach = numbers(steps * count), numbers(steps * count)
    for i in range(len(packing.number)):
        for step in range(boxes.first[i], boxes.last[i] + 1):
            place = packing.number[i] * steps + step
            covered[place] += boxes.extent[i] - hidden(boxes, i, step)
            if boxes.offset[i] == 0:
                reach[place] = max(reach[place], boxes.extent[i])
    for b in range(count):
        offsets[b] = 0 if core[b] and packing.height[b] == 0 else NONE
    return Search(offsets, begins, rest, top, covered, reach)


def search(
    boxes: Boxes, overlays: Overlays, packing: Packing, core: Numbers, limit: int, effort: int, found: Numbers
) -> tuple[int, bool]:
    """Steps spent on whether the bodies of the core fit below ``limit``, depth first by ascending offset, and whether they do.

    ``found``: their offsets. A branch is known by a number made of its state, and not looked at again where it failed.
    """
    it = search_of(boxes, overlays, packing, core)
    count, steps, open_ = len(packing.height), len(packing.need), 0
    for b in range(count):
        open_ += 1 if core[b] and it.offsets[b] == NONE else 0
    stack = numbers((open_ + 1) * (len(packing.other) + count))
    begin, end, known, chosen = numbers(open_ + 1), numbers(open_ + 1), numbers(open_ + 1), numbers(open_ + 1)
    tops = numbers((open_ + 1) * steps)
    failed = {SEED}
    failed.discard(SEED)
    level, spent, floor, new = 0, 0, 0, True
    while level >= 0:
        alive = True
        if new:
            if level == open_:
                copy(it.offsets, found)
                return spent, True
            if spent >= effort:
                return spent, False
            spent += 1
            alive = has_room(it, floor, limit)
            if alive:
                known[level] = state(packing, it, core, floor)
                alive = known[level] not in failed and all_fit(packing, it, core, floor, limit)
            begin[level] = end[level - 1] if level else 0
            end[level] = choices(packing, it, core, floor, limit, stack, begin[level]) if alive else begin[level]
        if alive and begin[level] == end[level]:
            failed.add(known[level])
            alive = False
        if alive:
            code = stack[begin[level]]
            begin[level] += 1
            floor, chosen[level] = code // (count * count), code % count
            put(it, chosen[level], floor, tops, level)
            level += 1
        else:
            level -= 1
            if level >= 0:
                take(it, chosen[level], tops, level)
        new = alive
    return spent, False


def state(packing: Packing, it: Search, core: Numbers, floor: int) -> int:
    """A number made of what decides the rest of the search: the places of those that still keep others away."""
    found = (SEED ^ floor) * FACTOR & MASK
    for i in range(len(core)):
        if core[i]:
            value = it.offsets[i]
            if value == NONE:
                value = -2
            elif not waited_for(packing, it, core, i):
                value = -1
            found = (found ^ (found >> 29) ^ value) * FACTOR & MASK
    return found


def waited_for(packing: Packing, it: Search, core: Numbers, i: int) -> bool:
    """Whether a body keeps another away that has no place yet."""
    for k in range(packing.start[i], packing.start[i + 1]):
        if core[packing.other[k]] and it.offsets[packing.other[k]] == NONE:
            return True
    return False


def has_room(it: Search, floor: int, limit: int) -> bool:
    """Whether every step can hold what is still to be placed."""
    for step in range(len(it.rest)):
        if it.begins[step] and it.rest[step] > 0 and max(it.top[step], floor) + it.rest[step] > limit:
            return False
    return True


def all_fit(packing: Packing, it: Search, core: Numbers, floor: int, limit: int) -> bool:
    """Whether each body that is left has a place."""
    for i in range(len(core)):
        if core[i] and it.offsets[i] == NONE and lowest(packing, i, it.offsets, floor) + packing.height[i] > limit:
            return False
    return True


def choices(packing: Packing, it: Search, core: Numbers, floor: int, limit: int, stack: Numbers, begin: int) -> int:
    """Put places to try for the next body on the stack, lowest first; the end of them.

    None leaves room for a whole body below it, unused for ever. Each is a place, a rank and a body in one number.
    """
    count, end, room, any_ = len(core), begin, 0, False
    for i in range(count):
        if core[i] and it.offsets[i] == NONE:
            for k in range(packing.start[i] - 1, packing.start[i + 1]):
                place = 0
                if k >= packing.start[i]:
                    base = it.offsets[packing.other[k]]
                    place = align(base + packing.high[k], packing.alignment[i]) if base >= 0 else NONE
                if floor <= place <= limit - packing.height[i] and free(packing, it, i, place):
                    end = inserted(stack, begin, end, (place * count + packing.rank[i]) * count + i)
                    if not any_ or place + packing.height[i] < room:
                        room, any_ = place + packing.height[i], True
    while end > begin and stack[end - 1] // (count * count) >= room:
        end -= 1
    return end


def free(packing: Packing, it: Search, i: int, place: int) -> bool:
    """Whether nothing that has a place is in the way."""
    for k in range(packing.start[i], packing.start[i + 1]):
        base = it.offsets[packing.other[k]]
        if base >= 0 and base + packing.low[k] < place < base + packing.high[k]:
            return False
    return True


def inserted(stack: Numbers, begin: int, end: int, value: int) -> int:
    """Put a value among others in ascending order, unless it is there. The new end."""
    k = end
    while k > begin and stack[k - 1] > value:
        k -= 1
    if k > begin and stack[k - 1] == value:
        return end
    for m in range(end, k, -1):
        stack[m] = stack[m - 1]
    stack[k] = value
    return end + 1


def put(it: Search, body: int, place: int, tops: Numbers, level: int) -> None:
    """Give a body a place; what was filled before is kept in ``tops``."""
    steps = len(it.rest)
    it.offsets[body] = place
    for step in range(steps):
        tops[level * steps + step] = it.top[step]
        it.rest[step] -= it.bytes[body * steps + step]
        if it.reach[body * steps + step]:
            it.top[step] = max(it.top[step], place + it.reach[body * steps + step])


def take(it: Search, body: int, tops: Numbers, level: int) -> None:
    """The opposite."""
    steps = len(it.rest)
    it.offsets[body] = NONE
    for step in range(steps):
        it.top[step] = tops[level * steps + step]
        it.rest[step] += it.bytes[body * steps + step]

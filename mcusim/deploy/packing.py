"""Packing: offsets for bodies in one memory, as low as possible. Knows nothing of networks.

First many quick attempts: bodies in some order, each as low as it fits. Where none of them reaches the largest need of a step,
a search that places bodies by ascending offset decides whether a lower arena exists.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from mcusim.deploy.bodies import Body, Overlays, Span, align, kept_apart, need_of_steps, steps_of

ATTEMPTS = 200
"""Orders that are tried after the fixed ones, each made of the last by moving forward what lay highest."""

MANY = 100
"""Bodies from which on fewer attempts are made, and fewer steps of search, since each of them takes longer."""


@dataclass(frozen=True)
class Packing:
    """Bodies that share one memory, and what the overlays allow them."""

    bodies: tuple[Body, ...]
    overlays: Overlays

    @cached_property
    def apart(self) -> tuple[dict[int, tuple[Span, ...]], ...]:
        """For each body, by the index of the other: where its offset less the other's must not lie."""
        rows: tuple[dict[int, tuple[Span, ...]], ...] = tuple({} for _ in self.bodies)
        for i, one in enumerate(self.bodies):
            for j, other in enumerate(self.bodies[:i]):
                if spans := kept_apart(one, other, self.overlays):
                    rows[i][j] = spans
                    rows[j][i] = tuple((-high, -low) for low, high in reversed(spans))
        return rows

    @cached_property
    def spans(self) -> tuple[tuple[tuple[int, int, int], ...], ...]:
        """``apart`` in rows: for each body the index of another, and a span."""
        return tuple(tuple((other, *span) for other, spans in row.items() for span in spans) for row in self.apart)

    @cached_property
    def alignments(self) -> tuple[int, ...]:
        """Of the bodies."""
        return tuple(body.alignment for body in self.bodies)

    @cached_property
    def heights(self) -> tuple[int, ...]:
        """Of the bodies."""
        return tuple(body.height for body in self.bodies)

    @cached_property
    def needs(self) -> dict[int, int]:
        """Bytes that no plan can do without, by step."""
        return need_of_steps(self.bodies, self.overlays)

    @cached_property
    def lower_bound(self) -> int:
        """The largest need of a step."""
        return max(self.needs.values(), default=0)

    def peak(self, offsets: Sequence[int]) -> int:
        """Bytes from 0 to the highest end."""
        return max((offset + height for offset, height in zip(offsets, self.heights, strict=True)), default=0)

    def lowest(self, index: int, offsets: Sequence[int | None], floor: int = 0) -> int:
        """The lowest place for a body, at ``floor`` or above, beside those that have one."""
        alignment = self.alignments[index]
        place = align(floor, alignment)
        for low, high in sorted(self.taken(index, offsets)):
            if low >= place:
                break
            if place < high:
                place = align(high, alignment)
        return place

    def taken(self, index: int, offsets: Sequence[int | None]) -> list[Span]:
        """Where a body must not begin, because of those that have a place."""
        return [(base + low, base + high) for other, low, high in self.spans[index] if (base := offsets[other]) is not None]


@dataclass(frozen=True, slots=True)
class Packed:
    """Offsets of the bodies, the arena they need, and whether no smaller one exists."""

    offsets: tuple[int, ...]
    peak: int
    proven: bool
    reason: str


def fewer(count: int, bodies: int) -> int:
    """Of ``count`` attempts or steps so many as take the same time for more than MANY bodies, or nearly so."""
    return count * MANY // max(bodies, MANY)


def pack(packing: Packing, effort: int) -> Packed:
    """The lowest arena found with ``effort`` steps of search, if the quick attempts do not reach the lower bound.

    Fewer steps for more than MANY bodies.
    """
    offsets = quick(packing, packing.lower_bound)
    peak = packing.peak(offsets)
    if peak <= packing.lower_bound:
        return Packed(tuple(offsets), peak, True, "equal to the lower bound")
    return _search(packing, offsets, fewer(effort, len(offsets)))


def quick(packing: Packing, enough: int) -> list[int]:
    """The best of many orders in which each body takes the lowest place that is left; the first of ``enough`` bytes."""
    best: list[int] = []
    for order in _orders(packing):
        offsets = first_fit(packing, order)
        if not best or packing.peak(offsets) < packing.peak(best):
            best = offsets
        if packing.peak(best) <= enough:
            return best
    return _squeeze(packing, best, enough)


def first_fit(packing: Packing, order: Iterable[int]) -> list[int]:
    """Offsets of the bodies if they are placed in ``order``, each as low as it goes."""
    offsets: list[int | None] = [None] * len(packing.bodies)
    for index in order:
        offsets[index] = packing.lowest(index, offsets)
    return [offset for offset in offsets if offset is not None]


def _orders(packing: Packing) -> Iterable[list[int]]:
    bodies, heights = packing.bodies, packing.heights
    crowd = [max((need for step, need in packing.needs.items() if b.first <= step <= b.last), default=0) for b in bodies]
    everything = range(len(bodies))
    for key in (
        lambda i: (-heights[i], bodies[i].first),
        lambda i: (-crowd[i], -heights[i]),
        lambda i: (-heights[i] * (bodies[i].last - bodies[i].first + 1), i),
        lambda i: (bodies[i].first - bodies[i].last, -heights[i]),
        lambda i: (bodies[i].first, -heights[i]),
        lambda i: (-bodies[i].last, -heights[i]),
    ):
        yield sorted(everything, key=key)


def _squeeze(packing: Packing, best: list[int], enough: int) -> list[int]:
    """Move what lies highest to the front of the order, and now and then something else; keep what is lower."""
    chance = random.Random(len(packing.bodies))
    order = sorted(range(len(best)), key=lambda i: (best[i], -packing.heights[i]))
    offsets = first_fit(packing, order)
    for _ in range(fewer(ATTEMPTS, len(best))):
        if packing.peak(offsets) < packing.peak(best):
            best = offsets
        if packing.peak(best) <= enough:
            break
        peak = packing.peak(offsets)
        blamed = next(i for i in order if offsets[i] + packing.heights[i] == peak)
        for index in (blamed, chance.choice(order)):
            order.remove(index)
            order.insert(chance.randrange(len(order) // 2 + 1), index)
        offsets = first_fit(packing, order)
    return best


def _search(packing: Packing, offsets: list[int], effort: int) -> Packed:
    """Halve the distance between the bound and the best arena until they meet, or the effort is spent."""
    grain = min((body.alignment for body in packing.bodies), default=1)
    possible, hopeful = packing.lower_bound, packing.lower_bound
    complete = _complete(packing)
    while hopeful < packing.peak(offsets) and effort > 0:
        peak = packing.peak(offsets)
        limit = hopeful if hopeful == packing.lower_bound else align((hopeful + peak - 1) // 2, grain)
        limit = min(limit, peak - grain)
        core, rest = core_of(packing, limit)
        search = Search(Packing(tuple(packing.bodies[i] for i in core), packing.overlays), limit, effort // 2 + 1)
        found = search.run()
        effort -= search.spent + 1
        if found is not None:
            offsets = _with_rest(packing, dict(zip(core, found, strict=True)), rest)
            continue
        hopeful = limit + grain
        if complete and not search.gave_up and limit + grain > possible:
            possible = limit + grain
    peak = packing.peak(offsets)
    if peak <= packing.lower_bound:
        return Packed(tuple(offsets), peak, True, "equal to the lower bound")
    if complete and possible >= peak:
        return Packed(tuple(offsets), peak, True, "above the lower bound; a complete search found nothing smaller")
    why = "the search was cut short" if complete else "views or mixed alignments keep the search from being complete"
    return Packed(tuple(offsets), peak, False, f"above the lower bound; whether it is the smallest is not known: {why}")


def core_of(packing: Packing, limit: int) -> tuple[list[int], list[int]]:
    """Bodies that decide whether all fit below ``limit``, and the rest in an order in which they find a place after those.

    A body that has more places than the others of the core can keep it away from needs no thought, so it is taken out; that
    may leave others with fewer in their way.
    """
    everything = range(len(packing.bodies))
    places = [(limit - height) // grain + 1 for height, grain in zip(packing.heights, packing.alignments, strict=True)]
    kept_away = [sum(_places_in(span, packing.alignments[i]) for _, *span in packing.spans[i]) for i in everything]
    core, rest = set(everything), []
    loose = [i for i in everything if kept_away[i] < places[i]]  # a heap: ascending
    while loose:
        index = heapq.heappop(loose)
        core.discard(index)
        rest.append(index)
        for other, low, high in packing.spans[index]:
            before = kept_away[other]
            kept_away[other] -= _places_in((-high, -low), packing.alignments[other])
            if other in core and kept_away[other] < places[other] <= before:
                heapq.heappush(loose, other)
    return sorted(core), rest[::-1]


def _places_in(span: Sequence[int], grain: int) -> int:
    """How many places of a body a span can hold at most."""
    low, high = span
    return (high - low - 1) // grain + 1


def _with_rest(packing: Packing, placed: Mapping[int, int], rest: Iterable[int]) -> list[int]:
    offsets = [placed.get(i) for i in range(len(packing.bodies))]
    for index in rest:
        offsets[index] = packing.lowest(index, offsets)
    return [offset for offset in offsets if offset is not None]


def _complete(packing: Packing) -> bool:
    """Whether a smallest arena is among those in which each body rests on one that does not lie higher.

    Not so where a body with a gap may rest on one that begins above it, nor where buffers of different alignments may begin
    at one place: these rest on each other, and could only sink together.
    """
    if any(high < 0 for row in packing.apart for spans in row.values() for _, high in spans):
        return False
    alignment = {box.buffer.name: body.alignment for body in packing.bodies for box in body.boxes}
    return all(alignment.get(o, 0) == alignment.get(i, 0) for (o, i), overlay in packing.overlays.items() if overlay.exact)


class Search:
    """Whether the bodies fit below ``limit``: depth first, by ascending offset.

    In an arena where nothing can sink, each body begins at 0 or where one that lies no higher stops being in its way. So only
    such places are tried. A branch ends where a step cannot hold, above what it holds already, all that is still to be placed.
    """

    def __init__(self, packing: Packing, limit: int, effort: int) -> None:
        self.packing, self.limit, self.effort = packing, limit, effort
        self.spent = 0
        self.gave_up = False
        self._offsets: list[int | None] = [None if height else 0 for height in packing.heights]
        self._failed: set[tuple] = set()
        self._steps = sorted(packing.needs)
        # what is still to be placed at a step, at its least
        self._rest = dict(packing.needs)
        self._bytes = [{s: n for s in steps_of(body, self._steps) if (n := body.bytes_at(s))} for body in packing.bodies]
        self._top = dict.fromkeys(self._steps, 0)

    def run(self) -> list[int] | None:
        """Offsets, or None: there are none, or (``gave_up``) the effort is spent."""
        if self._place(0):
            return [offset for offset in self._offsets if offset is not None]
        return None

    def _place(self, floor: int) -> bool:
        open_ = [i for i, offset in enumerate(self._offsets) if offset is None]
        if not open_:
            return True
        if self.spent >= self.effort:
            self.gave_up = True
            return False
        self.spent += 1
        if any(max(self._top[s], floor) + self._rest[s] > self.limit for s in self._steps if self._rest[s] > 0):
            return False
        key = self._state(floor)
        if key in self._failed:
            return False
        if not all(self._fits(index, floor) for index in open_):
            return False
        for place, index in self._choices(open_, floor):
            self._put(index, place)
            tops = self._raise(index, place)
            if self._place(place):
                return True
            self._top.update(tops)
            self._take(index)
            if self.gave_up:
                return False
        self._failed.add(key)
        return False

    def _fits(self, index: int, floor: int) -> bool:
        return self.packing.lowest(index, self._offsets, floor) + self.packing.heights[index] <= self.limit

    def _state(self, floor: int) -> tuple:
        """What decides the rest of the search: the places of those that still keep others away."""
        offsets = self._offsets
        return (floor, *(
            offset if offset is None or any(offsets[other] is None for other in self.packing.apart[i]) else -1
            for i, offset in enumerate(offsets)
        ))  # fmt: skip

    def _choices(self, open_: list[int], floor: int) -> list[tuple[int, int]]:
        """Places to try for the next body, lowest first; none that leaves room for a whole body below it, unused for ever."""
        heights = self.packing.heights
        choices = [(place, index) for index in open_ for place in self._places(index, floor)]
        room = min((place + heights[index] for place, index in choices), default=0)
        return sorted(((p, i) for p, i in choices if p < room), key=lambda c: (c[0], -heights[c[1]], c[1]))

    def _places(self, index: int, floor: int) -> list[int]:
        taken = self.packing.taken(index, self._offsets)
        places = {align(high, self.packing.alignments[index]) for _, high in taken} | {0}
        highest = self.limit - self.packing.heights[index]
        return [p for p in places if floor <= p <= highest and not any(low < p < high for low, high in taken)]

    def _put(self, index: int, place: int) -> None:
        self._offsets[index] = place
        for step, count in self._bytes[index].items():
            self._rest[step] -= count

    def _take(self, index: int) -> None:
        self._offsets[index] = None
        for step, count in self._bytes[index].items():
            self._rest[step] += count

    def _raise(self, index: int, place: int) -> dict[int, int]:
        """Lift the tops of the steps in which a body lives; the tops before. Boxes above a gap do not count."""
        before: dict[int, int] = {}
        for box in self.packing.bodies[index].boxes:
            if box.offset == 0:
                for step in self._bytes[index]:
                    if box.buffer.first <= step <= box.buffer.last and self._top[step] < place + box.end:
                        before.setdefault(step, self._top[step])
                        self._top[step] = place + box.end
        return before

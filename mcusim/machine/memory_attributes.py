"""Memory attributes: what the default memory map and the MPU make of an address, as far as caches care.

Sources: Armv7-M ARM B3.5 (PMSAv7), Armv8-M ARM B11 and D1.2 (PMSAv8), DDI 0646 table 2.12 (default map of the Cortex-M7).
Not modelled: protection itself, and that stores to strongly-ordered memory wait until they are done.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from mcusim.boards.board import MemoryRegion
from mcusim.pricing.memory import ALLOCATE, BACK, THROUGH

SHAREABLE_WRITES_THROUGH, FORCED_WRITE_THROUGH = 1, 4
"""CACR.SIWT and CACR.FORCEWT of the Cortex-M7 (M7-TRM 3.3.9)."""
SUBREGION_BYTES = 256
"""Regions of at least that size have eight subregions (Armv7-M ARM B3.5.3)."""


class Attributes(NamedTuple):
    """``fetch``, ``data``: a cache may keep instructions, data; ``stores``: as of ``mcusim.pricing.memory.Path``."""

    fetch: bool = False
    data: bool = False
    stores: int = ALLOCATE


UNCACHED = Attributes()
"""Normal non-cacheable, device and strongly-ordered memory."""
WRITTEN_THROUGH = Attributes(True, True, THROUGH)
WRITTEN_BACK = Attributes(True, True, BACK)
ALLOCATED = Attributes(True, True, ALLOCATE)
DEFAULT_MAP = (WRITTEN_THROUGH, ALLOCATED, UNCACHED, ALLOCATED, WRITTEN_THROUGH, UNCACHED, UNCACHED, UNCACHED)
"""By the top three bits of an address: code, SRAM, peripherals, external RAM twice, external device twice, system."""
INNER = (UNCACHED, ALLOCATED, WRITTEN_THROUGH, WRITTEN_BACK)
"""By RASR.C and B where TEX is 1BB: the inner policy, which is that of the first-level caches."""
LEGACY = {0b00010: WRITTEN_THROUGH, 0b00011: WRITTEN_BACK, 0b00111: ALLOCATED}
"""By TEX, C, B where TEX is 0BB; all others are not cacheable (Armv7-M ARM table B3-13)."""


@dataclass(frozen=True, slots=True)
class Protected:
    """Addresses from ``start`` to below ``end`` with the attributes that an MPU region gives them."""

    start: int
    end: int
    attributes: Attributes


def default_attributes(address: int) -> Attributes:
    """Attributes of ``address`` where no MPU region holds it."""
    return DEFAULT_MAP[address >> 29 & 7]


def shared(attributes: Attributes, cache_control: int) -> Attributes:
    """Shareable memory: the Cortex-M7 keeps no data of it, or (CACR.SIWT) writes it through (M7-TRM 3.3.9)."""
    if cache_control & SHAREABLE_WRITES_THROUGH:
        return attributes._replace(stores=THROUGH)
    return attributes._replace(data=False)


def forced(attributes: Attributes, cache_control: int) -> Attributes:
    """CACR.FORCEWT: all cacheable memory is written through."""
    return attributes._replace(stores=THROUGH) if cache_control & FORCED_WRITE_THROUGH and attributes.data else attributes


def v7_attributes(control: int) -> Attributes:
    """What the TEX, C and B bits of RASR say."""
    kind = control >> 19 & 7
    low = control >> 16 & 3  # C is bit 17, B is bit 16
    return INNER[low] if kind & 4 else LEGACY.get(kind << 2 | low, UNCACHED)


def v8_attributes(indirection: int) -> Attributes:
    """What a byte of MAIR says: the inner policy, if the outer half names normal memory (Armv8-M ARM D1.2.127)."""
    inner = indirection & 0xF
    if not indirection >> 4 or inner == 0b0100:
        return UNCACHED
    if not inner & 0b0100:
        return WRITTEN_THROUGH
    return ALLOCATED if inner & 1 else WRITTEN_BACK


def v7_regions(registers: Sequence[tuple[int, int]], cache_control: int) -> list[Protected]:
    """Enabled regions out of (RBAR, RASR) pairs, the one that wins last."""
    found = []
    for base, control in registers:
        if not control & 1:
            continue
        size = 1 << (control >> 1 & 0x1F) + 1
        start, attributes = base & ~0x1F & ~(size - 1) & 0xFFFFFFFF, v7_attributes(control)
        if control >> 18 & 1:
            attributes = shared(attributes, cache_control)
        disabled, part = control >> 8 & 0xFF, size // 8
        if size < SUBREGION_BYTES or not disabled:
            found.append(Protected(start, start + size, attributes))
            continue
        found += [
            Protected(start + number * part, start + (number + 1) * part, attributes)
            for number in range(8)
            if not disabled >> number & 1
        ]
    return found


def v8_regions(registers: Sequence[tuple[int, int]], indirection: int) -> list[Protected]:
    """Enabled regions out of (RBAR, RLAR) pairs. ``indirection``: MAIR1 and MAIR0. No Armv8-M core here has caches of its own
    that shareability would matter to."""
    return [
        Protected(base & ~0x1F, (limit | 0x1F) + 1, v8_attributes(indirection >> 8 * (limit >> 1 & 7) & 0xFF))
        for base, limit in registers
        if limit & 1
    ]


def spans(start: int, end: int, regions: Iterable[Protected], cache_control: int) -> list[Protected]:
    """``start`` to below ``end`` cut by attributes; the last of ``regions`` that holds an address decides."""
    met = [region for region in regions if region.start < end and start < region.end]
    edges = sorted({start, end, *(edge for r in met for edge in (r.start, r.end) if start < edge < end)})
    cut: list[Protected] = []
    for low, high in pairwise(edges):
        inside = [region.attributes for region in met if region.start <= low < region.end]
        attributes = forced(inside[-1] if inside else default_attributes(low), cache_control)
        if cut and cut[-1].attributes == attributes:
            cut[-1] = Protected(cut[-1].start, high, attributes)
        else:
            cut.append(Protected(low, high, attributes))
    return cut


class Piece(NamedTuple):
    """Part of a memory whose attributes are not those of the memory's address in the default map.

    ``offset``: of its first byte in the memory. ``region``: its index among all regions.
    """

    start: int
    end: int
    memory: int
    offset: int
    region: int


class AttributeMap:
    """Regions by attributes: each memory has one of its own, and one more for each other attributes its parts ever had.

    ``buses``: those behind the core's own caches. ``first``: index of the first further region.
    """

    def __init__(self, memories: Sequence[MemoryRegion], buses: Collection[str], first: int) -> None:
        self.memories, self.buses, self.first = memories, buses, first
        self.known: dict[tuple[int, Attributes], int] = {}
        self.pieces: tuple[Piece, ...] = ()

    def update(self, regions: Sequence[Protected], cache_control: int) -> bool:
        """Cut the memories by ``regions``; True if that is another map than before."""
        before, self.pieces = self.pieces, tuple(self._cut(regions, cache_control))
        return self.pieces != before

    def variants(self) -> list[tuple[MemoryRegion, Attributes]]:
        """Memory and attributes of the further regions, in the order of their indices."""
        return [(self.memories[number], attributes) for number, attributes in self.known]

    def _cut(self, regions: Sequence[Protected], cache_control: int) -> list[Piece]:
        pieces = []
        for number, memory in enumerate(self.memories):
            if memory.kind == "tcm" or not (memory.cache or memory.bus in self.buses):
                continue  # tightly coupled (M7-TRM 5.7), or no cache that asks for attributes
            for place in (memory.address, *memory.aliases):
                for span in spans(place, place + memory.size, regions, cache_control):
                    if span.attributes != default_attributes(memory.address):
                        index = self.known.setdefault((number, span.attributes), self.first + len(self.known))
                        pieces.append(Piece(span.start, span.end, number, span.start - place, index))
        return sorted(pieces)

"""Attributes of memory by the default map and the MPU, worked out from the manuals' tables."""

from __future__ import annotations

import pytest

from mcusim.boards.board import MemoryRegion
from mcusim.machine.memory_attributes import (
    ALLOCATED,
    UNCACHED,
    WRITTEN_BACK,
    WRITTEN_THROUGH,
    AttributeMap,
    Protected,
    default_attributes,
    spans,
    v7_attributes,
    v7_regions,
    v8_attributes,
    v8_regions,
)
from mcusim.pricing.memory import THROUGH

SRAM = MemoryRegion("sram", 0x24000000, 0x80000, "ram", bus="axi")
ENABLED = 1


def control(tex: int = 0, c: int = 0, b: int = 0, s: int = 0, size: int = 18, disabled: int = 0) -> int:
    """RASR of a region of 2 ** (size + 1) bytes."""
    return tex << 19 | s << 18 | c << 17 | b << 16 | disabled << 8 | size << 1 | ENABLED


@pytest.mark.parametrize(
    ("address", "attributes"),
    [
        (0x08000000, WRITTEN_THROUGH), (0x20000000, ALLOCATED), (0x40000000, UNCACHED), (0x60000000, ALLOCATED),
        (0x90000000, WRITTEN_THROUGH), (0xA0000000, UNCACHED), (0xC0000000, UNCACHED), (0xE0000000, UNCACHED),
    ],
)  # fmt: skip
def test_the_default_map_is_that_of_table_2_12(address, attributes):
    assert default_attributes(address) == attributes


@pytest.mark.parametrize(
    ("tex", "c", "b", "attributes"),
    [
        (0, 0, 0, UNCACHED), (0, 0, 1, UNCACHED), (0, 1, 0, WRITTEN_THROUGH), (0, 1, 1, WRITTEN_BACK),
        (1, 0, 0, UNCACHED), (1, 1, 1, ALLOCATED), (2, 0, 0, UNCACHED),
        (4, 0, 0, UNCACHED), (4, 0, 1, ALLOCATED), (4, 1, 0, WRITTEN_THROUGH), (4, 1, 1, WRITTEN_BACK),
        (7, 0, 1, ALLOCATED),
    ],
)  # fmt: skip
def test_tex_c_and_b_name_the_inner_policy(tex, c, b, attributes):
    assert v7_attributes(control(tex, c, b)) == attributes


@pytest.mark.parametrize(
    ("byte", "attributes"),
    [
        (0x00, UNCACHED), (0x04, UNCACHED), (0x0C, UNCACHED),  # device
        (0x44, UNCACHED), (0xAA, WRITTEN_THROUGH), (0xBB, WRITTEN_THROUGH), (0xEE, WRITTEN_BACK), (0xFF, ALLOCATED),
        (0x77, ALLOCATED), (0xF4, UNCACHED),
    ],
)  # fmt: skip
def test_a_byte_of_mair_names_the_inner_policy(byte, attributes):
    assert v8_attributes(byte) == attributes


def test_shareable_memory_is_not_kept_as_data_unless_siwt_writes_it_through():
    region = (0x24000000, control(1, 1, 1, s=1))
    (kept,) = v7_regions([region], 0)
    assert (kept.attributes.fetch, kept.attributes.data) == (True, False)
    (through,) = v7_regions([region], 1)
    assert (through.attributes.data, through.attributes.stores) == (True, THROUGH)


def test_forced_write_through_reaches_memory_without_a_region():
    (span,) = spans(0x24000000, 0x24080000, [], 4)
    assert span.attributes == WRITTEN_THROUGH


def test_the_base_is_cut_to_the_size_and_disabled_regions_are_nothing():
    assert v7_regions([(0x24012345, control(size=15)), (0x24000000, control() & ~1)], 0) == [
        Protected(0x24010000, 0x24020000, UNCACHED)
    ]


def test_disabled_subregions_are_eighths_that_do_not_match():
    regions = v7_regions([(0x24000000, control(size=18, disabled=0b1111_0001))], 0)  # 512 KB in eighths of 64 KB
    assert [(region.start - 0x24000000) >> 16 for region in regions] == [1, 2, 3]
    assert all(region.end - region.start == 0x10000 for region in regions)


def test_a_region_below_256_bytes_has_no_subregions():
    assert v7_regions([(0x24000000, control(size=6, disabled=0xFF))], 0) == [Protected(0x24000000, 0x24000080, UNCACHED)]


def test_limits_of_armv8_include_their_last_32_bytes():
    base, limit = 0x20000000 | 3 << 1, 0x200000E0 | 1 << 1 | ENABLED
    assert v8_regions([(base, limit)], 0x44 << 8) == [Protected(0x20000000, 0x20000100, UNCACHED)]


def test_the_region_with_the_highest_number_wins_where_two_overlap():
    regions = [Protected(0x24000000, 0x24080000, UNCACHED), Protected(0x24010000, 0x24020000, WRITTEN_THROUGH)]
    assert spans(0x24000000, 0x24080000, regions, 0) == [
        Protected(0x24000000, 0x24010000, UNCACHED),
        Protected(0x24010000, 0x24020000, WRITTEN_THROUGH),
        Protected(0x24020000, 0x24080000, UNCACHED),
    ]
    assert spans(0x24000000, 0x24080000, regions[::-1], 0) == [Protected(0x24000000, 0x24080000, UNCACHED)]


def test_a_memory_has_one_further_region_for_each_kind_of_attributes_it_ever_had():
    known = AttributeMap([SRAM], ("axi",), first=5)
    assert not known.update([], 0) and known.pieces == ()
    assert known.update([Protected(0x24000000, 0x24001000, UNCACHED), Protected(0x24002000, 0x24003000, UNCACHED)], 0)
    assert [(piece.offset, piece.region) for piece in known.pieces] == [(0, 5), (0x2000, 5)]
    assert known.update([Protected(0x24000000, 0x24001000, WRITTEN_THROUGH)], 0)
    assert [piece.region for piece in known.pieces] == [6]
    assert [attributes for _, attributes in known.variants()] == [UNCACHED, WRITTEN_THROUGH]
    assert known.update([], 0) and known.pieces == ()


def test_tightly_coupled_memory_and_memory_without_a_cache_stay_whole():
    memories = [MemoryRegion("dtcm", 0x20000000, 0x20000, "tcm", bus="dtcm"), MemoryRegion("sram", 0x24000000, 64, "ram")]
    assert not AttributeMap(memories, ("axi",), first=6).update([Protected(0, 1 << 32, UNCACHED)], 0)


def test_an_alias_in_another_part_of_the_default_map_is_a_region_of_its_own():
    known = AttributeMap([MemoryRegion("sram1", 0x30000000, 64, "ram", aliases=(0x10000000,), bus="ahb")], ("ahb",), first=5)
    known.update([], 0)
    assert [(piece.start, piece.region) for piece in known.pieces] == [(0x10000000, 5)]
    assert known.variants()[0][1] == WRITTEN_THROUGH

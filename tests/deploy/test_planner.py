"""The memory planner: valid plans, smallest plans, and what it refuses."""

from __future__ import annotations

import pytest

from mcusim.deploy.buffers import Buffer, Memory, Overlay, PlanError, View
from mcusim.deploy.planner import plan
from tests.deploy.twins import faults, random_buffers, random_overlays, smallest


@pytest.mark.parametrize("seed", range(40))
def test_small_plans_are_as_small_as_trying_every_place_finds(seed: int) -> None:
    buffers = random_buffers(seed, 4, 4, 12)
    found = plan(buffers)
    assert found.proven
    assert found.peak_bytes["ram"] == smallest(buffers, [])


@pytest.mark.parametrize("seed", range(60))
def test_small_plans_with_overlays_are_as_small_as_trying_every_place_finds(seed: int) -> None:
    buffers = random_buffers(seed, 4, 3, 12)
    overlays = random_overlays(seed, buffers, 8)
    found = plan(buffers, overlays)
    assert not faults(found, buffers, overlays, [])
    assert found.proven
    assert found.lower_bound_bytes <= found.peak_bytes["ram"] == smallest(buffers, overlays)


@pytest.mark.parametrize("seed", range(30))
def test_small_plans_with_two_alignments_are_not_called_proven_above_the_smallest(seed: int) -> None:
    buffers = random_buffers(seed, 4, 3, 12, (4, 8))
    overlays = random_overlays(seed, buffers, 8)
    found = plan(buffers, overlays)
    assert not faults(found, buffers, overlays, [])
    assert found.peak_bytes["ram"] == smallest(buffers, overlays) or not found.proven


@pytest.mark.parametrize("seed", range(30))
def test_no_two_live_buffers_of_a_large_plan_share_a_byte(seed: int) -> None:
    buffers = random_buffers(seed, 40, 30, 500, (4, 16))
    overlays = random_overlays(seed, buffers, 100)
    found = plan(buffers, overlays, effort=2000)
    assert not faults(found, buffers, overlays, [])
    assert found.lower_bound_bytes <= found.peak_bytes["ram"]


def test_a_plan_is_the_same_each_time() -> None:
    buffers = random_buffers(3, 30, 10, 100)
    assert plan(buffers) == plan(list(buffers))


def test_a_chain_of_layers_lies_at_both_ends_of_the_arena_in_turns() -> None:
    chain = [Buffer(f"t{i}", size, max(i - 1, 0), i) for i, size in enumerate((100, 40, 80, 60, 20))]
    found = plan(chain)
    assert found.peak_bytes["ram"] == found.lower_bound_bytes == 140
    assert found.proven


def test_a_need_above_the_lower_bound_is_proven() -> None:
    # the textbook case: five buffers whose steps need 4 units at most, and which do not fit into 4
    sizes = {"a": (1, 0, 1), "b": (1, 3, 4), "c": (2, 0, 0), "d": (2, 1, 2), "e": (1, 2, 3), "f": (2, 3, 3), "g": (1, 0, 2)}
    buffers = [Buffer(name, 4 * size, first, last) for name, (size, first, last) in sizes.items()]
    found = plan(buffers)
    assert found.proven
    assert found.lower_bound_bytes <= found.peak_bytes["ram"]


def test_an_element_wise_chain_needs_one_buffer() -> None:
    buffers = [Buffer("a", 64, -1, 0), Buffer("b", 64, 0, 1), Buffer("c", 64, 1, 2)]
    found = plan(buffers, [Overlay("b", "a"), Overlay("c", "b")])
    assert found.peak_bytes["ram"] == found.lower_bound_bytes == 64
    assert {place.offset_bytes for place in found.places.values()} == {0}


def test_an_output_may_start_a_distance_below_its_input() -> None:
    buffers = [Buffer("input", 100, 0, 1), Buffer("output", 100, 1, 2)]
    found = plan(buffers, [Overlay("output", "input", distance_bytes=12, exact=False)])
    assert found.places["input"].offset_bytes - found.places["output"].offset_bytes == 12
    assert found.peak_bytes["ram"] == found.lower_bound_bytes == 112
    assert found.proven


def test_sharing_with_two_inputs_at_once_is_counted() -> None:
    buffers = [Buffer("a", 40, 0, 1), Buffer("b", 40, 0, 1), Buffer("sum", 160, 1, 1)]
    overlays = [Overlay("sum", "a", 0), Overlay("sum", "b", 0)]
    found = plan(buffers, overlays)
    assert found.lower_bound_bytes == found.peak_bytes["ram"] == smallest(buffers, overlays, 40) == 160


def test_parts_written_straight_into_their_concatenation_take_no_place_of_their_own() -> None:
    buffers = [Buffer("a", 40, 0, 2), Buffer("b", 24, 1, 2), Buffer("all", 64, 2, 3)]
    views = [View("a", "all", 0), View("b", "all", 40)]
    found = plan(buffers, views=views)
    assert found.peak_bytes["ram"] == found.lower_bound_bytes == 64
    assert not faults(found, buffers, [], views)


def test_another_buffer_uses_the_part_of_a_concatenation_that_is_not_written_yet() -> None:
    buffers = [Buffer("early", 40, 0, 0), Buffer("a", 24, 0, 2), Buffer("b", 40, 1, 2), Buffer("all", 64, 2, 2)]
    found = plan(buffers, views=[View("a", "all", 0), View("b", "all", 24)])
    assert found.peak_bytes["ram"] == 64


def test_the_busiest_buffers_get_the_preferred_memory() -> None:
    buffers = [Buffer("cold", 100, 0, 1, traffic_bytes=100), Buffer("hot", 100, 0, 1, traffic_bytes=900)]
    found = plan(buffers, memories=[Memory("sram", 1000, preference=1), Memory("dtcm", 120)])
    assert {name: place.memory for name, place in found.places.items()} == {"cold": "sram", "hot": "dtcm"}
    assert found.peak_bytes == {"dtcm": 100, "sram": 100}


def test_of_memories_as_good_as_each_other_one_that_holds_all_is_taken() -> None:
    buffers = [Buffer("a", 100, 0, 1), Buffer("b", 100, 0, 1)]
    found = plan(buffers, memories=[Memory("sram1", 150), Memory("sram2", 1000)])
    assert found.peak_bytes == {"sram1": 0, "sram2": 200}


def test_a_buffer_lies_where_it_is_allowed_to() -> None:
    buffers = [Buffer("frame", 100, 0, 1, memories=("external",)), Buffer("b", 100, 0, 1)]
    found = plan(buffers, memories=[Memory("sram", 1000), Memory("external", 1000, preference=1)])
    assert found.places["frame"].memory == "external"


@pytest.mark.parametrize("seed", range(15))
def test_plans_over_several_memories_are_valid(seed: int) -> None:
    buffers = random_buffers(seed, 20, 12, 100)
    overlays = random_overlays(seed, buffers, 40)
    bound = plan(buffers, overlays).lower_bound_bytes
    memories = [Memory("dtcm", bound // 2), Memory("sram", bound, 1), Memory("external", None, 2)]
    found = plan(buffers, overlays, memories, effort=1000)
    assert not faults(found, buffers, overlays, [])
    assert all(m.size_bytes is None or found.peak_bytes[m.name] <= m.size_bytes for m in memories)


def test_memories_that_are_too_small_are_named_with_what_is_needed() -> None:
    with pytest.raises(PlanError, match=r"step 0 alone needs 160 bytes, most of them for b \(100 bytes\), a \(60.*ram 128"):
        plan([Buffer("a", 60, 0, 1), Buffer("b", 100, 0, 0)], memories=[Memory("ram", 128)])


def test_contradictions_are_refused() -> None:
    a, b, c = Buffer("a", 40, 0, 1), Buffer("b", 40, 1, 2), Buffer("c", 80, 2, 3)
    d, other = Buffer("d", 40, 1, 2), Buffer("other", 80, 2, 3)
    with pytest.raises(PlanError, match="the first begins in the step in which the second, begun before, ends"):
        plan([a, c], [Overlay("c", "a")])
    with pytest.raises(PlanError, match="there is no buffer b"):
        plan([a], [Overlay("b", "a")])
    with pytest.raises(PlanError, match="two buffers have one name"):
        plan([a, a])
    with pytest.raises(PlanError, match="at one place while both are alive"):
        plan([a, b, c, d, other], views=[View("a", "c", 0), View("b", "c", 40), View("a", "other", 0), View("d", "other", 40)])
    with pytest.raises(PlanError, match="has to lie inside"):
        plan([a, b], views=[View("a", "b", 4)])
    with pytest.raises(PlanError, match="its alignment is 4"):
        plan([Buffer("odd", 10, 0, 1), c], views=[View("odd", "c", 10)])
    with pytest.raises(PlanError, match=r"may lie in \['dtcm'\], which there is not"):
        plan([Buffer("a", 4, 0, 0, memories=("dtcm",))])
    with pytest.raises(PlanError, match="alignment 3"):
        Buffer("a", 4, 0, 0, alignment=3)
    with pytest.raises(PlanError, match="begin before it ends"):
        Buffer("a", 4, 1, 0)


def test_nothing_to_place_is_a_plan_of_no_bytes() -> None:
    assert plan([]).total_bytes == 0
    assert plan([Buffer("none", 0, 0, 3)]).places["none"].offset_bytes == 0

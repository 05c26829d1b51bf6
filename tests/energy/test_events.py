"""Events that cost energy: every one is counted once, and belongs to one function."""

from __future__ import annotations

from collections import Counter

import pytest

import mcusim
from kernels_c.toolchain import Layout
from mcusim.boards.energy_table import CYCLE_STATES, CYCLES, EVENTS, INSTRUCTION_CLASSES
from mcusim.energy.instruction_class import CLASS_OF, FAMILIES, SPECIFIC
from mcusim.isa.kind import Kind
from tests.support.boards import PLACES, workload

KIB = 1024


def flat(events):
    """Counts by (kind, what)."""
    return Counter({(kind, what): count for kind, row in events.items() for what, count in row.items()})


def of_functions(report):
    return sum((flat(function.events) for function in report.functions), Counter())


def assert_whole(report):
    events = flat(report.events)
    assert of_functions(report) == events
    assert set(report.events) <= set(EVENTS) and all(count > 0 for count in events.values())
    assert sum(report.events["instructions"].values()) == report.instructions
    assert sum(report.events[CYCLES].values()) == report.cycles and set(report.events[CYCLES]) <= set(CYCLE_STATES)
    for cache in report.caches:
        counts = (events["hit", cache.name], events["miss", cache.name], events["writeback", cache.name])
        assert counts == (cache.hits, cache.misses, cache.writebacks)
    for device in report.memory_devices:
        counts = tuple(events[kind, device.name] for kind in ("device_read", "device_ahead", "device_write"))
        assert counts == (device.reads, device.hits_ahead, device.writes)


@pytest.mark.parametrize("board", PLACES)
def test_events_of_functions_add_up_to_those_of_the_run(board):
    report = mcusim.run(workload(board), board=board)
    assert report.exit.reason == "exit"
    assert_whole(report)
    assert all(count >= 0 for function in report.functions for count in flat(function.events).values())


@pytest.mark.parametrize("core", ["m0", "m4", "m7"])
def test_events_of_interrupted_and_sleeping_programs_add_up(build, core):
    report = mcusim.run(build(["marked.c", "src/marks.c"], core), core=core)
    assert_whole(report)
    assert report.events[CYCLES].get("sleep", 0) == report.causes.get("sleep", 0)


@pytest.mark.parametrize("instructions", [10_007, 30_011])
def test_events_of_a_run_that_is_cut_short_add_up(instructions):
    report = mcusim.run(workload("nucleo-l4r5zi"), board="nucleo-l4r5zi", max_instructions=instructions)
    assert report.exit.reason == "max_instructions"
    assert_whole(report)


@pytest.mark.parametrize(("board", "core", "layout"), [
    ("m4", "m4", Layout()), ("m0", "m0", Layout()),
    ("nucleo-h743zi", "m7", Layout(0x08000000, 128 * KIB, 0x24000000, 128 * KIB)),
])  # fmt: skip
def test_marks_tell_the_events_of_all_times_they_ran(build, board, core, layout):
    report = mcusim.run(build(["marked.c", "src/marks.c"], core, layout=layout), board=board)
    whole = flat(report.events)
    assert report.marks
    for mark in report.marks:
        events = flat(mark.events)
        assert sum(mark.events[CYCLES].values()) == mark.cycles
        assert mark.events[CYCLES].get("sleep", 0) == mark.causes.get("sleep", 0)
        assert all(0 < count <= whole[event] for event, count in events.items())
        assert events["instructions", "integer"] > 0 and sum(mark.events["fetch"].values()) >= sum(
            mark.events["instructions"].values()
        )


def test_every_kind_of_instruction_has_one_class():
    assert set(CLASS_OF) == set(Kind) and set(CLASS_OF.values()) == set(INSTRUCTION_CLASSES)
    listed = [kind for kinds in SPECIFIC.values() for kind in kinds]
    assert len(listed) == len(set(listed))
    assert set(SPECIFIC) | set(FAMILIES) | {"integer"} == set(INSTRUCTION_CLASSES)

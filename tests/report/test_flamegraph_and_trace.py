"""Files for speedscope and Perfetto."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mcusim.report import CallNode, ClockEpoch, ReportError, Timeline, TimelineEvent, write_flamegraph, write_trace
from mcusim.report.flamegraph import flamegraph
from mcusim.report.trace import clock, trace
from tests.report.samples import CALL_TREE, FULL, SPARE


def replay(profile: dict, frames: list[dict]) -> dict[tuple[str, ...], int]:
    """Cycles spent with each stack on top, as a viewer of evented profiles counts them."""
    stack: list[int] = []
    spent: dict[tuple[str, ...], int] = {}
    last = profile["startValue"]
    for event in profile["events"]:
        assert event["at"] >= last
        if stack:
            key = tuple(frames[index]["name"] for index in stack)
            spent[key] = spent.get(key, 0) + event["at"] - last
        last = event["at"]
        if event["type"] == "O":
            stack.append(event["frame"])
        else:
            assert stack.pop() == event["frame"]
    assert not stack and last == profile["endValue"]
    return {key: cycles for key, cycles in spent.items() if cycles}


def test_flame_graph_gives_every_stack_its_own_cycles():
    content = flamegraph(FULL)
    assert replay(content["profiles"][0], content["shared"]["frames"]) == {
        ("Reset_Handler",): 100,
        ("Reset_Handler", "main"): 200,
        ("Reset_Handler", "main", "work"): 300,
        ("Reset_Handler", "main", "work", "copy"): 150,
        ("Reset_Handler", "main", "copy"): 50,
        ("SysTick_Handler",): 200,
    }
    assert content["profiles"][0]["endValue"] == sum(node.self_cycles for node in CALL_TREE)


def test_flame_graph_is_of_the_form_that_speedscope_reads(tmp_path):
    write_flamegraph(FULL, tmp_path / "f.json")
    content = json.loads((tmp_path / "f.json").read_text())
    assert content["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    profile = content["profiles"][0]
    assert (profile["type"], profile["unit"]) == ("evented", "none")
    assert set(profile) == {"type", "name", "unit", "startValue", "endValue", "events"}


def test_deep_recursion_makes_a_flame_graph():
    tree = tuple(CallNode("f", depth - 1, 1, 1) for depth in range(50_000))
    profile = flamegraph(replace(SPARE, call_tree=tree))["profiles"][0]
    assert len(profile["events"]) == 100_000 and profile["endValue"] == 50_000


def test_run_without_calls_makes_an_empty_flame_graph():
    assert flamegraph(SPARE)["profiles"][0]["events"] == []


@pytest.mark.parametrize("parent", [0, 1, -2])
def test_call_tree_out_of_order_is_refused(parent):
    with pytest.raises(ReportError, match="call tree: node 0 has parent"):
        flamegraph(replace(SPARE, call_tree=(CallNode("f", parent, 1, 1),)))


def test_cycles_become_seconds_at_the_clock_of_their_epoch():
    seconds = clock((ClockEpoch(0, 1_000_000), ClockEpoch(500, 2_000_000), ClockEpoch(1500, 4_000_000)), 0)
    assert [seconds(cycle) for cycle in (0, 499, 500, 1000, 1500, 5500)] == pytest.approx(
        [0, 499e-6, 500e-6, 750e-6, 1000e-6, 2000e-6]
    )
    assert clock((), 8)(4) == 0.5


def traced(*events: tuple, truncated: bool = False) -> list[dict]:
    timeline = Timeline(tuple(TimelineEvent(*event) for event in events), truncated)
    return [each for each in trace(replace(SPARE, timeline=timeline))["traceEvents"] if each["ph"] != "M"]


def brief(events: list[dict]) -> list[tuple[str, str, float]]:
    return [(each["ph"], each["name"], each["ts"]) for each in events]


def test_functions_become_slices_in_microseconds():
    assert brief(
        traced(("enter", "main", 10), ("enter", "work", 20), ("leave", "work", 30), ("leave", "main", 40))
    ) == [
        ("B", "main", 10.0),
        ("B", "work", 20.0),
        ("E", "work", 30.0),
        ("E", "main", 40.0),
    ]


def test_exceptions_have_their_own_track_and_marks_are_instants():
    events = traced(
        ("enter", "main", 1), ("exception_enter", "SysTick", 2), ("mark", "x", 3), ("exception_leave", "SysTick", 4)
    )
    assert brief(events) == [
        ("B", "main", 1),
        ("B", "SysTick", 2),
        ("i", "x", 3),
        ("E", "SysTick", 4),
        ("E", "main", 4),
    ]
    assert events[0]["tid"] != events[1]["tid"] and events[1]["tid"] == events[3]["tid"]
    assert events[2]["s"] == "t"


def test_threads_nest_on_their_own_tracks():
    events = traced(("enter", "a", 1, "t1"), ("enter", "b", 2, "t2"), ("leave", "a", 3, "t1"), ("leave", "b", 4, "t2"))
    assert [(each["ph"], each["name"], each["tid"]) for each in events] == [
        ("B", "a", 1),
        ("B", "b", 2),
        ("E", "a", 1),
        ("E", "b", 2),
    ]


def test_leave_closes_what_longjmp_left_open_and_a_stray_one_closes_nothing():
    events = traced(("enter", "a", 1), ("enter", "b", 2), ("leave", "a", 3), ("leave", "c", 4))
    assert brief(events) == [("B", "a", 1), ("B", "b", 2), ("E", "b", 3), ("E", "a", 3)]


def test_truncated_trace_closes_its_slices_and_says_where_it_ends():
    events = traced(("enter", "a", 1), ("enter", "b", 7), truncated=True)
    assert brief(events)[2:] == [("E", "b", 7), ("E", "a", 7), ("i", "the recording ends here, the program went on", 7)]


def test_trace_names_its_tracks_and_program(tmp_path):
    write_trace(FULL, tmp_path / "t.json")
    content = json.loads((tmp_path / "t.json").read_text())
    names = [each["args"]["name"] for each in content["traceEvents"] if each["ph"] == "M"]
    assert names == ["main", "psp 1"]
    assert content["otherData"] == {"program": "app.bin", "board": "m4", "core": "m4", "truncated": True}


def test_report_without_timeline_has_no_trace(tmp_path):
    with pytest.raises(ReportError, match="no timeline"):
        write_trace(SPARE, tmp_path / "t.json")
    assert not (tmp_path / "t.json").exists()


def test_unknown_kind_of_event_is_refused():
    with pytest.raises(ReportError, match="kind 'jump', allowed: enter"):
        traced(("jump", "a", 1))

"""The timeline as a trace for Perfetto and chrome://tracing.

Format: "Trace Event Format", Google, section "Duration Events" and "Instant Events"; times are microseconds.
"""

from __future__ import annotations

import json
import os
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from mcusim.report.files import write_atomically
from mcusim.report.report import ClockEpoch, Report, ReportError, Timeline, TimelineEvent

PROCESS = 1
EXCEPTIONS = "exceptions"
"""Name of the track of the exceptions; they nest among themselves, whatever stack they interrupt."""

_OPENING = ("enter", "exception_enter")
_CLOSING = ("leave", "exception_leave")
_MICROSECONDS = 1_000_000
_INSTANT = {"i": {"s": "t"}}
"""An instant event needs its scope: ``t`` is its track."""


def write_trace(report: Report, path: str | os.PathLike[str]) -> None:
    """Write the timeline of ``report`` to ``path``. ReportError when the run did not record one."""
    write_atomically(path, json.dumps(trace(report)))


def trace(report: Report) -> dict[str, Any]:
    """The content of the trace file. Slices still open at the end are closed at the last event's cycle."""
    if report.timeline is None:
        raise ReportError("the report has no timeline: run with trace=True (--trace)")
    seconds = clock(report.clock_epochs, report.clock_hertz)
    other = {"program": report.program.path, "board": report.board, "core": report.core}
    return {
        "traceEvents": list(_trace_events(report.timeline, seconds)),
        "displayTimeUnit": "ns",
        "otherData": {**other, "truncated": report.timeline.truncated},
    }


def clock(epochs: tuple[ClockEpoch, ...], hertz: int) -> Callable[[int], float]:
    """The function from cycle to seconds since reset, for a core clock that changes at each epoch."""
    epochs = epochs or (ClockEpoch(0, hertz),)
    starts = [epoch.cycle for epoch in epochs]
    offsets = [epochs[0].cycle / epochs[0].hertz]
    for before, after in pairwise(epochs):
        offsets.append(offsets[-1] + (after.cycle - before.cycle) / before.hertz)

    def seconds(cycle: int) -> float:
        index = max(bisect_right(starts, cycle) - 1, 0)
        return offsets[index] + (cycle - starts[index]) / epochs[index].hertz

    return seconds


def _trace_events(timeline: Timeline, seconds: Callable[[int], float]) -> Iterator[dict[str, Any]]:
    tracks: dict[str, int] = {}
    stacks: dict[str, list[str]] = {}
    last = 0
    for event in timeline.events:
        last = event.cycle
        track = _track(event)
        if track not in tracks:
            tracks[track], stacks[track] = len(tracks) + 1, []
            yield _named("thread_name", track, tracks[track])
        base = {"pid": PROCESS, "tid": tracks[track], "ts": seconds(event.cycle) * _MICROSECONDS}
        for phase, name in _phases(event, stacks[track]):
            yield {"ph": phase, "name": name, **base, "args": {"cycle": event.cycle}, **_INSTANT.get(phase, {})}
    base = {"pid": PROCESS, "ts": seconds(last) * _MICROSECONDS}
    for track, stack in stacks.items():
        yield from ({"ph": "E", "name": name, "tid": tracks[track], **base} for name in reversed(stack))
    if timeline.truncated:
        text = "the recording ends here, the program went on"
        yield {"ph": "i", "name": text, "tid": 0, **base, "s": "g"}


def _track(event: TimelineEvent) -> str:
    return EXCEPTIONS if event.kind.startswith("exception_") else event.track


def _named(kind: str, name: str, tid: int) -> dict[str, Any]:
    return {"ph": "M", "name": kind, "pid": PROCESS, "tid": tid, "args": {"name": name}}


def _phases(event: TimelineEvent, stack: list[str]) -> list[tuple[str, str]]:
    """Phases that ``event`` becomes: a leave closes what was opened above it too (longjmp), and nothing if not open."""
    if event.kind in _OPENING:
        stack.append(event.name)
        return [("B", event.name)]
    if event.kind in _CLOSING:
        if event.name not in stack:
            return []
        closed: list[tuple[str, str]] = []
        while not closed or closed[-1][1] != event.name:
            closed.append(("E", stack.pop()))
        return closed
    if event.kind == "mark":
        return [("i", event.name)]
    allowed = ", ".join([*_OPENING, *_CLOSING, "mark"])
    raise ReportError(f"a timeline event of kind {event.kind!r}, allowed: {allowed}")

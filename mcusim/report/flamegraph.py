"""The call tree as a speedscope file (https://www.speedscope.app/file-format-schema.json)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from mcusim.report.files import write_atomically
from mcusim.report.report import CallNode, Report, ReportError

SPEEDSCOPE_SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def write_flamegraph(report: Report, path: str | os.PathLike[str]) -> None:
    """Write the call tree of ``report`` to ``path`` for speedscope: widths are cycles, order of time is not kept."""
    write_atomically(path, json.dumps(flamegraph(report)))


def flamegraph(report: Report) -> dict[str, Any]:
    """The content of the speedscope file: one evented profile in which every node of the call tree is open once."""
    names = list(dict.fromkeys(node.function for node in report.call_tree))
    events = list(_events(report.call_tree, {name: index for index, name in enumerate(names)}))
    title = f"{os.path.basename(report.program.path)} on {report.board}"
    profile = {
        "type": "evented",
        "name": f"{title}, cycles",
        "unit": "none",
        "startValue": 0,
        "endValue": sum(node.self_cycles for node in report.call_tree),
        "events": events,
    }
    return {
        "$schema": SPEEDSCOPE_SCHEMA,
        "shared": {"frames": [{"name": name} for name in names]},
        "profiles": [profile],
        "name": title,
        "activeProfileIndex": 0,
        "exporter": "mcusim",
    }


def children_of(tree: tuple[CallNode, ...]) -> tuple[list[int], list[list[int]]]:
    """Roots and children of each node as indices. ReportError when a parent does not stand before its child."""
    roots: list[int] = []
    children: list[list[int]] = [[] for _ in tree]
    for index, node in enumerate(tree):
        if not -1 <= node.parent < index:
            raise ReportError(f"call tree: node {index} has parent {node.parent}, allowed: -1 to {index - 1}")
        (roots if node.parent < 0 else children[node.parent]).append(index)
    return roots, children


def _events(tree: tuple[CallNode, ...], frames: dict[str, int]) -> Iterator[dict[str, Any]]:
    """Opening and closing of all nodes; a node's own cycles come behind those of its children."""
    roots, children = children_of(tree)
    cycle = 0
    work = [(index, False) for index in reversed(roots)]
    while work:
        index, closing = work.pop()
        frame = frames[tree[index].function]
        if closing:
            cycle += tree[index].self_cycles
            yield {"type": "C", "frame": frame, "at": cycle}
            continue
        yield {"type": "O", "frame": frame, "at": cycle}
        work.append((index, True))
        work.extend((child, False) for child in reversed(children[index]))

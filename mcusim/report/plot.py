"""Plots of retimed runs, by plotly (extra ``plot``): HTML by itself, PNG and SVG with kaleido."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from typing import Any

from mcusim.report.files import write_atomically
from mcusim.report.report import ReportError
from mcusim.report.retiming import Answer, Retiming
from mcusim.report.retiming_table import AS_RUN, SWITCH

KINDS = (".html", ".png", ".svg")
AXES: tuple[tuple[str, str, Callable[[Answer], Any]], ...] = (
    ("clock_hertz", "core clock in MHz", lambda answer: None if answer.clock_hertz is None else answer.clock_hertz / 1e6),
    ("wait_states", "wait states", lambda answer: answer.wait_states),
    ("caches", "caches", lambda answer: SWITCH[answer.caches]),
    ("prefetch", "prefetch", lambda answer: SWITCH[answer.prefetch]),
    ("placement", "placement", lambda answer: ", ".join(f"{a} as {b}" for a, b in answer.placement.items()) or AS_RUN),
)
MILLI = 1e3


def check_plot(path: str) -> None:
    """ReportError when ``write_plot`` could not make a file of that kind: asked before anything runs."""
    kind = os.path.splitext(path)[1].lower()
    if kind not in KINDS:
        raise ReportError(f"{path}: cannot be plotted: {kind or 'no ending'!r}; allowed: {', '.join(KINDS)}")
    for package in ("plotly", *(("kaleido",) if kind != ".html" else ())):
        if importlib.util.find_spec(package) is None:
            raise ReportError(f"{path}: plotting needs the package {package}; 'pip install mcusim[plot]' brings it")


def write_plot(retiming: Retiming, path: str) -> None:
    """Write the figure of ``retiming``; its kind is told by the file's ending."""
    check_plot(path)
    kind = os.path.splitext(path)[1].lower()
    drawn = figure(retiming)
    if kind == ".html":
        write_atomically(path, drawn.to_html(include_plotlyjs=True, full_html=True))
        return
    try:
        image = drawn.to_image(format=kind[1:], width=1000, height=600, scale=2)
    except Exception as error:  # kaleido drives a browser, which fails in ways of its own
        raise ReportError(f"{path}: kaleido could not draw it ({error}); a name that ends in .html needs no kaleido") from None
    write_atomically(path, image)


def figure(retiming: Retiming) -> Any:
    """Milliseconds over cycles, both over the first swept axis; one line for each combination of the others."""
    from plotly.graph_objects import Scatter
    from plotly.subplots import make_subplots

    axes = [axis for axis in AXES if len({str(axis[2](answer)) for answer in retiming.answers}) > 1] or [AXES[0]]
    # where clocks are swept, wait states follow from them, unless they are swept too
    first, others = axes[0], axes[1:]
    pairs = {(answer.clock_hertz, answer.wait_states) for answer in retiming.answers}
    if first[0] == "clock_hertz" and len(pairs) == len({clock for clock, _ in pairs}):
        others = [axis for axis in others if axis[0] != "wait_states"]
    lines: dict[str, list[Answer]] = {}
    for answer in retiming.answers:
        lines.setdefault(", ".join(f"{axis[1]} {axis[2](answer)}" for axis in others) or "time", []).append(answer)
    drawn = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08)
    for name, answers in lines.items():
        places = [first[2](answer) if first[2](answer) is not None else AS_RUN for answer in answers]
        texts = [f"{answer.how}, wait states {_or_run(answer.wait_states)}" for answer in answers]
        for row, values in ((1, [MILLI * answer.seconds for answer in answers]), (2, [answer.cycles for answer in answers])):
            drawn.add_trace(
                Scatter(x=places, y=values, name=name, text=texts, mode="lines+markers", legendgroup=name, showlegend=row == 1),
                row=row, col=1,
            )  # fmt: skip
    drawn.update_xaxes(title_text=first[1], row=2, col=1)
    drawn.update_yaxes(title_text="time in ms", rangemode="tozero", row=1, col=1)
    drawn.update_yaxes(title_text="cycles", row=2, col=1)
    program = os.path.basename(retiming.program.path)
    drawn.update_layout(title=f"{program} on {retiming.board}", template="plotly_white", showlegend=len(lines) > 1)
    return drawn


def _or_run(value: int | None) -> str:
    return AS_RUN if value is None else str(value)

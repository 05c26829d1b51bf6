"""The picture of an alignment: power over time, the runs of marks in it, digital lines, gaps. By plotly (extra ``plot``)."""

from __future__ import annotations

from typing import Any

import numpy as np

from calibration.alignment import Windows
from calibration.instruments.trace import Floats, Trace
from mcusim.report.files import write_atomically
from mcusim.report.plot import check_plot
from mcusim.report.report import ReportError

POINTS = 20_000
"""More samples than this are drawn as the least and the most of each stretch."""
HTML = ".html"
MILLI = 1e3


def check_alignment_plot(path: str) -> None:
    """ReportError when ``write_alignment_plot`` could not make the file: asked before anything is read."""
    if not path.lower().endswith(HTML):
        raise ReportError(f"{path}: cannot be drawn: met another ending; allowed: {HTML}")
    check_plot(path)


def write_alignment_plot(path: str, trace: Trace, windows: Windows, supply_volts: float | None) -> None:
    """Write the figure as one HTML page that needs nothing else."""
    check_alignment_plot(path)
    write_atomically(path, figure(trace, windows, supply_volts).to_html(include_plotlyjs=True, full_html=True))


def figure(trace: Trace, windows: Windows, supply_volts: float | None) -> Any:
    """Power above, lines below; each mark has a colour, and its runs are lines on top of the power."""
    from plotly.graph_objects import Scatter
    from plotly.subplots import make_subplots

    lines = {name: levels for name, levels in trace.lines.items() if np.any(levels != levels[0])}
    drawn = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.05, row_heights=[0.75, 0.25])
    watts = trace.watts(supply_volts)
    drawn.add_trace(Scatter(**_thinned(trace.seconds, MILLI * watts), mode="lines", name="power", line_width=1), row=1, col=1)
    top = MILLI * float(watts.max())
    for name in dict.fromkeys(windows.names):
        own = np.array([each == name for each in windows.names])
        drawn.add_trace(
            Scatter(**_bars(windows.begins[own], windows.ends[own], 1.02 * top), mode="lines", name=name, line_width=8),
            row=1, col=1,
        )  # fmt: skip
    if len(trace.gaps):
        gaps = _bars(trace.gaps[:, 0], trace.gaps[:, 1], 0.0)
        drawn.add_trace(Scatter(**gaps, mode="lines", name="gaps", line={"width": 8, "color": "red"}), row=1, col=1)
    for number, (name, levels) in enumerate(lines.items()):
        high = np.clip(levels, 0, 1).astype(np.float64) * 0.8 + number
        drawn.add_trace(Scatter(**_thinned(trace.seconds, high), mode="lines", name=name, line_shape="hv"), row=2, col=1)
    drawn.update_xaxes(title_text="time in s", row=2, col=1)
    drawn.update_yaxes(title_text="power in mW", row=1, col=1)
    drawn.update_yaxes(showticklabels=False, row=2, col=1)
    text = "; ".join((f"{trace.path} ({trace.instrument}), aligned by {windows.how}", *windows.notes))
    drawn.update_layout(title=text, template="plotly_white")
    return drawn


def _thinned(x: Floats, y: Floats) -> dict[str, Floats]:
    """At most ``POINTS`` points: of each stretch of samples the least and the most, so that no peak is lost."""
    size = -(-len(x) // (POINTS // 2))
    if size <= 1:
        return {"x": x, "y": y}
    whole = len(x) // size * size
    parts = y[:whole].reshape(-1, size)
    least, most = parts.argmin(axis=1), parts.argmax(axis=1)
    first = np.arange(len(parts)) * size
    kept = np.sort(np.concatenate((first + least, first + most, np.arange(whole, len(x)))))
    return {"x": x[kept], "y": y[kept]}


def _bars(begins: Floats, ends: Floats, height: float) -> dict[str, Floats]:
    """Horizontal lines, broken in between by NaN."""
    breaks = np.full(len(begins), np.nan)
    x = np.stack((begins, ends, breaks), axis=1).ravel()
    return {"x": x, "y": np.where(np.isnan(x), np.nan, height)}

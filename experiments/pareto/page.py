"""Page: fronts as an interactive plot."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from experiments.pareto.front import Answer, Axis, Front
from experiments.pareto.results import Results, shown
from experiments.pareto.text import columns_of, table_of
from mcusim.report.files import check_writable
from mcusim.report.report import ReportError

TEMPLATES = Path(__file__).parent / "templates"

WIDE = 20.0
"""Times the least from which on the greatest wants a logarithmic axis."""

COLORS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#e377c2")


def check_page(path: str) -> None:
    """ReportError where a page could not be written."""
    check_writable(path)
    if importlib.util.find_spec("plotly") is None:
        raise ReportError(f"{path}: plotting needs the package plotly; 'pip install mcusim[plot]' brings it")


def page(answer: Answer) -> str:
    """As HTML; all in one file."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    plot = figure(answer).to_html(include_plotlyjs=True, full_html=False, div_id="plot")
    columns = columns_of(answer)
    tables = [(front.value, table_of(answer, front, columns)) for front in answer.fronts]
    return environment.get_template("pareto.html.j2").render(answer=answer, plot=plot, columns=columns, tables=tables)


def figure(answer: Answer) -> Any:
    """Rows of the front of each value as a line, those that it beats as dots, those that break a condition as crosses."""
    from plotly.graph_objects import Figure

    drawn, (x, y) = Figure(), (answer.question.x, answer.question.y)
    for number, front in enumerate(answer.fronts):
        for trace in _traces(answer, front, COLORS[number % len(COLORS)]):
            drawn.add_trace(trace)
    for axis, update in ((x, drawn.update_xaxes), (y, drawn.update_yaxes)):
        update(title_text=str(axis), type="log" if _is_wide(answer.results, axis) else "linear")
    drawn.update_layout(template="plotly_white", height=640, legend={"orientation": "h", "y": -0.15})
    return drawn


def _traces(answer: Answer, front: Front, color: str) -> Iterator[Any]:
    from plotly.graph_objects import Scatter

    name = front.value or "front"
    parts = (
        (front.broken, f"{name}: breaks a condition", "markers", {"size": 5, "opacity": 0.3, "symbol": "x"}, "legendonly"),
        (front.others, f"{name}: beaten", "markers", {"size": 5, "opacity": 0.4}, True),
        (front.rows, name, "lines+markers", {"size": 9}, True),
    )  # fmt: skip
    for rows, called, mode, marker, visible in parts:
        if rows:
            x, y = (_cells(answer.results, axis, rows) for axis in (answer.question.x, answer.question.y))
            told = [_told(answer.results, row) for row in rows]
            line = {"color": color, "shape": "hv" if answer.question.x.sense == "min" else "vh"}
            yield Scatter(
                x=x, y=y, name=called, mode=mode, marker={**marker, "color": color}, line=line, text=told, visible=visible,
                hovertemplate="%{text}<extra></extra>",
            )  # fmt: skip


def _cells(results: Results, axis: Axis, rows: Sequence[int]) -> list[float]:
    return [float(results.rows[row][axis.column]) for row in rows]


def _told(results: Results, row: int) -> str:
    """All of a row, for who points at it."""
    cells = [(name, shown(name, cell)) for name, cell in results.rows[row].items() if cell]
    return "<br>".join(f"{_escaped(name)}: {_escaped(cell)}" for name, cell in cells)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _is_wide(results: Results, axis: Axis) -> bool:
    values = results.numbers(axis.column)
    values = values[values == values]  # NaN is not itself
    return bool(values.min() > 0 and values.max() > WIDE * values.min())

"""Card: what a model is, as text and as a page with plots."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cost_models.accuracy import Errors
from cost_models.catalogue import Entry, entry_of, of_latency
from cost_models.estimates import QUANTILES
from cost_models.evaluate import COLUMNS, rows_of
from cost_models.model import LearningModel
from cost_models.shipped import load
from mcusim.report.files import check_writable
from mcusim.report.quantity import si, size
from mcusim.report.report import ReportError
from mcusim.report.table import make_table

TEMPLATES = Path(__file__).parent / "templates"

WHAT = {
    "linear": "For each way through the kernels a sum of counts, such as outputs, words and loops; no coefficient is negative.",
    "analytic": "A roofline: multiply-accumulates or bytes, whichever takes longer, and a call; three constants an operator.",
}
"""What each model is."""

LIMITS = (
    "Learnt from simulations, not from boards: it is off by the simulator's error (docs/accuracy.md) and by its own, below.",
    "Networks are those of the families below, drawn at random; errors of other kinds of networks are rather those of families"
    " left out.",
    "A kind of layer that was not met is refused; a layer larger than all of its kind is refused too, or has three times the"
    " deviation.",
    "Activations, values of weights, and which layers lie where in memory take no part.",
    "For the kernels, compiler options and clock that 'mcusim bench' takes when nothing else is asked for.",
)
"""What holds for all models."""


@dataclass(frozen=True, slots=True)
class Card:
    """A model and what is known of it; ``domain``: kinds of layers that it knows."""

    entry: Entry
    clock_hertz: int
    quantities: tuple[str, ...]
    domain: tuple[str, ...]

    @property
    def facts(self) -> Sequence[tuple[str, str]]:
        """What it is and where it comes from, by name."""
        training = self.entry.training
        return (
            ("board", f"{self.entry.board} at {si(self.clock_hertz, 'Hz', 3)}"),
            ("model", f"{self.entry.model}: {WHAT[self.entry.model]}"),
            ("quantities", ", ".join((*self.quantities, "RAM", "flash"))),
            ("file", f"{self.entry.path.name}, {size(self.entry.path.stat().st_size)}"),
            ("data", f"{training.networks:,} networks, {training.layers:,} layers, simulated; digest {training.digest}"),
            ("families", ", ".join(f"{name} {count:,}" for name, count in training.families.items())),
            ("domain", f"{len(self.domain)} kinds of layers: {'; '.join(self.domain)}"),
        )

    @property
    def tables(self) -> Sequence[tuple[str, Sequence[str], Sequence[Sequence[str]]]]:
        """Titles, headings and rows of errors."""
        accuracy = self.entry.training.accuracy
        return (
            ("networks held out, each once", COLUMNS, rows_of((), accuracy.held_out)),
            ("the same, by family", ("family", *COLUMNS), _rows(accuracy.by_family)),
            ("families left out of the training", ("family", *COLUMNS), _rows(accuracy.without_family)),
        )


def _rows(families: Mapping[str, Mapping[str, Errors]]) -> Sequence[Sequence[str]]:
    """Of latencies."""
    return [row for name, errors in families.items() for row in rows_of((name,), of_latency(errors))]


def card_of(board: str, model: str) -> Card:
    """The card of a shipped model. CostModelError where there is none."""
    entry, made = entry_of(board, model), load(board, model)
    assert isinstance(made, LearningModel)
    state = made.learnt
    return Card(entry, state.clock_hertz, state.quantities, tuple(state.layers.plain(state.quantities)))


def text(card: Card) -> list[Any]:
    """In lines and tables."""
    width = max(len(name) for name, _ in card.facts)
    head = "\n".join(f"{name:{width}}  {value}" for name, value in card.facts)
    tables = [make_table(*table, right=8) for table in card.tables if table[2]]
    return [head, *tables, "limits\n" + "\n".join(f"  {limit}" for limit in LIMITS)]


def check_page(path: str) -> None:
    """ReportError where a page could not be written."""
    check_writable(path)
    if importlib.util.find_spec("plotly") is None:
        raise ReportError(f"{path}: plotting needs the package plotly; 'pip install mcusim[plot]' brings it")


def page(card: Card) -> str:
    """As HTML."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    plots = figure(card).to_html(include_plotlyjs=True, full_html=False, div_id="plots")
    return environment.get_template("card.html.j2").render(card=card, limits=LIMITS, plots=plots)


def figure(card: Card) -> Any:
    """Latencies of networks held out as told and as met, their errors, errors by family, and what intervals hold."""
    from plotly.subplots import make_subplots

    drawn = make_subplots(rows=2, cols=2, subplot_titles=tuple(title for title, *_ in PLOTS))
    for place, (_, across, up, plot) in enumerate(PLOTS):
        row, column = divmod(place, 2)
        for trace in plot(card):
            drawn.add_trace(trace, row=row + 1, col=column + 1)
        drawn.update_xaxes(title_text=across, row=row + 1, col=column + 1)
        drawn.update_yaxes(title_text=up, row=row + 1, col=column + 1)
    drawn.update_xaxes(type="log", row=1, col=1)
    drawn.update_yaxes(type="log", row=1, col=1)
    drawn.update_layout(template="plotly_white", height=820, barmode="group")
    return drawn


def _scatter(card: Card) -> list[Any]:
    from plotly.graph_objects import Scatter

    points = card.entry.training.accuracy.points
    found = []
    for family in dict.fromkeys(points.families):
        of_it = [place for place, name in enumerate(points.families) if name == family]
        met, told = ([values[place] for place in of_it] for values in (points.met, points.told))
        found.append(Scatter(x=met, y=told, mode="markers", name=family, marker={"size": 5}))
    ends = [min(points.met, default=1), max(points.met, default=1)]
    return [*found, Scatter(x=ends, y=ends, mode="lines", name="equal", line={"width": 1, "dash": "dot"})]


def _histogram(card: Card) -> list[Any]:
    from plotly.graph_objects import Histogram

    points = card.entry.training.accuracy.points
    errors = 100 * (np.array(points.told) / np.array(points.met) - 1)
    return [Histogram(x=errors.tolist(), nbinsx=60, name="errors", showlegend=False)]


def _families(card: Card) -> list[Any]:
    from plotly.graph_objects import Bar

    accuracy = card.entry.training.accuracy
    parts = (("held out", accuracy.by_family), ("family left out", accuracy.without_family))
    return [
        Bar(x=list(part), y=[100 * each["latency"].median if each else None for each in part.values()], name=name)
        for name, part in parts
        if part
    ]


def _coverage(card: Card) -> list[Any]:
    from plotly.graph_objects import Scatter

    shares = [100 * share for share in QUANTILES]
    held = card.entry.training.accuracy.held_out.items()
    lines = [
        Scatter(x=shares, y=[100 * each.coverage[share] for share in QUANTILES], name=f"{name}, intervals")
        for name, each in held
        if name in ("latency", "energy")
    ]
    return [*lines, Scatter(x=shares, y=shares, mode="lines", showlegend=False, line={"width": 1, "dash": "dot"})]


PLOTS: Sequence[tuple[str, str, str, Callable[[Card], list[Any]]]] = (
    ("latency of networks held out", "simulated, s", "predicted, s", _scatter),
    ("their errors", "error, %", "networks", _histogram),
    ("median error by family", "", "%", _families),
    ("intervals", "should hold, %", "hold, %", _coverage),
)
"""Title, what is across, what is up, and what is drawn."""

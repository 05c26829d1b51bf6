"""Report: what a sweep has found, as text and as a page with the paper's figures beside ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from experiments.deep_compression.figures import PLOTS, figure, radar
from experiments.deep_compression.paper import PICO
from experiments.deep_compression.summary import Chosen, Summary, summaries
from experiments.deep_compression.verdicts import LENET, PICO_BOARD, TYPICAL, UNKNOWN, best_points, verdicts
from experiments.pareto.results import read
from mcusim.report.quantity import si, size
from mcusim.report.table import make_table

TEMPLATES = Path(__file__).parent / "templates"

LIMITS = (
    "Accuracies are of the data named above; where those are synthetic they say how the methods compare, not what MNIST would"
    " give.",
    "Latency and energy are simulated; the simulator's errors stand in docs/accuracy.md. The energy of a Raspberry Pi Pico is"
    " of one current at all times (docs/energy.md).",
    "The paper's figures were read off logarithmic axes: 10 % of doubt each. Its kernels are others, and its images too.",
)

Table = tuple[str, Sequence[str], Sequence[Sequence[str]]]
"""Title, headings, rows."""


@dataclass(frozen=True, slots=True)
class Report:
    """``sources``: names of the tables that it is made of."""

    sources: tuple[str, ...]
    found: Chosen

    @property
    def data(self) -> Sequence[str]:
        """Which data accuracies are of, a sentence for each network."""
        seeds = {(each.network, each.data): each.seeds for each in self.found}
        return [f"{network}: {data}, {count} seeds" for (network, data), count in seeds.items()]

    @property
    def tables(self) -> Iterator[Table]:
        """Claims and what became of them; the best points; a Raspberry Pi Pico beside the paper's."""
        for number, name in enumerate(self.found.where(network=LENET).values("data") or ("",)):
            found = verdicts(self.found.of_data(LENET, name) if number == 0 else self.found.where(network=LENET, data=name))
            shown = [each for each in found if number == 0 or each.verdict != UNKNOWN]  # what is unknown is said once
            rows = [(each.row, each.claim, each.verdict, each.figures) for each in shown]
            yield f"{CLAIMS}, LeNet on {name or 'nothing'}", ("row", "claim", "verdict", "found"), rows
        for (network, data, board), several in best_points(self.found).items():
            title = f"{network} ({data}) on {board}: the fastest that lose at most half a point"
            yield title, POINT, list(map(point_cells, several))
        yield "LeNet on a Raspberry Pi Pico, ours / the paper's", PAIRED, list(self._pico())

    def _pico(self) -> Iterator[Sequence[str]]:
        own = self.found.where(network=LENET, board=PICO_BOARD, heuristic=tuple(TYPICAL.values()))
        rows = own.known("latency_seconds")
        for theirs in PICO:
            ours = rows.where(strategy=theirs.strategy, type=theirs.type).at(theirs.sparsity)
            if ours is not None:
                yield (
                    theirs.strategy, theirs.type, f"{theirs.sparsity:.2%}",
                    f"{si(ours.energy_joules, 'J', 3)} / {si(theirs.energy_joules, 'J', 3)}",
                    f"{si(ours.latency_seconds, 's', 3)} / {si(theirs.latency_seconds, 's', 3)}",
                    f"{size(round(ours.flash_bytes))} / {size(round(theirs.flash_bytes))}",
                    f"{size(round(ours.ram_bytes))} / {size(round(theirs.ram_bytes))}",
                )  # fmt: skip


CLAIMS = "claims"
POINT = ("heuristic", "type", "gone", "accuracy", "to dense", "latency", "energy", "flash", "RAM")
PAIRED = ("strategy", "type", "gone", "energy", "latency", "flash", "RAM")


def point_cells(each: Summary) -> Sequence[str]:
    """Under POINT."""
    return (
        each.heuristic, each.type, f"{each.sparsity:.2%}", f"{each.accuracy:.2%}", f"{100 * each.difference:+.2f}",
        si(each.latency_seconds, "s", 3), si(each.energy_joules, "J", 3) if each.energy_joules == each.energy_joules else "–",
        size(round(each.flash_bytes)), size(round(each.ram_bytes)),
    )  # fmt: skip


def report_of(paths: Sequence[Path]) -> Report:
    """Of tables of sweeps, of one network each or of several. ResultsError for what is no such table.

    Tables that share their data are told apart by their names: they are sweeps of other plans.
    """
    found = {path: summaries(read(path)) for path in paths}
    tables = Counter(name for several in found.values() for name in {(each.network, each.data) for each in several})
    named = [
        replace(each, data=f"{each.data}, {path.stem}") if tables[each.network, each.data] > 1 else each
        for path, several in found.items() for each in several
    ]  # fmt: skip
    return Report(tuple(path.name for path in paths), Chosen(named))


def text(report: Report) -> Iterator[Any]:
    """In lines and tables."""
    yield "\n".join(report.data)
    for title, headings, rows in report.tables:
        if rows:
            yield make_table(title, headings, rows, right=0 if title.startswith(CLAIMS) else len(headings) - 3)


def page(report: Report) -> str:
    """As HTML, in one file."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    drawn = [figure(plot, report.found) for plot in PLOTS]
    drawn += [radar(board, report.found) for board in report.found.values("board") if board]
    plots = [
        each.to_html(include_plotlyjs=number == 0, full_html=False, div_id=f"plot{number}", config={"responsive": True})
        for number, each in enumerate(each for each in drawn if each is not None)
    ]
    return environment.get_template("report.html.j2").render(report=report, plots=plots, limits=LIMITS)

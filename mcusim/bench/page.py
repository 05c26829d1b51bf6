"""The report as a page that stands by itself: summary, and a bar for each layer of each result."""

from __future__ import annotations

from mcusim.bench.arena import explanation_of
from mcusim.bench.bench_report import BenchReport
from mcusim.bench.table import COLUMNS, SUMMARY, layer_row, summary_row, total_lines
from mcusim.deploy.explain import memory_svg

NAMESPACE = ' xmlns="http://www.w3.org/2000/svg"'
"""What a drawing in a file of its own has to say, and one in a page has not."""


def page(report: BenchReport) -> str:
    """HTML without scripts and without anything from elsewhere."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("mcusim.bench", "templates")
    environment = Environment(loader=loader, undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    details = [
        {
            "result": result,
            "lines": list(total_lines(result)),
            "drawing": memory_svg(explanation_of(result)).replace(NAMESPACE, "", 1),
            "rows": [{"cells": layer_row(layer), "share": 100 * (layer.share or 0)} for layer in result.layers],
        }
        for result in report.results
    ]
    values = {
        "columns": COLUMNS, "summary": SUMMARY, "rows": [summary_row(result) for result in report.results],
        "details": details, "failures": report.failures,
    }  # fmt: skip
    return environment.get_template("page.html.j2").render(values)

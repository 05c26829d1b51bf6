"""A fit as text, as JSON and as a page with plots."""

from __future__ import annotations

import importlib.util
import json
import statistics
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from calibration.misfit import OUTLIER
from mcusim.report.files import check_writable, write_atomically
from mcusim.report.report import ReportError

if TYPE_CHECKING:
    from calibration.fit import Estimate, Fit

SCHEMA = "mcusim.calibration.fit/1"
TEMPLATES = Path(__file__).parent / "templates"
SHOWN = 12


def check_outputs(json_file: Path | None, html_file: Path | None) -> None:
    """ReportError where the files could not be written: asked before the fit, not after it."""
    for path in filter(None, (json_file, html_file)):
        check_writable(path)
    if html_file is not None:
        check_plotly(str(html_file))


def write(fit: Fit, json_file: Path | None, html_file: Path | None) -> None:
    """Write the fit to the files that are asked for."""
    if json_file is not None:
        write_atomically(json_file, fit.json())
    if html_file is not None:
        write_atomically(html_file, fit.html())


def text_of(fit: Fit) -> str:
    """The fit in lines."""
    problem = fit.problem
    head = f"{len(problem.rows)} measurements of {len(set(problem.groups))} groups, {len(problem.priors)} parameters"
    width = max(len(estimate.name) for estimate in fit.estimates)
    lines = [head, f"{summary(fit.before)} with the priors, {summary(fit.residuals)} fitted", ""]
    lines.append(f"{'parameter':{width}}  {'prior':>16}  {'fitted':>16}  95 % interval")
    lines += [f"{estimate.name:{width}}  {_row(estimate)}" for estimate in fit.estimates]
    lines += ["", *_inseparable(fit), *_outliers(fit), *_held_out(fit), *_misfits(fit)]
    return "\n".join(lines)


def summary(residuals: Any) -> str:
    """Root of the mean square of residuals, of those that are no outliers, and how many are."""
    far = np.abs(residuals) > OUTLIER
    near = residuals[~far]
    size = f"{float(np.sqrt(np.mean(near**2))):.2f} sd" if len(near) else "all of them outliers"
    return f"{size} ({int(far.sum())} beyond {OUTLIER:g})"


def note_of(estimate: Estimate) -> str:
    """What a reader of the value has to know."""
    notes = {"integer": estimate.prior.integer, "at its bound": estimate.at_bound, "not separable": not estimate.separable}
    return ", ".join(text for text, holds in notes.items() if holds)


def _row(estimate: Estimate) -> str:
    prior, value = f"{estimate.prior.mean:g} ± {estimate.prior.sd:g}", f"{estimate.value:g} ± {estimate.standard_error:.2g}"
    return f"{prior:>16}  {value:>16}  {estimate.low:.4g} .. {estimate.high:.4g}  {note_of(estimate)}".rstrip()


def _inseparable(fit: Fit) -> list[str]:
    if not fit.inseparable:
        return ["all parameters are separable"]
    text = "not separable by these measurements: {names} ({count} open)"
    return [text.format(names=", ".join(each.names), count=each.directions) for each in fit.inseparable]


def _outliers(fit: Fit) -> list[str]:
    if not fit.outliers:
        return ["no outliers"]
    shown = [f"{fit.problem.rows[row]} ({fit.residuals[row]:+.1f} sd)" for row in fit.outliers[:SHOWN]]
    more = len(fit.outliers) - len(shown)
    return [f"outliers: {', '.join(shown)}{f' and {more} more' if more else ''}"]


def _held_out(fit: Fit) -> list[str]:
    errors = [abs(each.error) for each in fit.held_out if each.foretold]
    alone = sum(not each.foretold for each in fit.held_out)
    if not errors:
        return ["no group is foretold by the others"]
    text = f"{len(errors)} groups foretold by the others: median error {statistics.median(errors):.2%}, worst {max(errors):.2%}"
    return [f"{text}; {alone} only known by themselves"]


def _misfits(fit: Fit) -> list[str]:
    if not fit.misfits:
        return ["no misfit: what is left over looks like noise"]
    lines = ["MISFIT: the model lacks a mechanism that these measurements show"]
    for misfit in fit.misfits[:SHOWN]:
        lines.append(f"  {misfit.test} (p = {misfit.probability:.1g}): {misfit.text}")
        lines.append(f"    rows: {', '.join(misfit.rows[:SHOWN])}")
    return lines


def json_of(fit: Fit) -> str:
    """The fit as JSON."""
    problem = fit.problem
    answer = {
        "schema": SCHEMA,
        "seed": fit.seed,
        "explained": fit.explained,
        "parameters": [
            {"name": e.name, "value": e.value, "standard_error": e.standard_error, "low": e.low, "high": e.high,
             "prior_mean": e.prior.mean, "prior_sd": e.prior.sd, "integer": e.prior.integer, "separable": e.separable,
             "at_bound": e.at_bound}
            for e in fit.estimates
        ],
        "inseparable": [asdict(each) for each in fit.inseparable],
        "misfits": [asdict(each) for each in fit.misfits],
        "outliers": [problem.rows[row] for row in fit.outliers],
        "held_out": [asdict(each) for each in fit.held_out],
        "rows": [
            {"row": row, "group": group, "residual": float(residual), "before": float(before), "leverage": float(leverage),
             "weight": float(weight)}
            for row, group, residual, before, leverage, weight in zip(
                problem.rows, problem.groups, fit.residuals, fit.before, fit.leverage, fit.weights, strict=True)
        ],
    }  # fmt: skip
    return json.dumps(answer, indent=1) + "\n"


def html_of(fit: Fit) -> str:
    """The fit as a page."""
    check_plotly("the page")
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    plots = figure(fit).to_html(include_plotlyjs=True, full_html=False, div_id="plots")
    return environment.get_template("fit.html.j2").render(fit=fit, note_of=note_of, summary=summary, plots=plots)


def figure(fit: Fit) -> Any:
    """Residuals in the order of measurement, against leverage, and each row before and after the fit."""
    from plotly.graph_objects import Scatter
    from plotly.subplots import make_subplots

    titles = ("residuals in the order of measurement", "residuals by leverage", "before and after")
    drawn = make_subplots(rows=1, cols=3, subplot_titles=titles)
    order, residuals, rows = list(range(len(fit.residuals))), fit.residuals.tolist(), list(fit.problem.rows)
    before, after = np.abs(fit.before).tolist(), np.abs(fit.residuals).tolist()
    panels = (
        (order, "row", residuals, "residual in sd"),
        (fit.leverage.tolist(), "leverage", residuals, "residual in sd"),
        (before, "|residual| with the priors in sd", after, "|residual| fitted in sd"),
    )
    for column, (across, across_title, up, up_title) in enumerate(panels, 1):
        drawn.add_trace(Scatter(x=across, y=up, text=rows, mode="markers", marker={"size": 5}), row=1, col=column)
        drawn.update_xaxes(title_text=across_title, row=1, col=column)
        drawn.update_yaxes(title_text=up_title, row=1, col=column)
    for column in (1, 2):
        for level in (-OUTLIER, OUTLIER):
            drawn.add_hline(y=level, line={"dash": "dot", "width": 1}, row=1, col=column)
    drawn.update_layout(template="plotly_white", showlegend=False, height=420)
    return drawn


def check_plotly(path: str) -> None:
    if importlib.util.find_spec("plotly") is None:
        raise ReportError(f"{path}: plotting needs the package plotly; 'pip install mcusim[plot]' brings it")

"""The command of the study: ``python -m experiments.deep_compression sweep``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mcusim.cli import app as command_line
from mcusim.cli.outputs import check_outputs

if TYPE_CHECKING:
    from experiments.deep_compression.plan import Plan

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False, no_args_is_help=True)

def _several(text: str) -> tuple[str, ...]:
    return tuple(each for each in text.replace(",", " ").split() if each)


def _numbers(name: str, text: str) -> tuple[float, ...]:
    try:
        return tuple(float(each) for each in _several(text))
    except ValueError:
        raise typer.BadParameter(f"{name} {text!r}; allowed: numbers with commas between them") from None


def _whole(name: str, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(each) for each in _several(text))
    except ValueError:
        raise typer.BadParameter(f"{name} {text!r}; allowed: whole numbers with commas between them") from None


@app.command()
def sweep(
    out: Annotated[Path, typer.Option(help="Table of results (CSV).")],
    kept: Annotated[Path | None, typer.Option("--store", help="All that is known; usually the .sqlite beside it.")] = None,
    network: Annotated[str, typer.Option(help="lenet, resnet8 or ds_cnn.")] = "lenet",
    data: Annotated[str, typer.Option(help="Folder of MNIST, CIFAR-10 or Speech Commands; without it, a stand-in.")] = "",
    stand_in: Annotated[str, typer.Option(help="synthetic, or digits (scikit-learn's, LeNet only).")] = "synthetic",
    train: Annotated[int, typer.Option(min=0, help="Samples to train on, at most.")] = 40_000,
    test: Annotated[int, typer.Option(min=0, help="Samples to test with, at most.")] = 10_000,
    prototypes: Annotated[int, typer.Option(min=0, help="Of a class of a synthetic set: more are harder. 0: the usual.")] = 0,
    width: Annotated[float, typer.Option(help="Of the network: its channels times this.")] = 1.0,
    heuristics: Annotated[str, typer.Option(help="Names with commas between them; without, all seven.")] = "",
    sparsities: Annotated[str, typer.Option(help="Percent of the parameters that are gone; without, the usual ten.")] = "",
    seeds: Annotated[str, typer.Option(help="Seeds with commas between them.")] = "0,1,2",
    types: Annotated[str, typer.Option(help="float32, int8, uint8 (affine); with _qat: trained so.")] = "float32,int8,int8_qat",
    qat: Annotated[str, typer.Option(help="Heuristics whose networks are trained with fake quantisation too.")] = "l1",
    schedule: Annotated[str, typer.Option(help="agp or one_shot.")] = "agp",
    dense_steps: Annotated[int, typer.Option(min=0, help="Steps of training of the dense network; 0: the usual ones.")] = 0,
    steps: Annotated[int, typer.Option(min=0, help="Steps of fine-tuning at each point; smaller networks get more.")] = 0,
    distil: Annotated[
        float | None, typer.Option(help="Part of the loss that is to be like the dense network, 0 to 1; usually 0.8.")
    ] = None,
    boards: Annotated[str, typer.Option(help="Boards to measure on when all is trained; 'all' for the study's four.")] = "",
    jobs: Annotated[int, typer.Option(min=0, help="Processes; 0: one for each core.")] = 0,
    scheduler: Annotated[str, typer.Option(help="Address of a Dask scheduler whose workers do the work.")] = "",
    quiet: Annotated[bool, typer.Option(help="No bar.")] = False,
) -> None:
    """Prune, quantise and test networks: heuristics x sparsities x seeds x types. What is there already is not done again.

    \b
    Examples:
      python -m experiments.deep_compression sweep --out results.csv
      python -m experiments.deep_compression sweep --out mnist.csv --data ~/mnist --boards all
      python -m experiments.deep_compression sweep --out small.csv --heuristics l1,level --sparsities 90,99 --seeds 0
    """
    from experiments.deep_compression import devices
    from experiments.deep_compression.data import Source

    plan = _usual(network, width, _several(heuristics), _numbers("--sparsities", sparsities))
    plan = replace(
        plan, source=Source(data, stand_in, train, test, prototypes), seeds=_whole("--seeds", seeds), types=_several(types),
        aware_of=_several(qat), schedule=schedule, regime=plan.regime.changed(dense_steps, steps, distil),
    )  # fmt: skip
    plan.check()
    places = devices.BOARDS if boards == "all" else _several(boards)
    _check_boards(places)
    kept = kept or out.with_suffix(".sqlite")
    check_outputs({"--out": out, "--store": kept}, {})
    _work_out(plan, places, out, kept, lambda: _workers(jobs, scheduler), quiet)


def _usual(network: str, width: float, names: tuple[str, ...], percents: tuple[float, ...]) -> Plan:
    """The usual plan of a network; with these heuristics and sparsities where there are some."""
    from experiments.deep_compression.data import KINDS, LEVELS
    from experiments.deep_compression.heuristics import HEURISTICS
    from experiments.deep_compression.networks import Architecture
    from experiments.deep_compression.plan import usual, usual_sparsities

    classes = LEVELS[KINDS[network]].classes if network in KINDS else 2  # an unknown one is refused by its name
    architecture, names = Architecture(network, classes, width), names or tuple(HEURISTICS)
    sparsities = tuple(each / 100 for each in percents) or usual_sparsities(architecture, names)
    return replace(usual(architecture), heuristics=names, sparsities=sparsities)


def _work_out(plan: Plan, places: tuple[str, ...], out: Path, kept: Path, workers_of: Callable[[], Any], quiet: bool) -> None:
    """Points, then their figures on boards; then the table of all, after Ctrl-C of what is there so far."""
    from experiments.deep_compression import devices
    from experiments.deep_compression import sweep as sweeping
    from experiments.deep_compression.store import opened

    with opened(kept) as store:
        try:
            with workers_of() as workers, _bar("points", quiet) as told:
                sweeping.run(plan, store, workers, told)
            if places:
                with workers_of() as workers, _bar("networks on boards", quiet) as told:
                    made = devices.run(plan, store, places, workers, told)
                _tell_errors(made.errors)
        finally:
            rows = sweeping.table(plan, store, places)
            sweeping.write(rows, out)
            if rows:
                sys.stdout.write(f"{out}: {len(rows):,} rows\n")


@app.command()
def report(
    results: Annotated[list[Path], typer.Argument(metavar="CSV...", help="Tables of sweeps.")],
    html: Annotated[Path | None, typer.Option(help="Write a page with plots.")] = None,
) -> None:
    """Hold results against the paper's claims, and show the best points of each board.

    \b
    Examples:
      python -m experiments.deep_compression report results.csv
      python -m experiments.deep_compression report lenet.csv resnet8.csv ds_cnn.csv --html report.html
    """
    from experiments.deep_compression.report import page, report_of, text
    from experiments.pareto.page import check_page
    from mcusim.report import write_atomically
    from mcusim.report.table import print_parts

    check_outputs({"--html": html}, {"a table": results})
    if html is not None:
        check_page(str(html))
    found = report_of(results)
    print_parts(sys.stdout, text(found))
    if html is not None:
        write_atomically(html, page(found))


def _check_boards(names: tuple[str, ...]) -> None:
    from mcusim import boards

    for name in names:
        boards.load(name)


def _tell_errors(errors: tuple[str, ...]) -> None:
    for text in sorted(set(errors)):
        sys.stderr.write(f"{errors.count(text)} x no figures: {text}\n")


def _workers(jobs: int, scheduler: str) -> Any:
    from cost_models.workers import Here, Processes

    if scheduler:
        from cost_models.cluster import Cluster

        return Cluster(scheduler)
    count = jobs or os.cpu_count() or 1
    return Here() if count == 1 else Processes(count)


@contextmanager
def _bar(what: str, quiet: bool) -> Iterator[Callable[[Any], None]]:
    """A bar on stderr, fed with what has ``done`` and ``total``."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
        TextColumn("{task.fields[last]}"),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bar:
        task = bar.add_task(what, total=None, last="")
        yield lambda state: bar.update(task, total=state.total, completed=state.done, last=getattr(state, "last", ""))


@app.callback()
def _study() -> None:
    """Deep compression for Cortex-M: docs/guides/deep_compression.md."""


def main() -> None:
    """Ends the process with an exit code of docs/exit_codes.md."""
    sys.exit(command_line.run(sys.argv[1:], app, "python -m experiments.deep_compression"))

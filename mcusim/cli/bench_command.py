"""``mcusim bench``: what neural networks take on boards."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mcusim.cli import build_options, supply_options
from mcusim.cli.outputs import STDOUT, check_outputs
from mcusim.cli.waiting import waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mcusim.bench import BenchReport
    from mcusim.deploy.build import BuildOptions


HELP = """Tell what networks take on boards: latency, RAM and flash, as a whole and by layer.

Each network becomes a firmware, which is built and run here. One network on one board gives a table of its layers, several
give a row each. Answers are kept and found again as long as nothing they depend on has changed.

\b
Examples:
  mcusim bench model.tflite --board nucleo-l4r5zi
  mcusim bench *.tflite --board nucleo-l4r5zi --board nucleo-h743zi
  mcusim bench model.tflite --board nucleo-l4r5zi --check 20
  mcusim bench model.tflite --board nucleo-l4r5zi --data test.npz
  mcusim bench float.onnx --board nucleo-l4r5zi --calibration typical.npz
  mcusim bench model.tflite --board nucleo-l4r5zi --json after.json
  mcusim bench --compare before.json after.json
"""


def bench_command(
    models: Annotated[list[str] | None, typer.Argument(metavar="MODEL...", help="Network files (.tflite, ...).")] = None,
    board: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME|PATH", help="Board by name (see 'mcusim boards') or a TOML file. Repeatable."),
    ] = None,
    check: Annotated[
        int, typer.Option(min=0, metavar="N", help="Compare the outputs of N random inputs with a reference, bit for bit.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Which random inputs.")] = 0,
    data: Annotated[
        str, typer.Option(metavar="DIR|FILE.npz", help="Run a labelled set on the target and tell the accuracy.")
    ] = "",
    calibration: Annotated[
        str, typer.Option(metavar="DIR|FILE.npz", help="Quantise float networks to int8 with these samples (.npz: x).")
    ] = "",
    compiler: Annotated[str, build_options.COMPILER] = "",
    optimise: Annotated[str, build_options.OPTIMISE] = "",
    cmsis_nn: Annotated[Path | None, build_options.CMSIS_NN] = None,
    weights: Annotated[str, build_options.WEIGHTS] = "flash",
    kernels: Annotated[str, build_options.KERNELS] = "flash",
    arena: Annotated[list[str] | None, build_options.ARENA] = None,
    arena_limit: Annotated[int | None, build_options.ARENA_LIMIT] = None,
    smallest: Annotated[bool, build_options.SMALLEST] = False,
    sparse: Annotated[str, build_options.SPARSE] = "auto",
    supply: Annotated[Any, supply_options.SUPPLY] = None,
    duty_cycle: Annotated[Any, supply_options.DUTY_CYCLE] = None,
    battery: Annotated[Any, supply_options.BATTERY] = None,
    sleep_current: Annotated[Any, supply_options.SLEEP_CURRENT] = None,
    explain_memory: Annotated[
        bool, typer.Option("--explain-memory", help="Show place and lifetime of every tensor, and draw them.")
    ] = False,
    json: Annotated[
        str | None,
        typer.Option(metavar="FILE|-", help="Write the report as JSON (docs/schema_bench_1.md); - for stdout, no table then."),
    ] = None,
    html: Annotated[str | None, typer.Option(metavar="FILE", help="Write the report as a page.")] = None,
    compare: Annotated[
        tuple[str, str] | None, typer.Option(metavar="A B", help="Compare two JSON reports layer by layer; nothing is run.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, metavar="N", help="Processes at a time; one for each core otherwise.")
    ] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Neither look up nor keep answers.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print no table and no progress.")] = False,
) -> None:  # fmt: skip
    if compare is not None:
        _refuse_models(models, board)
        _compare(*compare)
        return
    if not models or not board:
        missing = "no MODEL" if not models else "no --board"
        raise typer.BadParameter(f"{missing} given; allowed: MODEL... --board NAME, or --compare A B")
    check_outputs({"--json": json, "--html": html}, {"a model": models, "a board": board})
    options = build_options.build_options(
        compiler, optimise, cmsis_nn, weights, kernels, arena, arena_limit, smallest, sparse
    )
    wishes: dict[str, Any] = {
        "check": check, "seed": seed, "data": data, "calibration": calibration or None, "cache": not no_cache, "jobs": jobs,
        "supply": supply_options.supply_of(supply, duty_cycle, battery, sleep_current),
    }  # fmt: skip
    report = _bench(models, board, options, wishes, quiet or json == STDOUT)
    _deliver(report, json, html, quiet)
    if explain_memory:
        _explain(report, sys.stderr if json == STDOUT else sys.stdout)
    _leave(report)


def _refuse_models(models: Sequence[str] | None, board: Sequence[str] | None) -> None:
    if models or board:
        raise typer.BadParameter("--compare reads two reports and takes neither MODEL nor --board")


def _bench(
    models: Sequence[str], boards: Sequence[str], options: BuildOptions, wishes: dict[str, Any], quiet: bool
) -> BenchReport:
    import mcusim

    if len(models) == len(boards) == 1:
        name = Path(models[0]).name
        with waiting(f"{name} on {boards[0]}: planning memory, compiling kernels that are new, simulating", quiet):
            return mcusim.bench(models, boards, options=options, **wishes)
    with _progress(len(models) * len(boards), quiet) as show:
        return mcusim.bench(models, boards, options=options, progress=show, **wishes)


@contextmanager
def _progress(questions: int, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on stderr, where that is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("networks on boards", total=questions)
        yield lambda done, total: bar.update(task, completed=done)


def _deliver(report: BenchReport, json: str | None, html: str | None, quiet: bool) -> None:
    """The table first: a file that cannot be written then takes nothing away."""
    from mcusim.bench.table import write_report
    from mcusim.report import write_atomically

    if json == STDOUT:
        sys.stdout.write(report.to_json() + "\n")
    elif not quiet:
        write_report(report, sys.stdout)
    sys.stdout.flush()
    if json and json != STDOUT:
        write_atomically(json, report.to_json() + "\n")
    if html:
        from mcusim.bench.page import page

        write_atomically(html, page(report))


def _explain(report: BenchReport, stream: Any) -> None:
    from mcusim.bench.arena import explanation_of
    from mcusim.deploy.explain import memory_map, memory_table, summary
    from mcusim.report.table import print_parts

    for result in report.results:
        explanation = explanation_of(result)
        stream.write("\n")
        print_parts(stream, [summary(explanation), memory_table(explanation)])
        stream.write("\n" + memory_map(explanation) + "\n")


def _compare(before: str, after: str) -> None:
    from mcusim.bench.bench_report import read_report
    from mcusim.bench.comparison import comparison_tables
    from mcusim.report.table import print_parts

    print_parts(sys.stdout, comparison_tables(read_report(before), read_report(after)))


def _leave(report: BenchReport) -> None:
    """Failures on stderr; the exit code is that of the first."""
    for failure in report.failures:
        sys.stderr.write(f"mcusim: {failure.model} on {failure.board}: {failure.error}\n")
    if report.failures:
        raise typer.Exit(report.failures[0].exit_code)

"""``mcusim dataset``: random networks, simulated, for cost models to learn from."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mcusim.cli.outputs import STDOUT, check_outputs

if TYPE_CHECKING:
    from collections.abc import Callable

    from cost_models.dataset import Progress
    from cost_models.store import Store
    from cost_models.workers import Workers



def dataset_command(
    output: Annotated[str, typer.Argument(metavar="FILE", help="SQLite file; what is in it stays and is not simulated again.")],
    board: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Board, by its name in 'mcusim boards'. Repeatable.")
    ] = None,
    samples: Annotated[int, typer.Option(min=1, metavar="N", help="Samples of the seed.")] = 100,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Which random networks.")] = 0,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, metavar="N", help="Processes at a time; one for each core otherwise.")
    ] = None,
    scheduler: Annotated[
        str, typer.Option(metavar="tcp://HOST:PORT", help="Simulate on the workers of this scheduler of Dask.")
    ] = "",
    parquet: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write all of FILE as networks.parquet and layers.parquet as well.")
    ] = None,
    json: Annotated[str | None, typer.Option(metavar="FILE|-", help="Write the summary as JSON; - is stdout.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress.")] = False,
) -> None:
    """Simulate random networks on boards and keep what each layer took, in an SQLite file.

    Networks are of the families of MobileNet, DS-CNN and ResNet, of fully connected layers and of odd shapes; a seed gives the
    same ones everywhere. The command can be stopped at any moment, and goes on where it was when it is given again.

    \b
    Examples:
      mcusim dataset costs.sqlite --board nucleo-f746zg --samples 600
      mcusim dataset costs.sqlite --board nucleo-f746zg --board nucleo-l4r5zi --samples 5000 --jobs 2
      mcusim dataset costs.sqlite --board nucleo-f746zg --samples 50000 --scheduler tcp://10.0.0.1:8786
      mcusim dataset costs.sqlite --parquet costs
    """
    from cost_models.store import opened

    _check(output, board, jobs, scheduler, parquet, json)
    with opened(output, written=bool(board)) as store:
        made = _made(store, board, seed, samples, jobs, scheduler, quiet) if board else None
        if parquet is not None:
            from cost_models.parquet import export

            export(store, parquet)
        networks, layers = store.count()
    summary = {"file": output, "networks": networks, "layers": layers, **_counts(made)}
    _tell(summary, json)


def _check(
    output: str, board: list[str] | None, jobs: int | None, scheduler: str, parquet: Path | None, json: str | None
) -> None:  # fmt: skip
    """All that can be refused before anything is simulated."""
    from mcusim import boards
    if not board and parquet is None:
        raise typer.BadParameter("no --board given; allowed: --board NAME, or --parquet DIR for what FILE has already")
    if jobs is not None and scheduler:
        raise typer.BadParameter("both --jobs and --scheduler given; allowed: one of them")
    for name in board or ():
        boards.load(name)
    check_outputs({"--json": json}, {"the dataset": [output]})


def _made(
    store: Store, boards: list[str], seed: int, samples: int, jobs: int | None, scheduler: str, quiet: bool
) -> Progress:
    from cost_models.dataset import make

    with _workers(jobs, scheduler) as workers:
        return make(store, list(dict.fromkeys(boards)), seed, samples, workers, None if quiet else _shown())


def _workers(jobs: int | None, scheduler: str) -> Workers:
    import os

    from cost_models.workers import Here, Processes

    if scheduler:
        from cost_models.cluster import Cluster

        return Cluster(scheduler)
    count = jobs or os.cpu_count() or 1
    return Here() if count == 1 else Processes(count)


def _counts(made: Progress | None) -> dict[str, int]:
    if made is None:
        return {}
    return {"samples": made.total, "found_samples": made.found, "new_networks": made.new, "failed_samples": made.failed}


def _tell(summary: dict[str, Any], json: str | None) -> None:
    """On stdout as JSON or as text; a file of JSON takes nothing away from the text."""
    from json import dumps

    from mcusim.report import write_atomically

    if json == STDOUT:
        sys.stdout.write(dumps(summary) + "\n")
        return
    if json is not None:
        write_atomically(json, dumps(summary) + "\n")
    told = "{file}: {networks:,} networks, {layers:,} layers"
    if "samples" in summary:
        told += "; {new_networks:,} networks are new, {failed_samples:,} failed"
    sys.stdout.write(told.format_map(summary) + "\n")


def _shown() -> Callable[[Progress], None]:
    """A line on stderr that is written over."""
    from time import monotonic

    begun = monotonic()

    def show(state: Progress) -> None:
        rate = (state.done - state.found) / max(monotonic() - begun, 1e-9)
        left = (state.total - state.done) / rate
        told = f"{state.done:,} of {state.total:,} samples, {60 * rate:.0f} a minute, {left / 60:.0f} min left"
        end = "\r" if sys.stderr.isatty() and state.done < state.total else "\n"
        if end == "\r" or state.done % 100 == 0 or state.done == state.total:
            sys.stderr.write(f"{told:<78}{end}")

    return show


if __name__ == "__main__":
    from mcusim.cli import app

    sys.exit(app.run(sys.argv[1:], app.single(dataset_command)))

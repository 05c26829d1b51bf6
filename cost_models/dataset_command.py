"""``mcusim dataset``: random networks, simulated, for cost models to learn from."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from cost_models.dataset import Progress


def dataset_command(
    output: Annotated[str, typer.Argument(metavar="FILE", help="SQLite file; what is in it stays and is not simulated again.")],
    board: Annotated[list[str], typer.Option(metavar="NAME", help="Board, by its name in 'mcusim boards'. Repeatable.")],
    samples: Annotated[int, typer.Option(min=1, metavar="N", help="Samples of the seed.")] = 100,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Which random networks.")] = 0,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, metavar="N", help="Processes at a time; one for each core otherwise.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress.")] = False,
) -> None:
    """Simulate random networks on boards and keep what each layer took, in an SQLite file.

    Networks are of the families of MobileNet, DS-CNN and ResNet, of fully connected layers and of odd shapes; a seed gives the
    same ones everywhere. The command can be stopped at any moment, and goes on where it was when it is given again.

    \b
    Examples:
      mcusim dataset costs.sqlite --board nucleo-f746zg --samples 600
      mcusim dataset costs.sqlite --board nucleo-f746zg --board nucleo-l4r5zi --samples 5000 --jobs 2
    """
    import os

    from cost_models.dataset import make
    from cost_models.store import opened
    from mcusim import boards

    for name in board:
        boards.load(name)
    with opened(output) as store:
        state = make(store, board, seed, samples, jobs or os.cpu_count() or 1, None if quiet else _shown())
        networks, layers = store.count()
    sys.stdout.write(
        f"{output}: {networks:,} networks, {layers:,} layers; {state.new:,} networks are new, {state.failed:,} failed\n"
    )


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

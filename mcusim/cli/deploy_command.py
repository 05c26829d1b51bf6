"""``mcusim deploy``: a network as a project of C for a board."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mcusim.cli import build_options
from mcusim.cli.waiting import waiting

if TYPE_CHECKING:
    from mcusim.deploy.generate import Sources

HELP = """Write a network as C for a board: a folder that builds with make, or with CMake, without mcusim.

\b
Examples:
  mcusim deploy model.tflite --board nucleo-l4r5zi -o firmware
  make -C firmware
  mcusim deploy model.tflite --core m4 -o firmware --cmsis-nn ~/CMSIS-NN
"""


def deploy_command(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Network file (.tflite).")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder to write: new, or written before.")],
    board: Annotated[
        str | None, typer.Option(metavar="NAME|PATH", help="Board by name (see 'mcusim boards') or a TOML file.")
    ] = None,
    core: Annotated[str | None, typer.Option(help="Ideal board (no wait states) with this core.")] = None,
    compiler: Annotated[str, build_options.COMPILER] = "",
    optimise: Annotated[str, build_options.OPTIMISE] = "",
    cmsis_nn: Annotated[Path | None, build_options.CMSIS_NN] = None,
    weights: Annotated[str, build_options.WEIGHTS] = "flash",
    kernels: Annotated[str, build_options.KERNELS] = "flash",
    arena: Annotated[list[str] | None, build_options.ARENA] = None,
    arena_limit: Annotated[int | None, build_options.ARENA_LIMIT] = None,
    smallest: Annotated[bool, build_options.SMALLEST] = False,
    sparse: Annotated[str, build_options.SPARSE] = "auto",
    marks: Annotated[bool, typer.Option("--marks/--no-marks", help="Count the cycles of each layer.")] = True,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
) -> None:  # fmt: skip
    from mcusim import boards, network
    from mcusim.deploy.project import write_project

    if (board is None) == (core is None):
        met = "both --board and --core" if board is not None else "neither --board nor --core"
        raise typer.BadParameter(f"{met} given; allowed: one of them")
    options = build_options.build_options(
        compiler, optimise, cmsis_nn, weights, kernels, arena, arena_limit, smallest, sparse, marks
    )
    where = boards.load(board or core or "")
    with waiting(f"{Path(model).name} for {where.name}: planning memory, compiling kernels that are new", quiet):
        sources = write_project(network.load(model), where, output, options)
    if not quiet:
        sys.stdout.write(summary(output, sources))


def summary(folder: Path, sources: Sources) -> str:
    """What was written, how it was rewritten to need less memory, which layers are sparse, and what to do with it."""
    from mcusim.deploy.sparse_layers import kept_weights

    places = ", ".join(f"{size:,} in {name}" for name, size in sources.plan.peak_bytes.items() if size and name != "ram")
    return (
        f"{folder}: {len(sources.steps)} layers, arena {sources.arena_bytes:,} bytes"
        f" ({'; '.join(filter(None, (places, sources.plan.reason)))}), constants {sources.weight_bytes:,} bytes\n"
        + "".join(f"rewritten: {change}\n" for change in sources.arrangement.changes)
        + "".join(f"sparse: {kept}\n" for kept in kept_weights(sources.network, sources.steps))
        + f"build it with: make -C {folder}\n"
    )

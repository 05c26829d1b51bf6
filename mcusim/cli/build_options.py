"""Options that say how firmware of a network is built, and where it lies: those of bench and deploy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mcusim.cli.values import byte_size

if TYPE_CHECKING:
    from mcusim.deploy.build import BuildOptions

COMPILER = typer.Option(metavar="gcc|zig", help="Compiler; the first one found otherwise.")
OPTIMISE = typer.Option(metavar="-O2|-Os|...", help="Optimisation of the C compiler.")
CMSIS_NN = typer.Option("--cmsis-nn", metavar="DIR", help="Use the kernels of this checkout of CMSIS-NN.")
WEIGHTS = typer.Option(metavar="MEMORY", help="Where weights lie: flash, or copied at start: ram, a memory of the board.")
KERNELS = typer.Option(metavar="MEMORY", help="Where kernels run: flash, or copied at start: ram, a memory of the board.")
ARENA = typer.Option(metavar="MEMORY", help="Where the arena lies: ram, a memory of the board. Repeatable: filled in order.")
ARENA_LIMIT = typer.Option(
    metavar="BYTES", parser=byte_size, help="Largest arena (64K); the network is rewritten to keep to it."
)
SPARSE = typer.Option(
    metavar="auto|never|size|speed|rows|fours",
    help="When layers keep no zeros. auto: fewer bytes, at most 1.1 times the cycles, as estimated; size: fewest bytes;"
    " speed: fewest cycles; rows, fours (int8 only): always, in this format. Never with --cmsis-nn.",
)
SMALLEST = typer.Option("--smallest", help="Rewrite the network for the smallest arena, whatever it costs in time.")


def build_options(
    compiler: str, optimise: str, cmsis_nn: Path | None, weights: str, kernels: str, arena: Sequence[str] | None,
    arena_limit: int | None, smallest: bool, sparse: str, marks: bool = True,
) -> BuildOptions:  # fmt: skip
    """What was typed, as mcusim.deploy takes it."""
    from mcusim.deploy.build import OPTIMISE, BuildOptions
    from mcusim.deploy.placement import Placement

    if optimise and not optimise.startswith("-O"):
        raise typer.BadParameter(f"--optimise {optimise}: allowed: -O0, -O1, -O2, -O3, -Os, -Oz, -Ofast")
    return BuildOptions(
        compiler, optimise or OPTIMISE, cmsis_nn, marks, Placement(weights, kernels), tuple(arena or ()),
        arena_limit_bytes=arena_limit, smallest=smallest, sparse=sparse,
    )  # fmt: skip

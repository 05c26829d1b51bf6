"""What the arena of each network takes, and what makes it smaller.

    python -m benchmarks.memory MODELS_DIR [--board BOARD] [--match TEXT] [--json FILE]

For each ``.tflite`` file below the folder, three arenas in one memory without limit: outputs beside inputs; outputs over inputs
where the kernels promise how far behind their reading they write, which is how networks are built; and that of the network
rewritten for the smallest arena (``--smallest``), with the multiply-accumulates that this adds. The bound is the largest sum of
what one step needs; an arena is proven where it is equal to that, or where a complete search found nothing smaller.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from mcusim import boards, network
from mcusim.deploy.arrangement import Arrangement, Making, smallest
from mcusim.deploy.build import USUAL, making_for
from mcusim.errors import McusimError
from mcusim.network import Network

SCHEMA = "mcusim.benchmark.memory/1"
BOARD = "nucleo-l4r5zi"
COLUMNS = ("model", "beside", "bound", "proven", "over", "bound", "proven", "smallest", "bound", "proven", "MACs more")


@dataclass(frozen=True, slots=True)
class Arena:
    """Bytes of an arena, and what is known about smaller ones."""

    bytes: int
    bound: int
    proven: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A network: its arena with outputs beside inputs, with outputs over them, and that of the smallest rewriting."""

    model: str
    beside: Arena
    over: Arena
    smallest: Arena
    added_macs: float
    """Part of the network's own multiply-accumulates."""


def row_of(one: Network, making: Making) -> Row:
    """The three arenas of a network."""
    plain, least = making.arrangement(one), smallest(one, making)
    beside = replace(making, promises=lambda steps: {}).arrangement(one)
    return Row(one.name, _arena(beside), _arena(plain), _arena(least), least.macs / plain.macs - 1 if plain.macs else 0.0)


def _arena(arrangement: Arrangement) -> Arena:
    plan = arrangement.plan
    return Arena(plan.total_bytes, plan.lower_bound_bytes, plan.proven)


def lines_of(rows: Sequence[Row]) -> Iterator[str]:
    """A table in Markdown."""
    yield f"| {' | '.join(COLUMNS)} |"
    yield f"|---|{'---:|' * (len(COLUMNS) - 1)}"
    for row in rows:
        yield f"| {' | '.join((row.model, *_cells(row)))} |"


def _cells(row: Row) -> Iterator[str]:
    for arena in (row.beside, row.over, row.smallest):
        yield from (f"{arena.bytes:,}", f"{arena.bound:,}", "yes" if arena.proven else "no")
    yield f"{100 * row.added_macs:.1f} %"


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0, or 2 where there is nothing to measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("models", type=Path, help="folder of .tflite files, at any depth")
    parser.add_argument("--board", default=BOARD)
    parser.add_argument("--match", default="", help="part of a file's name")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    options = parser.parse_args(arguments)
    files = sorted(path for path in options.models.rglob("*.tflite") if options.match in path.name)
    try:
        if not files:
            raise McusimError(f"{options.models} holds no .tflite files{f' with {options.match!r}' if options.match else ''}")
        making = making_for(boards.load(options.board), USUAL)
        rows = [row_of(network.load(path), making) for path in files]
    except McusimError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write("\n".join(lines_of(rows)) + "\n")
    if options.json:
        plain = {"schema": SCHEMA, "board": options.board, "rows": [asdict(row) for row in rows]}
        options.json.write_text(json.dumps(plain, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

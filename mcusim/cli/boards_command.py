"""``mcusim boards``: which boards there are, and what they are."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from mcusim.boards import Board

app = typer.Typer(rich_markup_mode=None, no_args_is_help=False)

HELP = """List the boards, or show one.

\b
Examples:
  mcusim boards
  mcusim boards --json
  mcusim boards show nucleo-l4r5zi
  mcusim boards show ./my_board.toml --json
"""

FLASH, RAM = ("flash",), ("ram", "tcm")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback(invoke_without_command=True, help=HELP)
def list_boards(context: typer.Context, as_json: AsJson = False) -> None:
    if context.invoked_subcommand is not None:
        return
    from mcusim import boards

    rows = [board_summary(boards.load(name)) for name in boards.names()]
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    else:
        _print_rows(rows)


@app.command("show")
def show_board(
    name: Annotated[str, typer.Argument(metavar="NAME|PATH", help="Board by name, or a TOML file.")],
    as_json: AsJson = False,
) -> None:
    """Show one board: core, clocks, memories, peripherals, sources."""
    from mcusim import boards
    from mcusim.report.codec import to_plain

    board = boards.load(name)
    if as_json:
        sys.stdout.write(json.dumps(to_plain(board), indent=2, default=str) + "\n")
    else:
        _print_board(board)


def board_summary(board: Board) -> dict[str, Any]:
    """The row of one board, sizes in bytes and rates in hertz."""
    return {
        "name": board.name,
        "core": board.core,
        "mcu": board.mcu,
        "description": board.description,
        "clock_hertz": board.clock_hertz,
        "rated_hertz": board.rated_hertz,
        "flash_bytes": sum(region.size for region in board.memories if region.kind in FLASH and not region.alias_of),
        "ram_bytes": sum(region.size for region in board.memories if region.kind in RAM and not region.alias_of),
    }


def _print_rows(rows: list[dict[str, Any]]) -> None:
    from mcusim.report.table import print_table

    print_table(sys.stdout, "", ("board", "core", "mcu", "rated", "flash", "RAM"), map(_cells, rows), right=3)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    from mcusim.report.quantity import si, size

    rated = si(row["rated_hertz"], "Hz") if row["rated_hertz"] else "–"
    sizes = (size(row[key]) if row[key] else "–" for key in ("flash_bytes", "ram_bytes"))
    return row["name"], row["core"], row["mcu"], rated, *sizes


def _print_board(board: Board) -> None:
    from mcusim.report.quantity import si, size
    from mcusim.report.table import print_table

    sys.stdout.write(f"{board.name}: {board.description or board.mcu or 'board'}\n")
    rated = f", rated {si(board.rated_hertz, 'Hz')}" if board.rated_hertz else ""
    sys.stdout.write(f"core {board.core}, clock after reset {si(board.clock_hertz, 'Hz')}{rated}\n")
    if board.serial:
        sys.stdout.write(f"serial {board.serial}\n")
    memories = ((each.name, each.kind, f"{each.address:#010x}", size(each.size)) for each in board.memories)
    print_table(sys.stdout, "memories", ("memory", "kind", "address", "size"), memories, right=2)
    peripherals = ((each.name, each.model, f"{each.address:#010x}") for each in board.peripherals)
    print_table(sys.stdout, "peripherals", ("peripheral", "model", "address"), peripherals, right=1)
    if board.energy:
        sys.stdout.write(f"energy: {board.energy.grade}, at {board.energy.supply_volts:g} V\n")
    for source in board.documents:
        sys.stdout.write(f"source: {source}\n")

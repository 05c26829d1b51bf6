"""``mcusim boards``: which boards there are, and what they are."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mcusim.cli import board_text

if TYPE_CHECKING:
    from mcusim.boards import Board
    from mcusim.boards.calibrated import Timing
    from mcusim.boards.sources import Stated

app = typer.Typer(rich_markup_mode=None, no_args_is_help=False)

HELP = """List the boards and how well each is calibrated, or show one with the source of every value.

\b
Examples:
  mcusim boards
  mcusim boards --json
  mcusim boards show nucleo-l4r5zi
  mcusim boards show ./my_board.toml --json
"""

FLASH, RAM = ("flash",), ("ram", "tcm")
PLAIN_WIDTH = 126
"""Columns where the output is no terminal."""
LEGEND = """
timing: median error over (so many) published measurements of the board, or of its core elsewhere; energy: grade of its table
"""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback(invoke_without_command=True, help=HELP)
def list_boards(context: typer.Context, as_json: AsJson = False) -> None:
    if context.invoked_subcommand is not None:
        return
    from mcusim import boards

    found = [boards.load(name) for name in boards.names()]
    if as_json:
        rows = [{**board_summary(board), "calibration": calibration(board)} for board in found]
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    else:
        _print_rows(found)


@app.command("show")
def show_board(
    name: Annotated[str, typer.Argument(metavar="NAME|PATH", help="Board by name, or a TOML file.")],
    as_json: AsJson = False,
) -> None:
    """Show one board: how well it is calibrated, and every value with its source."""
    from mcusim import boards
    from mcusim.boards.calibrated import timing_of
    from mcusim.boards.sources import stated

    board, values = boards.load(name), stated(name)
    if as_json:
        sys.stdout.write(json.dumps(board_details(board, values), indent=2, default=str) + "\n")
        return
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else PLAIN_WIDTH
    sys.stdout.writelines(f"{line}\n" for line in board_text.text_of(board, values, timing_of(board), width))


def board_details(board: Board, values: Iterable[Stated]) -> dict[str, Any]:
    """The board as it was understood, its calibration, and ``values`` by key, as its files say them, with their sources."""
    from mcusim.report.codec import to_plain

    said = {each.key: {"value": each.value, "source": to_plain(each.source) if each.source else None} for each in values}
    return {**to_plain(board), "calibration": calibration(board), "values": said}


def calibration(board: Board) -> dict[str, Any]:
    """Errors of the timing, relative, and the energy table's grade; null where there is none."""
    from mcusim.boards.calibrated import SOURCE, timing_of

    found, energy = timing_of(board), board.energy
    return {
        "timing": found and {**_errors(found), "of_core": found.of_core, "subject": found.subject, "source": SOURCE,
                             "by_memory": {memory: _errors(part) for memory, part in found.by_memory()}},
        "energy": energy and {"grade": energy.grade, "supply_volts": energy.supply_volts},
    }  # fmt: skip


def _errors(timing: Timing) -> dict[str, Any]:
    return {
        "rows": len(timing.rows), "fitted_rows": timing.fitted_rows, "median_error": timing.median_error,
        "worst_error": timing.worst_error,
    }  # fmt: skip


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


def _print_rows(found: list[Board]) -> None:
    from mcusim.report.table import print_table

    columns = ("board", "core", "mcu", "timing", "energy", "rated", "flash", "RAM")
    print_table(sys.stdout, "", columns, map(_cells, found), right=3)
    sys.stdout.write(LEGEND)


def _cells(board: Board) -> tuple[str, ...]:
    from mcusim.boards.calibrated import timing_of
    from mcusim.report.quantity import si, size

    row = board_summary(board)
    rated = si(row["rated_hertz"], "Hz") if row["rated_hertz"] else "–"
    sizes = (size(row[key]) if row[key] else "–" for key in ("flash_bytes", "ram_bytes"))
    judged = board_text.short_timing(timing_of(board)), board_text.short_energy(board)
    return row["name"], row["core"], row["mcu"], *judged, rated, *sizes

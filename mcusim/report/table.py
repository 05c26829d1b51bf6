"""Tables on a terminal or in a file."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TextIO

from mcusim.report.quantity import printable

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

PLAIN_WIDTH = 100
"""Columns where the output is no terminal."""


def print_parts(stream: TextIO, parts: Iterable[RenderableType], plain_width: int = PLAIN_WIDTH) -> None:
    """Print ``parts`` with an empty line between them: with colour and full width on a terminal, else plain text."""
    if stream.isatty():
        _print(stream, parts, width=None)
        return
    text = io.StringIO()
    _print(text, parts, plain_width)
    stream.write("".join(line.rstrip() + "\n" for line in text.getvalue().splitlines()))


def _print(stream: TextIO, parts: Iterable[RenderableType], width: int | None) -> None:
    from rich.console import Console

    console = Console(file=stream, width=width, highlight=False, markup=False)
    for number, part in enumerate(parts):
        if number:
            console.print()
        console.print(part, soft_wrap=isinstance(part, str))


def make_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], right: int) -> Table:
    """A table whose last ``right`` columns are aligned to the right."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
    )
    for index, name in enumerate(columns):
        numeric = index >= len(columns) - right
        table.add_column(name, justify="right" if numeric else "left", no_wrap=numeric, overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    return table


def print_table(
    stream: TextIO, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], right: int,
    plain_width: int = PLAIN_WIDTH,
) -> None:  # fmt: skip
    """Print a table, or nothing when it has no rows."""
    table = make_table(title, columns, rows, right)
    if table.row_count:
        print_parts(stream, [table], plain_width)

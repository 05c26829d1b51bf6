"""Tables on a terminal or in a file."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TextIO

from mcusim.report.column_widths import GAPS, column_of, layout, shortened
from mcusim.report.quantity import printable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

ENDLESS = 1_000_000
"""Columns of a terminal that folds nothing and cuts nothing off."""


def print_parts(stream: TextIO, parts: Iterable[RenderableType]) -> None:
    """Print ``parts`` with an empty line between them: with colour on a terminal, else as plain text.

    On a terminal, names in tables are shortened where a row is longer than a line. A row that has no room even so is longer
    than the terminal, for figures are always whole. Elsewhere each row is one line and nothing is shortened.
    """
    if stream.isatty():
        _print(stream, parts, _columns(stream))
        return
    text = io.StringIO()
    _print(text, parts, None)
    stream.write("".join(line.rstrip() + "\n" for line in text.getvalue().splitlines()))


def _columns(terminal: TextIO) -> int:
    from rich.console import Console

    return Console(file=terminal).width


def _print(stream: TextIO, parts: Iterable[RenderableType], room: int | None) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(file=stream, width=ENDLESS, height=ENDLESS, highlight=False, markup=False)
    for number, part in enumerate(parts):
        if number:
            console.print()
        if isinstance(part, Table) and part.show_header:
            _print_fitted(console, part, room)
        else:
            console.print(part, soft_wrap=isinstance(part, str), width=room)


def _print_fitted(console: Console, table: Table, room: int | None) -> None:
    """Print a table of ``make_table`` in ``room`` columns; None: as wide as it is."""
    from rich.text import Text

    if table.title:
        console.print(Text(str(table.title), style="bold"), soft_wrap=True)
    console.print(_fitted(table, room))


def _fitted(table: Table, room: int | None) -> Table:
    """The table without its title, its columns as wide as they shall be."""
    from rich.text import Text

    headings = [str(column.header) for column in table.columns]
    cells = [[str(cell) for cell in column.cells] for column in table.columns]
    right = [column.justify == "right" for column in table.columns]
    columns = [column_of(*each) for each in zip(headings, cells, (n == 0 for n in range(len(cells))), right, strict=True)]
    gap, widths = layout(columns, room)
    fitted = _empty_table("", gap)
    for column, heading, justified, width in zip(columns, headings, right, widths, strict=True):
        fitted.add_column(
            heading, justify="right" if justified else "left", width=width, no_wrap=not column.breaks, overflow="ellipsis"
        )
    shown = [
        [cell if column.breaks else shortened(cell, width) for cell in some]
        for column, some, width in zip(columns, cells, widths, strict=True)
    ]
    for row in zip(*shown, strict=True):
        fitted.add_row(*map(Text, row))
    return fitted


def _empty_table(title: str, gap: int) -> Table:
    """A table without columns; ``gap``: blanks between those that it will have."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    return Table(
        title=printable(title) or None,
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=PADDINGS[gap],
    )


PADDINGS = {3: (0, 1, 0, 1), 2: (0, 1, 0, 0), 1: (0, 0, 0, 0)}
"""Above, right, below and left of a cell, by the blanks between columns, of which the table itself makes one."""


def make_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], right: int) -> Table:
    """A table whose last ``right`` columns are figures, aligned to the right; the first one names what a row is about."""
    from rich.text import Text

    table = _empty_table(title, GAPS[0])
    for index, name in enumerate(columns):
        table.add_column(name, justify="right" if index >= len(columns) - right else "left")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    return table


def print_table(stream: TextIO, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], right: int) -> None:
    """Print a table as ``print_parts`` does, or nothing when it has no rows."""
    table = make_table(title, columns, rows, right)
    if table.row_count:
        print_parts(stream, [table])

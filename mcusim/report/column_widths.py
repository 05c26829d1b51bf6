"""How wide the columns of a table are: figures are always whole, names give way, sentences are broken between words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

GAPS = (3, 2, 1)
"""Blanks between two columns, the first that leaves room for all."""
NAME, SENTENCE = 12, 32
"""Characters that are left of a long name and of a long sentence at least."""
ELLIPSIS = "…"

FIGURE = re.compile(r"(?<![\w.-])[+±-]?\d")
"""Where a number begins; one within a name (``nucleo-f446re``, ``conv_1``) is none."""


@dataclass(frozen=True, slots=True)
class Column:
    """Characters of the longest cell, and how few will do; where ``breaks``, its cells may take several lines."""

    natural: int
    least: int
    breaks: bool = False


def column_of(heading: str, cells: Sequence[str], first: bool, figures: bool) -> Column:
    """The column of these cells: names at the left of the table, else figures, sentences or names as the cells say."""
    natural = max(map(columns_of, (heading, *cells)), default=0)
    if figures:
        return Column(natural, natural)
    if not first and any(" " in cell and columns_of(cell) > SENTENCE for cell in cells):
        return Column(natural, SENTENCE, breaks=True)
    if not first and any(map(FIGURE.search, cells)):
        return Column(natural, natural)
    return Column(natural, min(natural, max(NAME, columns_of(heading))))


def layout(columns: Sequence[Column], room: int | None) -> tuple[int, list[int]]:
    """Blanks between columns, and the width of each, so that a row takes ``room`` characters if that can be."""
    natural = [column.natural for column in columns]
    if room is None:
        return GAPS[0], natural
    spaces = max(len(columns) - 1, 0)
    gap = next((gap for gap in GAPS if sum(natural) + gap * spaces <= room), GAPS[-1])
    return gap, narrowed(natural, [column.least for column in columns], room - gap * spaces)


def narrowed(natural: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Widths whose sum is at most ``room`` if none is below ``least``: the widest give way first."""
    widths = list(natural)
    for _ in range(sum(natural) - room):
        able = [number for number, width in enumerate(widths) if width > least[number]]
        if not able:
            break
        widths[max(able, key=widths.__getitem__)] -= 1
    return widths


def shortened(text: str, width: int) -> str:
    """``text`` in ``width`` characters: begin and end, which tell names apart, with an ellipsis between."""
    from rich.cells import set_cell_size

    if columns_of(text) <= width:
        return text
    head = (width - 1) // 2
    return set_cell_size(text, head) + ELLIPSIS + set_cell_size(text[::-1], width - 1 - head)[::-1]


def columns_of(text: str) -> int:
    """How many characters of a terminal ``text`` takes."""
    from rich.cells import cell_len

    return cell_len(text)

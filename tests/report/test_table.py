"""Tables at any width: figures are whole, names are there, and through a pipe nothing is split."""

from __future__ import annotations

import io
import re
from collections import Counter

import pytest

from mcusim.report.column_widths import columns_of, narrowed, shortened
from mcusim.report.table import ENDLESS, make_table, print_parts

WIDTHS = (40, 80, 100, 170)
Rows = list[tuple[str, ...]]

LAYERS: Rows = [
    (f"depthwise_conv_2d_{number}", "DepthwiseConv2D", "1x48x48x16", "1,234,567", "12,345,678", "12.34", "102.9 ms", "29.3 %",
     "102,048", "82,432", "69.29 µJ")
    for number in range(12)
]  # fmt: skip
CAUSES = ", ".join(f"waiting for memory number {number} 12.5 %" for number in range(8))

TABLES: dict[str, tuple[tuple[str, ...], Rows, int]] = {
    "layers": (
        ("layer", "operator", "output", "MACs", "cycles", "per MAC", "time", "share", "RAM live", "flash", "energy"),
        [*LAYERS, ("total", "", "", "1", "2", "3.00", "4 s", "100.0 %", "5", "6", "7 J")], 8,
    ),
    "figures between": (("in", "cycles", "most of them"), [("f" * 90, "123,456,789", CAUSES), ("g", "–", "")], 0),
    "a choice first": (("clock", "answer", "cycles"), [("120.0 MHz", "priced", "123,456"), ("as run", "run again", "1")], 1),
    "errors between": (("board", "timing", "energy", "flash"), [("board" * 9, "core ±0.5 % (60)", "±1.9 % (1)", "2 MiB")], 1),
    "all at the right": (("key", "value", "alike"), [("x" * 60, "1.25", "2"), ("y", "1,000", "3")], 4),
    "many figures": (("n", *"abcdefghijklmnop"), [("name", *("1,234,567",) * 16)], 16),
    "wide letters": (("名", "n"), [("名前" * 40, "1,234")], 1),
    "one column": (("name",), [("a" * 300,), ("b",)], 0),
    "paths of calls": (("stack", "deepest call path", "peak"), [("main", " > ".join(["function_with_name"] * 9), "1 KiB")], 1),
}  # fmt: skip
FIGURE = re.compile(r"(?<![\w.-])[+±-]?\d[\d,.]*")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def shown(name: str, width: int | None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lines of a table on a terminal of this width, without colours; through a pipe where it is None."""
    columns, rows, right = TABLES[name]
    monkeypatch.setenv("COLUMNS", str(width or 80))
    stream = io.StringIO() if width is None else Terminal()
    print_parts(stream, [make_table("", columns, rows, right)])
    return re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue()).splitlines()


@pytest.mark.parametrize("width", [*WIDTHS, None])
@pytest.mark.parametrize("name", TABLES)
def test_every_figure_is_whole_at_every_width(name: str, width: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    columns, rows, right = TABLES[name]
    found = shown(name, width, monkeypatch)[2:]
    assert Counter(FIGURE.findall(" ".join(found))) == Counter(FIGURE.findall(" ".join(map(" ".join, rows))))
    for row in rows:
        cells = row[max(len(columns) - right, 0) :]
        assert any(all(cell in line for cell in cells) for line in found)


@pytest.mark.parametrize("width", [*WIDTHS, None])
@pytest.mark.parametrize("name", TABLES)
def test_the_first_column_never_vanishes(name: str, width: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    _, rows, _ = TABLES[name]
    found = [line.split()[0] for line in shown(name, width, monkeypatch)[2:] if not line.startswith(" ")]
    assert len(found) == len(rows) or TABLES[name][2] >= len(rows[0])
    for (cell, *_), begin in zip(rows, found, strict=False):
        head, _, tail = begin.partition("…")
        assert len(begin) >= min(len(cell.split()[0]), 6)
        assert cell.startswith(head) and tail in cell


@pytest.mark.parametrize("name", TABLES)
def test_through_a_pipe_each_row_is_one_line_with_all_its_cells(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, rows, _ = TABLES[name]
    lines = shown(name, None, monkeypatch)[2:]
    assert len(lines) == len(rows)
    for row, line in zip(rows, lines, strict=True):
        assert all(cell in line for cell in row) and "…" not in line


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["a choice first", "errors between", "figures between", "paths of calls", "one column"])
def test_what_can_be_fitted_keeps_to_the_terminal(name: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    least = {"figures between": 80, "paths of calls": 80, "errors between": 80}.get(name, 0)
    assert width < least or all(columns_of(line) <= width for line in shown(name, width, monkeypatch))


def test_layers_of_a_network_stay_apart_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [line.split()[0] for line in shown("layers", 80, monkeypatch)[2:]]
    assert names[:2] == ["depth…v_2d_0", "depth…v_2d_1"] and len(set(names)) == len(names)


def test_gaps_become_narrow_before_names_do(monkeypatch: pytest.MonkeyPatch) -> None:
    widest = max(map(len, shown("layers", None, monkeypatch)))
    assert "…" not in "".join(shown("layers", widest - 20, monkeypatch))
    assert "…" in "".join(shown("layers", widest - 21, monkeypatch))


def test_a_terminal_without_abilities_gets_whole_figures_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert all("69.29 µJ" in line for line in shown("layers", 80, monkeypatch)[2:-1])


def test_a_title_is_one_line_however_narrow_its_table_is() -> None:
    stream = io.StringIO()
    print_parts(stream, [make_table("a title of many words", ("a",), [("b",)], 0)])
    assert stream.getvalue().splitlines()[0] == "a title of many words"


def test_sentences_are_broken_between_words_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown("figures between", 100, monkeypatch)
    assert len(lines) > 5
    assert " ".join(" ".join(line[-44:] for line in lines[2:-1]).split()).endswith("memory number 7 12.5 %")


def test_the_widest_columns_give_way_first_and_none_more_than_it_may() -> None:
    assert narrowed([30, 20, 9], [5, 5, 9], 40) == [15, 16, 9]
    assert narrowed([30, 20, 9], [28, 20, 9], 10) == [28, 20, 9]
    assert narrowed([3, 2], [1, 1], ENDLESS) == [3, 2]


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [("abc", 3, "abc"), ("abcdefgh", 5, "ab…gh"), ("abcdefgh", 4, "a…gh"), ("名前名前", 5, "名…前"), ("abcdefgh", 1, "…")],
)
def test_a_shortened_name_keeps_its_begin_and_its_end(text: str, width: int, expected: str) -> None:
    assert shortened(text, width) == expected and columns_of(expected) <= width

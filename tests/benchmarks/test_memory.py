"""The table of arenas by network."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.memory import COLUMNS, Arena, Row, lines_of, main, row_of
from mcusim import boards
from mcusim.deploy.build import USUAL, making_for
from tests.deploy.test_arrangement import mobile


def test_each_form_of_a_network_takes_no_more_than_the_one_before() -> None:
    row = row_of(mobile(), making_for(boards.load("m4"), USUAL))
    assert row.beside.bytes >= row.over.bytes >= row.smallest.bytes
    assert all(arena.bytes >= arena.bound for arena in (row.beside, row.over, row.smallest))
    assert row.over.bytes < row.beside.bytes


def test_the_table_is_markdown_with_a_cell_for_each_column() -> None:
    arena = Arena(4096, 4000, False)
    head, rule, row = lines_of([Row("net", arena, arena, Arena(2048, 2048, True), 0.25)])
    assert head.count("|") == rule.count("|") == row.count("|") == len(COLUMNS) + 1
    assert row.endswith("| 2,048 | 2,048 | yes | 25.0 % |")


def test_a_folder_without_models_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert f"{tmp_path} holds no .tflite files" in capsys.readouterr().err

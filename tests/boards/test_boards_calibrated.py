"""How well boards are calibrated: which rows speak for a board, and files that are refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcusim import boards
from mcusim.boards import calibrated
from mcusim.boards.calibrated import FIRST_LINE, Row, Timing, timing_of
from mcusim.errors import BoardError

ROWS = (
    Row("a", "one", "m7", "caches", "held out", "us", 100.0, 102.0),
    Row("b", "one", "m7", "caches", "fitted", "us", 100.0, 95.0),
    Row("c", "one", "m7", "zero wait states", "fitted", "cycles", 100.0, 101.0),
)


def test_median_is_of_sizes_and_the_worst_keeps_its_sign():
    timing = Timing("one", False, ROWS)
    assert timing.median_error == pytest.approx(0.02)
    assert timing.worst_error == pytest.approx(-0.05)
    assert timing.fitted_rows == 2
    assert [(memory, len(part.rows)) for memory, part in timing.by_memory()] == [("caches", 2), ("zero wait states", 1)]


def test_a_board_is_judged_by_its_own_rows_and_else_by_those_of_its_core_without_wait_states(monkeypatch):
    monkeypatch.setattr(calibrated, "read", lambda file: ROWS)
    board = boards.load("nucleo-h743zi")
    own, core = timing_of(replace(board, name="one")), timing_of(board)
    assert own is not None and (own.subject, own.of_core, len(own.rows)) == ("one", False, 3)
    assert core is not None and (core.subject, core.of_core, [row.name for row in core.rows]) == ("m7", True, ["c"])


def test_an_ideal_board_is_its_core_and_a_core_without_rows_is_not_calibrated():
    ideal = timing_of(boards.load("m4"))
    assert ideal is not None and ideal.of_core and len(ideal.rows) == 60
    assert timing_of(boards.load("m3")) is None


def test_rows_survive_their_file(tmp_path):
    path = tmp_path / "timing.csv"
    path.write_text(calibrated.text_of(ROWS))
    assert calibrated.read(path) == ROWS


def test_the_file_that_comes_along_is_written_as_the_program_writes_it():
    assert calibrated.text_of(calibrated.read(calibrated.FILE)) == calibrated.FILE.read_text()


def test_every_row_names_a_board_and_its_core():
    for row in calibrated.read(calibrated.FILE):
        assert boards.load(row.board).core == row.core


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("name,board\n", "line 1"),
        (f"{FIRST_LINE}\nname,board\na,one\n", "line 3"),
        (calibrated.text_of(ROWS).replace("fitted", "guessed"), "line 4: .*allowed: a use of fitted, held out"),
        (calibrated.text_of(ROWS).replace(",95", ",x"), "line 4"),
        (calibrated.text_of(ROWS).replace(",95", ",-95"), "line 4: .*values above 0"),
    ],
)
def test_files_of_another_form_are_refused_with_the_line(tmp_path, text, met):
    path = tmp_path / "timing.csv"
    path.write_text(text)
    with pytest.raises(BoardError, match=met):
        calibrated.read(path)

from __future__ import annotations

import json

import pytest

from benchmarks.fidelity import Row, detail_table, main, summaries, summary_table, text_of, update_boards
from mcusim.boards import calibrated
from tests.calibration.samples import add_program, write_table

ROWS = [
    Row("one", "nucleo-l4r5zi", "m4", "zero wait states", True, 100, 101),
    Row("two", "nucleo-l4r5zi", "m4", "zero wait states", True, 100, 96),
    Row("three", "nucleo-l4r5zi", "m4", "zero wait states", True, 100, 102),
    Row("rebuilt", "nucleo-l4r5zi", "m4", "zero wait states", False, 100, 150),
    Row("broken", "nucleo-l4r5zi", "m4", "zero wait states", True, 100, None, "printed nothing"),
]


def test_a_summary_gives_median_worst_and_signed_mean_of_the_measured_programs():
    (summary,) = summaries(ROWS)
    assert (summary.rows, summary.core) == (3, "m4")
    assert summary.median == pytest.approx(0.02)
    assert summary.worst == pytest.approx(-0.04)
    assert summary.mean_signed == pytest.approx(-0.01 / 3)


def test_the_worst_error_stands_in_the_table():
    assert "| M4 | zero wait states | 3 | 2.00% | -4.00% | -0.33% |" in summary_table(ROWS)


def test_rows_are_worst_first_and_a_broken_one_says_why():
    lines = detail_table(ROWS).splitlines()[2:]
    assert [line.split(" | ")[0] for line in lines] == ["| rebuilt", "| two", "| three", "| one", "| broken"]
    assert "printed nothing" in lines[-1]


def test_other_programs_and_missing_ones_stand_apart():
    text = text_of(ROWS, ["crc32"])
    before, after = text.split("Other programs than the measured ones")
    assert "rebuilt" not in before
    assert "rebuilt" in after
    assert "1 measurements" in after


def test_rows_of_measured_programs_go_into_the_calibration_of_boards_and_others_stay(tmp_path):
    path = tmp_path / "timing.csv"
    update_boards(ROWS, path)
    assert [row.name for row in calibrated.read(path)] == ["one", "three", "two"]
    calibrated.read.cache_clear()
    update_boards([Row("two", "m4", "m4", "zero wait states", True, 100, 99.5, use="fitted", unit="us")], path)
    calibrated.read.cache_clear()
    rows = {row.name: row for row in calibrated.read(path)}
    assert (len(rows), rows["two"].simulated, rows["two"].use, rows["one"].simulated) == (3, 99.5, "fitted", 101)


def test_the_command_runs_what_is_at_hand(tmp_path, build_source, capsys):
    write_table(tmp_path / "measurements", "crypto_m4_cycles.csv", ("X25519", 10_000))
    add_program(build_source, tmp_path / "programs", "x25519.elf")
    output = tmp_path / "fidelity.json"
    arguments = ["--measurements", str(tmp_path / "measurements"), "--programs", str(tmp_path / "programs")]
    assert main([*arguments, "--jobs", "1", "--json", str(output)]) == 0
    document = json.loads(output.read_text())
    assert document["schema"] == "mcusim.benchmark.fidelity/1"
    assert [row["name"] for row in document["rows"]] == ["x25519"]
    assert "| M4 | zero wait states | 1 |" in capsys.readouterr().out


def test_a_folder_that_is_none_is_an_error_without_a_traceback(tmp_path, capsys):
    assert main(["--measurements", str(tmp_path / "none"), "--programs", str(tmp_path)]) == 2
    assert "none is no folder" in capsys.readouterr().err

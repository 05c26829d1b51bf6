"""The accuracy figures in README.md and docs/accuracy.md, which come from one run of ``benchmarks.fidelity``."""

from __future__ import annotations

import re
import statistics
from pathlib import Path

import pytest

from mcusim.boards import calibrated

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| (.+?) \| (\S+) \| ([\d,.]+) \| ([\d,.]+) \| ([+-][\d.]+)% \|$", re.MULTILINE)
SUMMARY = re.compile(r"^\| (\S+) \| (.+?) \| (\d+) \| ([\d.]+)% \| ([+-][\d.]+)% \| ([+-][\d.]+)% \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def page():
    return (ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8")


def rows_in(text):
    found = ((name, a.replace(",", ""), b.replace(",", ""), error) for name, _, a, b, error in ROW.findall(text))
    return [(name, float(a), float(b), float(error)) for name, a, b, error in found]


def test_the_readme_shows_the_table_of_the_page(page):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert SUMMARY.findall(readme) == SUMMARY.findall(page) != []


def test_every_error_follows_from_its_row(page):
    rows = rows_in(page)
    assert len(rows) > 60
    wrong = [name for name, a, b, error in rows if abs(error - 100 * (b / a - 1)) > 0.015]  # halves of microseconds are rounded
    assert not wrong


def test_the_worst_errors_and_counts_are_those_of_the_rows(page):
    rows = rows_in(page.split("## Other programs")[0])
    summaries = SUMMARY.findall(page)
    assert sum(int(count) for _, _, count, *_ in summaries) == len(rows)
    worst = max((error for *_, error in rows), key=abs)
    assert worst == max((float(row[4]) for row in summaries), key=abs)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"**Worst error {worst:+.2f} %**" in readme


def test_the_median_at_zero_wait_states_is_that_of_its_rows(page):
    rows = rows_in(page.split("## Other programs")[0])
    errors = [abs(error) for name, *_, error in rows if not name.startswith("mlperf")]
    shown = next(float(row[3]) for row in SUMMARY.findall(page) if row[1] == "zero wait states")
    assert shown == pytest.approx(statistics.median(errors), abs=0.006)


def test_what_boards_tell_of_their_calibration_is_what_the_page_says(page):
    told = {(name, board): (measured, simulated) for name, board, measured, simulated, _ in ROW.findall(page)}
    rows = calibrated.read(calibrated.FILE)
    assert {(row.name, row.board): (f"{row.measured:,.0f}", f"{row.simulated:,.0f}") for row in rows} == told

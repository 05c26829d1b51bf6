"""Exit codes: one table, one page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mcusim import errors
from mcusim.report import ReportError
from mcusim.report.exit import ERRORS, REASONS, code_of

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "exit_codes.md").read_text()


def rows(section: str) -> list[tuple[int, str, str]]:
    """The table rows of one section of the page: code, name, meaning."""
    text = PAGE.partition(f"## {section}\n")[2].partition("\n## ")[0].replace(r"\|", "|")
    return [
        (int(code), name, meaning)
        for code, name, meaning in re.findall(r"^\| (\d+) \| `(\w+)` \| (.*) \|$", text, re.M)
    ]


def test_page_lists_what_the_table_has():
    assert rows("The run ended otherwise") == [(row.code, row.name, row.meaning) for row in REASONS]
    assert rows("There is no report") == [(row.code, row.name, row.meaning) for row in ERRORS]


def test_codes_and_names_are_unique():
    table = (*REASONS, *ERRORS)
    assert len({row.code for row in table}) == len({row.name for row in table}) == len(table)
    assert all(0 <= row.code <= 255 for row in table)


def test_table_has_the_code_of_every_error_class():
    classes = [each for each in vars(errors).values() if isinstance(each, type) and each is not errors.McusimError]
    codes = {row.name: row.code for row in ERRORS}
    assert {each.__name__: each.exit_code for each in (*classes, ReportError)}.items() <= codes.items()
    assert errors.McusimError.exit_code == codes["usage"]


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (1, 1), (255, 255), (256, 255), (-1, 255), (1 << 31, 255)])
def test_firmware_returns_its_own_code_as_far_as_a_process_can(code, expected):
    assert code_of("exit", code) == expected


def test_other_reasons_have_their_code():
    assert (code_of("until"), code_of("fault"), code_of("lockup"), code_of("interrupted", 3)) == (0, 10, 11, 130)
    with pytest.raises(KeyError):
        code_of("bored")

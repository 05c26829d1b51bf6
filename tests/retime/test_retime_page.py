"""docs/retime.md shows what its commands print."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.packaging.test_readme import shape
from tests.retime.page import BLOCK, PAGE, answer, prepare

BLOCKS = [(block[1], block[2]) for block in BLOCK.finditer(PAGE.read_text())]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("page").resolve()
    prepare(place)
    return place


def test_the_page_has_its_examples():
    assert len(BLOCKS) >= 6 and BLOCKS[0][0].startswith("mcusim run") and any("--pure" in command for command, _ in BLOCKS)


def test_every_example_prints_what_the_page_shows(folder):
    """Apart from numbers, and the order they give to rows; ``python -m tests.retime.page`` writes the page anew."""
    for command, shown in BLOCKS:
        printed = answer(folder, command)
        assert sorted(map(shape, printed.splitlines())) == sorted(map(shape, shown.splitlines())), command

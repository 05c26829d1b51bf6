"""docs/energy.md shows what its commands print, and lists what there is."""

from __future__ import annotations

import re

from mcusim import boards
from mcusim.boards.energy_table import ENERGY, EVENTS, INSTRUCTION_CLASSES, REGULATORS
from tests.energy.page import BLOCK, PAGE, prepare, shown
from tests.packaging.test_readme import shape

TEXT = PAGE.read_text()


def test_every_example_prints_what_the_page_shows(tmp_path):
    """Apart from numbers; ``python -m tests.energy.page`` writes the page anew."""
    folder = tmp_path.resolve()
    prepare(folder)
    blocks = [(block[1], block[2]) for block in BLOCK.finditer(TEXT)]
    assert len(blocks) == 2
    for command, output in blocks:
        now = shown(folder, command)
        assert len(now.splitlines()) == 5 or "retime" in command
        assert sorted(map(shape, now.splitlines())) == sorted(map(shape, output.splitlines())), command


def test_the_page_lists_all_events_classes_regulators_and_keys():
    for name in (*EVENTS, *INSTRUCTION_CLASSES, *REGULATORS):
        assert f"`{name}`" in TEXT, name
    for key in ENERGY:
        assert re.search(rf"^(\[energy\.)?{key}\b", TEXT, re.MULTILINE), key


def test_the_page_lists_the_boards_that_have_a_table():
    have = {name for name in boards.names() if boards.load(name).energy}
    table = TEXT.partition("## Boards that have a table")[2].partition("## ")[0]
    assert set(re.findall(r"^\| `([\w.-]+)` \|", table, re.MULTILINE)) == have
    assert all(boards.load(name).energy.grade in table for name in have)

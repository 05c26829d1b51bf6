"""docs/calibration.md shows what its commands print."""

from __future__ import annotations

from pathlib import Path

from tests.calibration.page import BLOCK, PAGE, answer
from tests.packaging.test_readme import shape


def test_every_example_prints_what_the_page_shows(tmp_path: Path) -> None:
    """Apart from numbers; ``python -m tests.calibration.page`` writes the page anew."""
    blocks = [(block[1], block[2]) for block in BLOCK.finditer(PAGE.read_text())]
    assert len(blocks) == 3
    for command, shown in blocks:
        assert list(map(shape, answer(tmp_path, command).splitlines())) == list(map(shape, shown.splitlines())), command
    assert (tmp_path / "m0" / "fit.html").exists()

"""The README's first screen is a real run."""

from __future__ import annotations

import re
from pathlib import Path

from tests.packaging.readme import printed, shown
from tests.support.firmware import REPOSITORY

README = (REPOSITORY / "README.md").read_text()


def shape(line: str) -> str:
    """A line without its numbers, their units and the width of columns."""
    plain = re.sub(r"\s+", " ", re.sub(r"[\d,.]+", "0", line)).strip()
    return plain.translate(str.maketrans({"µ": "", "m": "", "k": "", "K": "", "M": "", "i": ""}))


def test_the_output_shown_is_the_output_printed(tmp_path: Path) -> None:
    """Number for number where the compiler is the one of the README; ``python -m tests.packaging.readme`` writes it anew."""
    (built, lines), (built_now, lines_now) = shown(), printed(tmp_path)
    assert len(lines) > 8
    assert [shape(line) for line in lines] == [shape(line) for line in lines_now]
    if built == built_now:
        assert lines[:-1] == lines_now[:-1]  # the last line is about the host


def test_every_page_and_folder_that_the_documentation_names_exists() -> None:
    pages = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")]
    broken = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert not broken


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    for target in re.findall(r"`?make ([a-z-]+)", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target

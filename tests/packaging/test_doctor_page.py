"""docs/doctor.md shows what the command prints."""

from __future__ import annotations

import re
from pathlib import Path

from tests.packaging.doctor_page import printed, shown


def shape(text: str) -> list[str]:
    """The text without its figures, which depend on the compiler, and without the order that they give."""
    return sorted(
        re.sub(r"[\d.,]+( [µmkM]?(s|Hz|B|KiB)| %)?", "N", line) for line in text.splitlines() if line.startswith("   ->")
    )


def test_the_page_shows_the_findings_of_a_real_run(tmp_path: Path) -> None:
    output = printed(tmp_path)
    assert shape(output) == shape(shown()) != []
    assert output.splitlines()[0] == shown().splitlines()[0] == "build/demo.elf on nucleo-h743zi (core m7)"

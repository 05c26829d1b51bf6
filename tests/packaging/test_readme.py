"""The README's first screen is a real run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from kernels_c.build import main
from tests.support.firmware import REPOSITORY

README = (REPOSITORY / "README.md").read_text()


def shape(line: str) -> str:
    """A line without its numbers, their units and the width of columns."""
    return re.sub(r"\s+", " ", re.sub(r"[\d,.]+", "0", line)).strip()


def test_the_output_shown_is_the_output_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = README.split("mcusim run build/demo.elf --core m7\n", 1)[1].split("...\n", 1)[0].splitlines()
    assert len(shown) > 8
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--core", "m7", "--output", "build/demo.elf"]) == 0
    command = [str(Path(sys.executable).with_name("mcusim")), "run", "build/demo.elf", "--core", "m7"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    units = str.maketrans({"µ": "", "m": "", "k": "", "K": "", "M": "", "i": ""})
    for line, real in zip(shown, printed, strict=False):
        assert shape(line).translate(units) == shape(real).translate(units)


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

"""The run that docs/doctor.md shows: ``python -m tests.packaging.doctor_page`` writes it anew."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from kernels_c.build import main
from tests.support.firmware import REPOSITORY

PAGE = REPOSITORY / "docs" / "doctor.md"
START, END = "```\n$ mcusim doctor build/demo.elf --board nucleo-h743zi\n", "```\n"
BUILD = "$ python -m kernels_c.build "


def shown() -> str:
    """The output on the page."""
    return PAGE.read_text().partition(START)[2].partition(END)[0]


def printed(folder: Path, compiler_name: str = "") -> str:
    """The same from building and examining the demonstration in ``folder``."""
    build = PAGE.read_text().partition(BUILD)[2].partition("\n")[0].split()
    *options, output = build
    assert main([*options, str(folder / output), "--compiler", compiler_name]) == 0
    command = [sys.executable, "-m", "mcusim", "doctor", "build/demo.elf", "--board", "nucleo-h743zi"]
    environment = {"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder, env=environment).stdout


def rewrite() -> None:
    """Put a fresh run into the page."""
    with tempfile.TemporaryDirectory() as folder:
        lines = printed(Path(folder))
    page = PAGE.read_text()
    before, found, rest = page.partition(START)
    PAGE.write_text(
        before + START + lines + END + rest.partition(END)[2] if found else page.replace("```\n@RUN@\n", START + lines)
    )


if __name__ == "__main__":
    rewrite()

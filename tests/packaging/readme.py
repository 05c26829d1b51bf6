"""The README's first screen, from a real run: ``python -m tests.packaging.readme`` writes it anew."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from kernels_c.build import main
from tests.support.firmware import REPOSITORY

PAGE = REPOSITORY / "README.md"
START, END = "mcusim run build/demo.elf --core m7\n", "...\n"
BUILD = ["demo", "--core", "m7", "--output", "build/demo.elf"]
LAST_LINE = "host "


def shown() -> tuple[str, list[str]]:
    """What the README shows: the compiler's line, and the output of the run."""
    before, _, rest = PAGE.read_text().partition(START)
    built = next(line for line in before.splitlines() if line.startswith("build/demo.elf: built"))
    return built, rest.split(END, 1)[0].splitlines()


def printed(folder: Path) -> tuple[str, list[str]]:
    """The same from building and running the demonstration in ``folder``, up to the line about the host."""
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()) as told:
        assert main(BUILD) == 0
    command = [str(Path(sys.executable).with_name("mcusim")), "run", "build/demo.elf", "--core", "m7"]
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder, env={**os.environ, "COLUMNS": "100"})
    lines = run.stdout.splitlines()
    last = next(number for number, line in enumerate(lines) if line.startswith(LAST_LINE))
    return told.getvalue().strip().splitlines()[-1], lines[: last + 1]


def rewrite() -> None:
    """Put a fresh run into the README."""
    with tempfile.TemporaryDirectory() as folder:
        built, lines = printed(Path(folder))
    before, _, rest = PAGE.read_text().partition(START)
    after = rest[rest.index(END) :]
    before = before.replace(shown()[0], built)
    PAGE.write_text(before + START + "\n".join(lines) + "\n" + after)


if __name__ == "__main__":
    rewrite()

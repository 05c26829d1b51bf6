"""The commands of docs/retime.md and what they print: ``python -m tests.retime.page`` writes the outputs anew."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.boards import workload
from tests.support.firmware import REPOSITORY

PAGE = REPOSITORY / "docs" / "retime.md"
BLOCK = re.compile(r"```console\n\$ (.*)\n((?:.*\n)*?)```\n")
BOARD = "nucleo-l4r5zi"


def prepare(folder: Path) -> None:
    """Put the programs that the page talks about into ``folder``, and the profile that it does not make itself."""
    (folder / "app.elf").write_bytes(workload(BOARD).read_bytes())
    (folder / "timed.elf").write_bytes(workload(BOARD, COUNTER=1).read_bytes())
    answer(folder, f"mcusim run timed.elf --board {BOARD} --quiet --save-profile timed.profile.gz")


def answer(folder: Path, command: str) -> str:
    """What ``command`` prints in ``folder``, on stdout and stderr; the folder's name is left out."""
    words = command.split()
    assert words[0] == "mcusim"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "100"}
    run = subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, env=environment, check=False, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return run.stdout.replace(f"{folder}{os.sep}", "")


def rewrite() -> None:
    """Put fresh outputs into the page."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        with contextlib.chdir(folder):
            prepare(folder)
        text = BLOCK.sub(lambda block: f"```console\n$ {block[1]}\n{answer(folder, block[1])}```\n", PAGE.read_text())
    PAGE.write_text(text)


if __name__ == "__main__":
    rewrite()

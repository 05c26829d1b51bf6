"""The commands of docs/calibration.md and what they print: ``python -m tests.calibration.page`` writes the outputs anew."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.firmware import REPOSITORY

PAGE = REPOSITORY / "docs" / "calibration.md"
BLOCK = re.compile(r"```console\n\$ (.*)\n((?:.*\n)*?)```\n")


def answer(folder: Path, command: str) -> str:
    """What ``command`` prints in ``folder``, on stdout and stderr."""
    python, *words = command.split()
    assert python == "python"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    run = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, check=False, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return run.stdout


def rewrite() -> None:
    """Put fresh outputs into the page."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = BLOCK.sub(lambda block: f"```console\n$ {block[1]}\n{answer(folder, block[1])}```\n", PAGE.read_text())
    PAGE.write_text(text)


if __name__ == "__main__":
    rewrite()

"""The commands of docs/energy.md and what they print: ``python -m tests.energy.page`` writes the outputs anew."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from kernels_c.toolchain import Layout
from tests.retime.page import BLOCK, answer
from tests.support.firmware import REPOSITORY, build_firmware

PAGE = REPOSITORY / "docs" / "energy.md"
CUT = "...\n"
SHOWN = ("energy  ", "each day ", "current ")
"""Beginnings of the lines of ``mcusim run`` that the page shows; all of ``mcusim retime`` stands there."""


def prepare(folder: Path) -> None:
    """Put the program that the page talks about into ``folder``."""
    place = Layout(0, 256 << 10, 0x2000_0000, 256 << 10)
    (folder / "app.elf").write_bytes(build_firmware("recursion.c", "m33", layout=place).read_bytes())


def shown(folder: Path, command: str) -> str:
    """What the page shows of the output of ``command``."""
    text = answer(folder, command)
    if not command.startswith("mcusim run"):
        return text
    return CUT + "".join(line for line in text.splitlines(keepends=True) if line.startswith(SHOWN)) + CUT


def rewrite() -> None:
    """Put fresh outputs into the page."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        with contextlib.chdir(folder):
            prepare(folder)
        PAGE.write_text(BLOCK.sub(lambda block: f"```console\n$ {block[1]}\n{shown(folder, block[1])}```\n", PAGE.read_text()))


if __name__ == "__main__":
    rewrite()

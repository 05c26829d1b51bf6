"""The board files that docs/boards.md shows work."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from kernels_c.build import main
from mcusim import boards
from mcusim.boards.loader import BOARD, MEMORY, PERIPHERAL
from tests.support.firmware import REPOSITORY

PAGE = (REPOSITORY / "docs" / "boards.md").read_text()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with every file that the page shows."""
    for text in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL):
        (tmp_path / text.split()[1]).write_text(text)
    return tmp_path


def test_a_variant_of_a_known_chip_says_only_what_differs(files: Path) -> None:
    board, chip = boards.load(files / "my_board.toml"), boards.load("stm32f4discovery")
    assert board.serial == "usart3"
    assert next(memory.size for memory in board.memories if memory.name == "flash") == 512 << 10
    rcc = next(spec for spec in board.peripherals if spec.name == "rcc")
    assert rcc.parameters["clocks"]["hse"]["hertz"] == 25_000_000
    assert [spec.name for spec in board.peripherals] == [spec.name for spec in chip.peripherals]


def test_the_demonstration_runs_on_the_chip_of_the_page(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)
    build, run = re.findall(r"^\$ (.*)$", PAGE, re.MULTILINE)
    assert main(build.split()[3:]) == 0
    command = [str(Path(sys.executable).with_name("mcusim")), *run.split()[1:]]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "int8 convolution 16x16x8 -> 16 channels: as recomputed" in printed
    assert "on my_chip (core m4)" in printed
    assert "clock 48.00 MHz at the end" in printed


def test_every_key_is_on_the_page() -> None:
    table = PAGE.partition("## Keys")[2]
    told = (f"`{key}`" in table or f"`{key}." in table for key in (*BOARD, *MEMORY, *PERIPHERAL))
    missing = [key for key, found in zip((*BOARD, *MEMORY, *PERIPHERAL), told, strict=True) if not found]
    assert missing == ["name", "ideal"]

"""Firmware on boards: at the rated clock, wherever weights, kernels and arena lie, the same outputs."""

from __future__ import annotations

from pathlib import Path

import pytest

import mcusim
from mcusim import boards
from mcusim.deploy.build import BuildOptions, build
from mcusim.deploy.placement import Placement
from mcusim.errors import BoardError
from tests.deploy.test_target_agrees import small

FAST = BuildOptions(placement=Placement(weights="dtcm", kernels="itcm"), memories=("dtcm", "ram"))
CASES = [("nucleo-l4r5zi", BuildOptions()), ("nucleo-h743zi", BuildOptions()), ("nucleo-h743zi", FAST)]


def output_line(board: str, options: BuildOptions, path: Path) -> str:
    report = mcusim.run(build(small(), boards.load(board), path, options).elf, board=board)
    rated = boards.load(board).rated_hertz
    assert (report.exit.code, report.clock_hertz) == (0, rated or report.clock_hertz)
    return next(line for line in report.serial.splitlines() if line.startswith("#output"))


@pytest.mark.slow
@pytest.mark.parametrize(("board", "options"), CASES, ids=["l4r5", "h743", "h743 in TCM"])
def test_a_board_prints_what_the_ideal_core_prints(board: str, options: BuildOptions, tmp_path: Path) -> None:
    wanted = output_line("m0plus", BuildOptions(), tmp_path / "ideal.elf")
    assert output_line(board, options, tmp_path / "board.elf") == wanted


def test_a_memory_that_the_board_has_not_is_named(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match="nucleo-l4r5zi has no memory 'dtcm' to put things in; it has: ram, sram2, sram3"):
        build(small(), boards.load("nucleo-l4r5zi"), tmp_path / "x.elf", BuildOptions(placement=Placement("dtcm")))


def test_kernels_stay_in_flash_where_start_up_copies_data_only(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match="its start-up copies data only"):
        build(small(), boards.load("m4"), tmp_path / "x.elf", BuildOptions(placement=Placement(kernels="ram")))

from __future__ import annotations

from pathlib import Path

import pytest

import mcusim
from kernels_c.build import main
from kernels_c.toolchain import FINDERS


@pytest.mark.parametrize("compiler", [name for name, finder in FINDERS.items() if finder() is not None])
def test_the_demo_checks_itself_on_a_cortex_m7(tmp_path: Path, compiler: str) -> None:
    elf = tmp_path / "demo.elf"
    assert main(["demo", "--core", "m7", "--output", str(elf), "--compiler", compiler]) == 0
    report = mcusim.run(elf, core="m7")
    assert report.exit.reason == "exit"
    assert report.exit.code == 0
    lines = report.serial.splitlines()
    assert lines[0] == "int8 convolution 16x16x8 -> 16 channels: as recomputed"
    assert [line.split()[:3] for line in lines[2:]] == [["#mark", "convolution", "1"], ["#mark", "softmax", "1"]]
    ticks = int(lines[1].rsplit(" ", 1)[1])
    assert ticks == next(use.count for use in report.exceptions if use.name == "SysTick") > 0
    # A multiply-accumulate is one load of a weight and one of a pixel at least: it cannot take less than a cycle.
    multiplications = 46 * 46 * 8 * 16  # 3x3 taps on 16x16 pixels, cut at the borders: (3 * 16 - 2)^2
    assert int(lines[2].split()[3]) > multiplications


def test_the_demo_lies_where_it_is_told(tmp_path: Path) -> None:
    elf = tmp_path / "demo.elf"
    places = "--flash", "0x08000000:0x200000", "--ram", "0x24000000:0x80000"
    assert main(["demo", "--core", "m7", *places, "--output", str(elf)]) == 0
    assert mcusim.run(elf, board="nucleo-h743zi").exit.code == 0


@pytest.mark.parametrize("wrong", ["0x24000000", "ram:512K", "0xfffffff0:0x20", "0x24000000:0", "1:2:3"])
def test_a_place_that_is_none_is_refused(wrong: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["demo", "--core", "m7", "--ram", wrong, "--output", str(tmp_path / "demo.elf")])
    assert f"argument --ram: '{wrong}'" in capsys.readouterr().err


def test_a_program_that_cannot_be_built_is_an_error_and_not_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--core", "m7", "--output", str(tmp_path / "demo.elf"), "--compiler", "none"]) == 2
    assert capsys.readouterr().err.startswith("error: no compiler is called 'none'")

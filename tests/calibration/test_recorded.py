"""The guard against drift: recorded cycles hold, a wrong table is found; published measurements hold where images are there."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from calibration import measurements
from calibration.verify_command import REGRESSION_CODE, verify_command
from mcusim import boards, cores
from mcusim.cli import app
from mcusim.isa.kind import Kind
from tests.calibration.recorded import BOARDS, FILE, place

PUBLISHED = [os.environ.get(name, "") for name in ("MCUSIM_MEASUREMENTS", "MCUSIM_PROGRAMS")]
LONGEST_CYCLES = os.environ.get("MCUSIM_MAX_CYCLES", "2e6")


@pytest.fixture
def verify(tmp_path, capsys):
    """Runs ``mcusim verify`` over the recorded cycles of a board, by name or by path; exit code and table."""

    def call(board: str | Path) -> tuple[int, str]:
        place(tmp_path, (Path(board).name.removesuffix(".toml"),))
        options = ["--board", str(board), "--programs", str(tmp_path)]
        code = app.run([str(FILE), *options], app.single(verify_command))
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return call


def failed_lines(text: str) -> set[str]:
    return {line.split()[1] for line in text.splitlines() if "FAILED" in line}


def test_recorded_cycles_say_that_they_are_no_measurements_of_silicon():
    rows = measurements.read(FILE)
    assert {row.source.partition(" mcusim ")[0] for row in rows} == {"simulated by"}
    assert all(row.source.endswith("not a measurement of silicon") for row in rows)
    assert {boards.load(row.board).core for row in rows} == set(cores.NAMES)
    assert {row.board for row in rows} == set(BOARDS)


@pytest.mark.parametrize("name", BOARDS)
def test_the_simulator_says_what_it_said(verify, name):
    code, text = verify(name)
    assert code == 0, text
    rows = [row for row in measurements.read(FILE) if row.board == name]
    assert f"{len(rows)} compared, 0 further off than allowed" in text


@pytest.mark.parametrize("name", cores.NAMES)
def test_a_core_with_one_wrong_price_fails(verify, monkeypatch, name):
    core = cores.load(name)
    price = core.timing[Kind.MULTIPLY]
    wrong = replace(core, timing={**core.timing, Kind.MULTIPLY: replace(price, cycles=price.cycles + 1)})
    monkeypatch.setattr(cores, "load", lambda _: wrong)
    code, text = verify(name)
    assert (code, failed_lines(text)) == (REGRESSION_CODE, {"arithmetic"})


def test_a_board_with_a_smaller_cache_fails(verify, tmp_path):
    path = tmp_path / "nucleo-l4r5zi.toml"
    path.write_text('base = "nucleo-l4r5zi"\n[peripherals.flash.parameters.geometry]\ninstruction_lines = 1\n')
    code, text = verify(path)
    assert code == REGRESSION_CODE
    assert "wide" in failed_lines(text) and "stores" not in failed_lines(text)


@pytest.mark.skipif(not all(PUBLISHED), reason="MCUSIM_MEASUREMENTS and MCUSIM_PROGRAMS name no folders")
def test_published_measurements_are_met_as_well_as_they_were(capsys):
    tables, images = PUBLISHED
    options = ["--published", tables, "--programs", images, "--max-cycles", LONGEST_CYCLES]
    code = app.run(options, app.single(verify_command))
    assert code == 0, capsys.readouterr()

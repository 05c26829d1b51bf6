"""``mcusim verify``: what is compared, what fails, and which code is returned."""

from __future__ import annotations

import json
import subprocess
import sys
from configparser import ConfigParser
from dataclasses import replace
from importlib.metadata import EntryPoint

import pytest

import mcusim
from calibration import measurements, verify
from calibration.measurements import Measurement, MeasurementError
from calibration.verify_command import REGRESSION_CODE, verify_command
from mcusim.cli import app, plugins
from mcusim.report import Exit, MarkUse, Memory
from mcusim.report.exit import ERRORS
from tests.report.samples import SPARE
from tests.support.firmware import REPOSITORY

REPORT = replace(
    SPARE, cycles=100_000, latency_seconds=0.1, memory=Memory(2048, 512, 64, None), marks=(MarkUse("conv1", 4, 40_000),),
)  # fmt: skip
WHOLE = Measurement("demo", "latency", 102.0, "ms", "m4", "bench", program="demo.elf")
MARK = Measurement("conv1", "cycles", 9_800.0, "cycles", "m4", "bench", program="demo.elf", mark="conv1")
ENERGY = replace(WHOLE, quantity="energy", value=3.0, unit="mJ")


@pytest.fixture
def runs(monkeypatch):
    """Stands in for ``mcusim.run``; the programs and boards that were run."""
    asked = []

    def stand_in(path, *, board, **options):
        asked.append((path, board, options))
        return REPORT

    monkeypatch.setitem(vars(mcusim), "run", stand_in)
    return asked


@pytest.fixture
def command(tmp_path, capsys):
    """Runs the command on a file with these measurements; exit code and what was printed."""

    def call(rows, *options):
        measurements.write(tmp_path / "m.csv", rows)
        code = app.run([str(tmp_path / "m.csv"), *options], app.single(verify_command))
        return code, capsys.readouterr()

    return call


def test_the_whole_run_and_its_marks_are_compared_in_si_units(runs):
    whole, mark = verify.verify([WHOLE, MARK])
    assert (whole.simulated, mark.simulated) == (0.1, 10_000)
    assert whole.error == pytest.approx(0.1 / 0.102 - 1)
    assert mark.error == pytest.approx(10_000 / 9_800 - 1)
    assert not whole.failed and not mark.failed
    assert [(path, board) for path, board, _ in runs] == [("demo.elf", "m4")]  # one run answers both


@pytest.mark.parametrize(("quantity", "unit"), [("stack", "B"), ("ram", "KiB"), ("flash", "kB")])
def test_memory_is_compared_too(runs, quantity, unit):
    expected = verify.ANSWERS[quantity](REPORT, "")
    (found,) = verify.verify([replace(WHOLE, quantity=quantity, unit=unit)])
    assert found.simulated == expected


def test_the_tolerance_of_the_row_goes_before_that_of_the_caller(runs):
    rows = [replace(MARK, tolerance=0.01), replace(MARK, name="b"), replace(MARK, name="c", tolerance=0.03)]
    assert [each.failed for each in verify.verify(rows, tolerance=0.015)] == [True, True, False]
    assert [each.failed for each in verify.verify(rows)] == [True, False, False]


def test_what_cannot_be_compared_says_why(runs):
    rows = [WHOLE, ENERGY, replace(MARK, program=""), replace(MARK, quantity="stack", unit="B")]
    reasons = [each.reason for each in verify.verify(rows)]
    assert reasons == ["", "board has no energy table", "no program given", "stack is of a whole run"]
    with pytest.raises(MeasurementError, match="none of which can be simulated"):
        verify.verify(rows[1:])


def test_energy_and_power_are_compared_where_the_board_has_a_table(monkeypatch, runs):
    marks = (replace(REPORT.marks[0], energy_joules=8e-6),)
    monkeypatch.setitem(vars(mcusim), "run", lambda *_, **options: (runs.append(options), with_energy)[1])
    with_energy = replace(REPORT, clock_hertz=1_000_000, energy_joules=2e-3, marks=marks)
    whole = replace(ENERGY, board="nrf5340-dk", value=2.5)
    power = replace(whole, quantity="power", value=25.0, unit="mW")
    mark = replace(whole, value=2.0, unit="uJ", mark="conv1")
    found = verify.verify([whole, power, mark])
    assert [each.simulated for each in found] == pytest.approx([2e-3, 2e-3 / 0.1, 8e-6 / 4])
    assert [each.failed for each in found] == [True, True, False]
    assert len(runs) == 1


def test_energy_is_simulated_at_the_supply_that_was_measured_if_the_board_takes_it(runs):
    own = replace(ENERGY, board="nrf5340-dk")
    at_table, beyond = replace(own, supply_volts=3.0), replace(own, supply_volts=3.6, name="b")
    assert verify.verify([WHOLE, beyond])[1].reason == "a supply of 3.6 V; allowed on this board: 3 V"
    with pytest.raises(MeasurementError, match="a report without energies; allowed: boards with an energy table"):
        verify.verify([at_table])
    assert runs[-1][2]["supply"].volts == 3.0


def test_a_board_leaves_the_others_out(runs):
    found = verify.verify([WHOLE, replace(WHOLE, board="m7")], board="m7")
    assert [each.measurement.board for each in found] == ["m7"]
    with pytest.raises(MeasurementError, match="0 measurements of m3 among 1"):
        verify.verify([WHOLE], board="m3")


def test_runs_that_break_off_and_marks_that_are_not_printed_are_errors(monkeypatch, runs):
    with pytest.raises(MeasurementError, match="no mark 'conv9' in what it printed; allowed: conv1"):
        verify.verify([replace(MARK, mark="conv9")])
    monkeypatch.setitem(vars(mcusim), "run", lambda *_, **__: replace(REPORT, exit=Exit("fault", 10, "")))
    with pytest.raises(MeasurementError, match=r"demo\.elf: met a run that ended with fault"):
        verify.verify([WHOLE])


def test_a_file_that_holds_passes_and_its_table_says_so(command, runs, tmp_path):
    code, printed = command([WHOLE, MARK, ENERGY], "--until", "done", "--max-instructions", "1e6")
    assert code == 0, printed.err
    assert "2 compared, 0 further off than allowed" in printed.out
    assert "1 not compared: board has no energy table" in printed.out
    line = next(line for line in printed.out.splitlines() if line.startswith("conv1"))
    assert line.split() == ["conv1", "cycles", "m4", "ok", "9,800", "cycles", "10,000", "cycles", "+2.04%", "5.00%"]
    ((path, board, options),) = runs
    assert (path, board) == (str(tmp_path / "demo.elf"), "m4")
    assert (options["until"], options["max_instructions"]) == (b"done", 1_000_000)


def test_drift_beyond_the_tolerance_is_code_9_and_json_tells_of_what(command, runs, tmp_path):
    path = tmp_path / "verify.json"
    code, printed = command([WHOLE, MARK], "--tolerance", "2%", "--json", str(path), "--programs", "elsewhere")
    assert (code, "FAILED" in printed.out) == (REGRESSION_CODE, True)
    assert runs[0][0] == "elsewhere/demo.elf"
    content = json.loads(path.read_text())
    assert (content["schema"], content["failed"]) == (verify.SCHEMA, 1)
    assert [row["failed"] for row in content["comparisons"]] == [False, True]
    assert content["comparisons"][1]["error"] == pytest.approx(10_000 / 9_800 - 1)
    page = (REPOSITORY / "docs" / "measurements.md").read_text()
    assert all(f"`{key}`" in page for key in (*content, *content["comparisons"][0]))


def test_energies_are_shown_with_prefixes(command, monkeypatch, runs):
    monkeypatch.setitem(vars(mcusim), "run", lambda *_, **__: replace(REPORT, energy_joules=2.9e-3))
    code, printed = command([replace(ENERGY, board="nrf5340-dk")])
    assert code == 0 and "3.000 mJ" in printed.out and "2.900 mJ" in printed.out


def test_json_on_stdout_stands_alone(command, runs):
    code, printed = command([WHOLE], "--json", "-")
    assert (code, json.loads(printed.out)["failed"]) == (0, 0)


def test_the_code_is_that_of_the_table():
    assert {row.name: row.code for row in ERRORS}["regression"] == REGRESSION_CODE


@pytest.mark.parametrize("tolerance", ["0", "-1", "x", "nan"])
def test_tolerances_are_checked(command, runs, tolerance):
    code, printed = command([WHOLE], "--tolerance", tolerance)
    assert (code, runs) == (2, [])
    assert "relative error" in printed.err


def test_measurements_that_stand_in_two_files_are_refused(runs, tmp_path):
    for name in ("a.csv", "b.csv"):
        measurements.write(tmp_path / name, [WHOLE])
    with pytest.raises(MeasurementError, match="line 3 too"):
        verify.load([tmp_path / "a.csv", tmp_path / "b.csv"])


def test_a_real_program_is_run_and_drift_is_found(command, build, tmp_path):
    program = build("systick.c", "m4")
    report = mcusim.run(program, board="m4")
    assert report.exit.reason in verify.COMPLETE
    row = replace(WHOLE, quantity="cycles", unit="cycles", value=float(report.cycles), program=program.name, tolerance=1e-6)
    assert command([row], "--programs", str(program.parent))[0] == 0
    assert command([replace(row, value=row.value * 1.01)], "--programs", str(program.parent))[0] == REGRESSION_CODE


def test_the_commands_are_those_of_mcusim_once_the_package_is_installed(monkeypatch, capsys):
    setup = ConfigParser()
    setup.read(REPOSITORY / "setup.cfg")
    lines = setup["options.entry_points"]["mcusim.commands"].split("\n")
    points = [EntryPoint(*map(str.strip, line.split("=")), plugins.GROUP) for line in lines if line]
    options = {
        "calibrate": "--budget", "dataset": "--board", "measure": "--bridge-gaps", "models": "evaluate",
        "pareto": "--constraint", "predict": "--explain",
        "verify": "--tolerance",
    }  # fmt: skip
    assert [point.name for point in points] == list(options)
    monkeypatch.setattr(plugins, "entry_points", lambda group: points)
    for point, option in zip(points, options.values(), strict=True):
        assert app.run([point.name, "--help"]) == 0
        printed = capsys.readouterr()
        assert option in printed.out and f"mcusim {point.name}" in printed.out and printed.err == ""


def test_the_module_runs_by_itself():
    command = [sys.executable, "-m", "calibration.verify_command", "--help"]
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert "--tolerance" in run.stdout

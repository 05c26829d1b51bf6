"""Published measurements as a guard: what each row is allowed, what fails, and what is said of programs that are not there."""

from __future__ import annotations

import json

import pytest

from calibration import verify_published
from calibration.measurements import MeasurementError
from calibration.verify import ANOTHER, MISSING
from calibration.verify_command import REGRESSION_CODE, verify_command
from calibration.verify_published import MARGIN, TOO_LONG, allowed
from mcusim.boards import calibrated
from mcusim.cli import app
from tests.calibration.samples import add_program, write_table


@pytest.fixture
def places(tmp_path, build_source, monkeypatch):
    """Tables with three rows, of which one has its program; what it takes is given out as measured."""
    tables, programs = tmp_path / "tables", tmp_path / "programs"
    programs.mkdir()
    write_table(tables, "crypto_m4_cycles.csv", ("X25519", 16_000))
    write_table(tables, "pqm4_l4r5zi_cycles.csv", ("kem", "clean", "decaps", 5, 1000))
    write_table(tables, "embench_f407_16mhz.csv", ("crc32", 5, 1, 1000))
    add_program(build_source, programs, "x25519.elf")
    add_program(build_source, programs, "embench/crc32.elf")
    (found,) = (row for row in verify_published.verify_published(tables, programs) if row.simulated)
    write_table(tables, "crypto_m4_cycles.csv", ("X25519", found.simulated))
    return tables, programs


def known(monkeypatch, measured: float, simulated: float) -> None:
    """Lets the calibration of boards know one row."""
    row = calibrated.Row("x25519", "m4", "m4", "zero wait states", "fitted", "cycles", measured, simulated)
    monkeypatch.setattr(calibrated, "read", lambda file: (row,))


@pytest.fixture
def command(places, capsys):
    """Runs the command on the published rows; exit code and what was printed."""

    def call(*options):
        tables, programs = places
        code = app.run(["--published", str(tables), "--programs", str(programs), *options], app.single(verify_command))
        return code, capsys.readouterr()

    return call


def test_a_row_may_be_off_by_what_it_is_known_for_and_a_margin(monkeypatch):
    known(monkeypatch, 100.0, 98.0)
    assert allowed("x25519") == pytest.approx(0.02 + MARGIN)
    assert allowed("another") == 0.05


def test_a_row_passes_at_its_known_error_and_fails_where_the_error_has_grown(command, places, monkeypatch):
    tables, _ = places
    known(monkeypatch, 100.0, 100.0)
    code, printed = command()
    assert code == 0, printed.err
    assert "1 compared, 0 further off than allowed" in printed.out
    (found,) = (row for row in verify_published.verify_published(*places) if row.simulated)
    write_table(tables, "crypto_m4_cycles.csv", ("X25519", found.simulated * 1.002))
    code, printed = command()
    assert (code, "FAILED" in printed.out) == (REGRESSION_CODE, True)


def test_a_row_that_says_something_else_but_nothing_worse_is_told_as_moved(command, places, monkeypatch):
    (found,) = (row for row in verify_published.verify_published(*places) if row.simulated)
    known(monkeypatch, found.simulated, found.simulated * 1.01)
    code, printed = command()
    assert code == 0
    assert " moved " in printed.out and "1 moved since the accuracy was recorded; python -m benchmarks.fidelity" in printed.out
    _, printed = command("--json", "-")
    row = next(row for row in json.loads(printed.out)["comparisons"] if row["name"] == "x25519")
    assert (row["moved"], row["recorded"]) == (True, found.simulated * 1.01)


def test_rows_without_their_program_are_named(command):
    code, printed = command()
    assert f"1 not compared: {MISSING}\n    pqm4 kem_clean decaps\n" in printed.out
    assert f"1 not compared: {ANOTHER}\n    embench crc32\n" in printed.out
    assert code == 0


def test_json_tells_of_every_row(command):
    _, printed = command("--json", "-")
    reasons = {row["name"]: row["reason"] for row in json.loads(printed.out)["comparisons"]}
    assert reasons == {"x25519": "", "pqm4 kem_clean decaps": MISSING, "embench crc32": ANOTHER}


def test_several_processes_say_the_same(places):
    one, two = (verify_published.verify_published(*places, jobs=jobs) for jobs in (1, 2))
    assert one == two


def test_a_limit_of_cycles_and_a_board_leave_rows_out(places):
    tables, programs = places
    write_table(tables, "pqm4_l4r5zi_cycles.csv")
    with pytest.raises(MeasurementError, match="met no program of 2 published measurements"):
        verify_published.verify_published(tables, programs, max_cycles=10)
    with pytest.raises(MeasurementError, match="met no program of 0 published measurements"):
        verify_published.verify_published(tables, programs, board="nucleo-l4r5zi")
    assert verify_published._why_not(verify_published.all_cases(tables, programs)[-1], 10) == TOO_LONG


@pytest.mark.parametrize(
    ("options", "met"),
    [
        (["bench.csv", "--published", "tables", "--programs", "x"], "files of measurements, or --published"),
        ([], "files of measurements, or --published"),
        (["--published", "tables"], "--published needs --programs"),
        (["--published", "tables", "--programs", "x", "--max-instructions", "5"], "--max-instructions is of files"),
    ],
)
def test_files_and_published_measurements_do_not_mix(capsys, options, met):
    assert app.run(options, app.single(verify_command)) == 2
    assert met in " ".join(capsys.readouterr().err.split())

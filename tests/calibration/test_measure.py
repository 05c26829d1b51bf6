"""``python -m calibration.measure``: files of an instrument and of a serial port in, measurements and a picture out."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from calibration import measurements
from calibration.measure import measure_command
from mcusim.cli import app
from tests.calibration.synthetic import RUNS, VOLTS, recording, stamps
from tests.support.firmware import REPOSITORY

CLOCK = 100e6


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A trace as a PPK2 exports it, the program's log, and a log with stamps."""
    folder = tmp_path_factory.mktemp("measure")
    rng = np.random.default_rng(1)
    trace, truth = recording(rng)
    rows = zip(trace.seconds * 1e3, trace.amperes * 1e6, trace.lines["D0"], strict=True)
    (folder / "ppk.csv").write_text("Timestamp(ms),Current(uA),D0\n" + "".join(f"{t:.2f},{a:.3f},{d}\n" for t, a, d in rows))
    totals = "".join(f"#mark {name} 20 {20 * seconds * CLOCK:.0f}\n" for name, seconds, _ in RUNS)
    (folder / "log.txt").write_text(f"boot\n{totals}#end\n")
    stamped = stamps(rng, truth, 1e9, 1.00005, 2e-4)
    lines = (f"{stamp.seconds:.6f} #{'begin' if stamp.begins else 'end'} {stamp.name}\n" for stamp in stamped)
    (folder / "stamped.txt").write_text("".join(lines))
    return folder


@pytest.fixture
def measure(files, tmp_path, capsys):
    """Runs the command; exit code, what was printed, the file."""

    def call(*options: str, log: str = "log.txt", output: str = "out.csv"):
        arguments = [str(files / "ppk.csv"), "--marks", str(files / log), "--board", "nucleo-l4r5zi", *options]
        code = app.run([*arguments, "--output", str(tmp_path / output)], app.single(measure_command))
        return code, capsys.readouterr(), tmp_path / output

    return call


def check(found, truths=("energy", "power", "latency")):
    """Every mark has its quantities, each as made up."""
    rows = {(each.name, each.quantity): each for each in found}
    for name, seconds, amperes in RUNS:
        true = {"energy": seconds * amperes * VOLTS, "power": amperes * VOLTS, "latency": seconds, "cycles": seconds * CLOCK}
        for quantity in truths:
            assert rows[name, quantity].si_value == pytest.approx(true[quantity], rel=0.005)


def test_a_line_and_a_log_give_energy_power_time_and_cycles_of_each_mark(measure):
    code, printed, path = measure("--line", "D0", "--supply", "3.0", "--clock", "100e6", "--conditions", "room=20 C")
    assert code == 0, printed.err
    found = measurements.read(path)
    check(found, ("energy", "power", "latency", "cycles"))
    first = found[0]
    assert (first.supply_volts, first.clock_hertz, first.board, first.mark) == (3.0, 100e6, "nucleo-l4r5zi", "conv1")
    assert first.conditions == "instrument=PPK2; aligned by=line D0; runs=20; room=20 C"
    assert first.uncertainty is not None and 0 < first.uncertainty < 0.01 * first.value
    assert "conv1" in printed.out and "time in the trace over time of the cycles: " in printed.out


def test_stamps_do_without_a_line(measure):
    code, printed, path = measure("--supply", "3.0", log="stamped.txt")
    assert code == 0, printed.err
    check(measurements.read(path))
    assert "host clock: offset" in printed.out


def test_the_alignment_is_drawn(measure, tmp_path):
    pytest.importorskip("plotly")
    page = tmp_path / "page.html"
    code, printed, _ = measure("--line", "D0", "--supply", "3.0", "--plot", str(page))
    assert code == 0, printed.err
    text = page.read_text()
    assert "power in mW" in text and "conv1" in text and "aligned by line D0" in text


@pytest.mark.parametrize(
    ("options", "log", "code", "met"),
    [
        (("--line", "D0"), "log.txt", 2, "a trace without voltage; allowed: a supply given in volts (--supply)"),
        (("--supply", "3.0"), "log.txt", 2, "no --line given"),
        (("--supply", "3.0", "--line", "D3"), "log.txt", 2, "no line 'D3'; allowed: D0"),
        (("--supply", "-1", "--line", "D0"), "log.txt", 2, "'-1' is no supply"),
        (("--supply", "3.0", "--line", "=x"), "log.txt", 2, "names no line"),
        (("--supply", "3.0", "--line", "D0", "--clock", "50e6"), "log.txt", 2, "is the clock right"),
        (("--supply", "3.0", "--line", "D0", "--plot", "x.png"), "log.txt", 7, "allowed: .html"),
        (("--supply", "3.0", "--line", "D0"), "absent.txt", 2, "absent.txt: met a file that cannot be read"),
    ],
)
def test_errors_are_one_message_and_nothing_is_written(measure, options, log, code, met):
    found, printed, path = measure(*options, log=log)
    assert (found, path.exists()) == (code, False)
    assert met in " ".join(printed.err.replace("│", " ").split())
    assert "Traceback" not in printed.err


def test_the_module_runs_by_itself_and_shows_its_help():
    run = subprocess.run(
        [sys.executable, "-m", "calibration.measure", "--help"], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    assert "TRACE" in run.stdout and "--bridge-gaps" in run.stdout

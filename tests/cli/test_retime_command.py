"""``mcusim retime``: what reaches the pricing, what comes out, and which code is returned."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest

import mcusim
from mcusim.machine.what_if import WhatIf
from mcusim.report import ProgramFile
from mcusim.report.retiming import Answer, Retiming
from tests.support.boards import workload

BOARD = "nucleo-l4r5zi"
PROGRAM = ProgramFile("app.elf", "elf", "00", 0)
ANSWERS = (
    Answer("b", 1_000, 1e-4, "priced", clock_hertz=10_000_000, wait_states=1, causes={"issue": 900, "flash": 100}),
    Answer(
        "b", 1_500, 7.5e-5, "re-run", "the program reads DWT->CYCCNT at 0x00000102 (main.c:7), so that time steers the run",
        clock_hertz=20_000_000, wait_states=2, causes={"issue": 900, "flash": 600}, notes=("20 MHz is a lot",),
    ),
)  # fmt: skip
RETIMING = Retiming(PROGRAM, "b", "m4", 1_200, 3e-4, ANSWERS)
GOLDEN = """\
app.elf on b (m4); saved run: 1,200 cycles, 300.0 µs

clock       wait states   answer   cycles   of saved       time
───────────────────────────────────────────────────────────────
10.00 MHz   1             priced    1,000     83.3 %   100.0 µs
20.00 MHz   2             re-run    1,500    125.0 %   75.00 µs

cycles by cause
cause   10.00 MHz 1 WS   20.00 MHz 2 WS
───────────────────────────────────────
issue              900              900
flash              100              600

re-run: the program reads DWT->CYCCNT at 0x00000102 (main.c:7), so that time steers the run
note: 20 MHz is a lot
"""


@pytest.fixture
def asked(monkeypatch):
    """Stands in for ``mcusim.retime``; the arguments of the last call."""
    arguments = {}

    def stand_in(profile, **given):
        arguments.update(given, profile=profile)
        return RETIMING

    monkeypatch.setitem(vars(mcusim), "retime", stand_in)
    return arguments


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("retime") / "app.profile.gz"
    mcusim.run(workload(BOARD), board=BOARD, save_profile=path)
    return path


def test_options_reach_the_pricing_as_values(command, asked, tmp_path):
    options = ["--board", "b", "--clock", "80e6", "--wait-states", "3", "--caches", "off", "--prefetch", "on", "--pure"]
    options += ["--place", "flash=sram1", "--place", "a=b", "--sweep", "wait_states=0:3", "--sweep", "caches=on,off"]
    options += ["--semihosting-root", str(tmp_path), "--supply", "1.8"]
    assert command("retime", "app.profile.gz", *options).code == 0
    asked.pop("progress")
    assert asked == {
        "profile": "app.profile.gz", "board": "b", "pure": True, "semihosting_root": tmp_path, "supply_volts": 1.8,
        "variant": WhatIf(80_000_000, 3, False, True, (("flash", "sram1"), ("a", "b"))),
        "sweeps": {"wait_states": [0, 1, 2, 3], "caches": [True, False]},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("clock_hertz=16e6:48e6:3", [16_000_000, 32_000_000, 48_000_000]),
        ("clock_hertz=1e6,5e6", [1_000_000, 5_000_000]),
        ("clock_hertz=1e6:2e6:1", [1_000_000]),
        ("wait_states=2:2", [2]),
        ("wait_states=0:15:4", [0, 5, 10, 15]),
        ("prefetch=off", [False]),
        ("placement=-,a=b,a=b+c=d", [(), (("a", "b"),), (("a", "b"), ("c", "d"))]),
    ],
)
def test_sweeps_are_ranges_and_lists(command, asked, text, expected):
    assert command("retime", "p", "--sweep", text).code == 0
    assert asked["sweeps"] == {text.partition("=")[0]: expected}


def test_a_range_of_clocks_has_sixteen_points(command, asked):
    command("retime", "p", "--sweep", "clock_hertz=16e6:480e6")
    values = asked["sweeps"]["clock_hertz"]
    assert len(values) == 16 and values[0] == 16_000_000 and values[-1] == 480_000_000 and values == sorted(values)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--clock", "fast"], "'fast' is no clock; allowed: whole hertz from 1"),
        (["--wait-states", "16"], "'16' is no number of wait states; allowed: 0 to 15"),
        (["--wait-states", "-1"], "no number of wait states"),
        (["--caches", "maybe"], "'maybe'; allowed: on, off"),
        (["--place", "flash"], "names no two memories; allowed: MEMORY=OTHER"),
        (["--sweep", "voltage=1:3"], "is no sweep; allowed: NAME=VALUES with a name of clock_hertz, wait_states"),
        (["--sweep", "wait_states=5:2"], "runs backwards"),
        (["--sweep", "clock_hertz=1:2:3:4"], "is no range"),
        (["--sweep", "clock_hertz=1:2e6:1e6"], "has 1,000,000 points; allowed: up to 4,096"),
        (["--sweep", "caches=on", "--sweep", "caches=off"], "caches is swept twice"),
    ],
)
def test_what_means_nothing_is_a_usage_error(command, asked, options, expected):
    outcome = command("retime", "p", *options)
    assert outcome.code == 2 and expected in re.sub(r"\s*\n\W*", " ", outcome.err)
    assert asked == {}


def test_the_table_is_this(command, asked):
    outcome = command("retime", "p")
    assert (outcome.code, outcome.out, outcome.err) == (0, GOLDEN, "")


def test_json_goes_to_a_file_or_takes_the_place_of_the_table(command, asked, tmp_path):
    assert command("retime", "p", "--json", str(tmp_path / "a.json")).out == GOLDEN
    assert Retiming.from_json((tmp_path / "a.json").read_text()) == RETIMING
    assert Retiming.from_json(command("retime", "p", "--json", "-").out) == RETIMING
    assert command("retime", "p", "--quiet").out == ""


def test_outputs_are_checked_before_anything_runs(command, asked, saved, tmp_path):
    outcome = command("retime", str(saved), "--json", str(saved))
    assert outcome.code == 2 and "would overwrite" in outcome.err
    assert command("retime", str(saved), "--json", str(tmp_path / "no" / "a.json")).code == 7
    outcome = command("retime", str(saved), "--plot", str(tmp_path / "a.pdf"))
    assert outcome.code == 7 and "'.pdf'; allowed: .html, .png, .svg" in outcome.err
    assert asked == {}


def test_a_plot_without_plotly_says_what_to_install(command, asked, monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    outcome = command("retime", "p", "--plot", str(tmp_path / "a.html"))
    assert outcome.code == 7 and "pip install mcusim[plot]" in outcome.err


def test_a_plot_shows_every_answer(command, asked, tmp_path):
    pytest.importorskip("plotly")
    assert command("retime", "p", "--quiet", "--plot", str(tmp_path / "a.html")).code == 0
    assert "app.elf on b" in (tmp_path / "a.html").read_text()
    from mcusim.report.plot import figure

    drawn = figure(RETIMING)
    assert [list(trace.x) for trace in drawn.data] == [[10, 20], [10, 20]]
    assert [list(trace.y) for trace in drawn.data] == [[pytest.approx(0.1), pytest.approx(0.075)], [1_000, 1_500]]


def test_a_saved_run_is_priced_from_its_file(command, saved):
    outcome = command("retime", str(saved), "--sweep", "wait_states=0:15", "--pure", "--json", "-")
    answers = json.loads(outcome.out)["answers"]
    assert len(answers) == 16 and {answer["how"] for answer in answers} == {"priced"}
    assert all(before["cycles"] < after["cycles"] for before, after in pairwise(answers))


def test_errors_have_their_codes(command, saved, tmp_path):
    assert command("retime", str(saved), "--caches", "off", "--pure").code == 8
    assert command("retime", str(saved), "--clock", "500e6").code == 2
    (tmp_path / "bad.json").write_text("{}")
    outcome = command("retime", str(tmp_path / "bad.json"))
    assert outcome.code == 7 and outcome.err.startswith(f"mcusim: {tmp_path}/bad.json: ")
    assert command("retime", str(tmp_path / "none.json")).code == 7


def test_page_explains_every_option(command):
    page = (Path(__file__).resolve().parents[2] / "docs" / "retime.md").read_text()
    options = set(re.findall(r"--[a-z-]+", command("retime", "--help").out)) - {"--help", "--quiet"}
    assert {option for option in options if option not in page} == set()


def test_run_takes_the_same_assumptions_and_warns(command):
    options = ["--clock", "80e6", "--wait-states", "2", "--caches", "off"]
    outcome = command("run", str(workload(BOARD)), "--board", BOARD, *options)
    assert outcome.code == 0
    text = " ".join(outcome.out.split())
    assert "what-if, over what the firmware programs: a core clock of 80,000,000 Hz, 2 wait states of the flash" in text


def test_run_saves_a_profile_and_refuses_a_place_that_is_none(command, tmp_path):
    elf, path = str(workload(BOARD)), tmp_path / "p.gz"
    assert command("run", elf, "--board", BOARD, "-q", "--save-profile", str(path)).code == 0
    assert command("retime", str(path), "--pure").code == 0
    assert command("run", elf, "--board", BOARD, "-q", "--save-profile", str(tmp_path / "no" / "p.gz")).code == 7

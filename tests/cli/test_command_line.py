"""The command line as a whole: help, version, boards, commands of other packages, start-up."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer

from mcusim import boards
from mcusim.cli import app, plugins, run_command
from mcusim.report.exit import ERRORS, REASONS

HEAVY = ("numba", "numpy", "unicorn", "capstone", "llvmlite", "rich", "elftools")


def python(script: str) -> str:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["-h"], ["run", "--help"], ["retime", "--help"], ["boards", "--help"], ["boards", "show", "-h"]],
)
def test_help_is_there_for_every_command(command, arguments):
    outcome = command(*arguments)
    assert outcome.code == 0 and outcome.out.startswith("Usage: mcusim") and outcome.err == ""


def test_help_has_examples_and_every_option(command):
    text = command("run", "--help").out
    assert "Examples:" in text and "m-ready=>infer 1 0%" in text
    options = "board core load-address vector-table send until max-instructions max-seconds timeout semihosting-root"
    options += " strict json flamegraph trace quiet help"
    assert all(f"--{option}" in text for option in options.split())


def test_no_arguments_print_the_help(command):
    outcome = command()
    assert "Usage: mcusim" in outcome.out + outcome.err


def test_unknown_command_is_a_usage_error(command):
    outcome = command("fly")
    assert outcome.code == 2 and "fly" in outcome.err


def test_version_is_that_of_the_package(command):
    import mcusim

    assert command("--version").out == f"mcusim {mcusim.__version__}\n"


def test_cores_on_offer_are_those_of_the_boards_package(command):
    assert set(run_command.CORES) <= set(boards.names())


def test_boards_lists_every_board(command):
    text = command("boards").out
    assert all(name in text for name in boards.names())


def test_boards_as_json_has_sizes_and_rates(command):
    rows = json.loads(command("boards", "--json").out)
    assert [row["name"] for row in rows] == list(boards.names())
    board = next(row for row in rows if row["name"] == "nucleo-l4r5zi")
    assert (board["core"], board["flash_bytes"], board["rated_hertz"]) == ("m4", 2 << 20, 120_000_000)


def test_boards_tells_how_well_each_is_calibrated(command):
    lines = {line.split()[0]: line for line in command("boards").out.splitlines() if line}
    assert "±0.5 % (53)" in lines["nucleo-l4r5zi"] and "core" not in lines["nucleo-l4r5zi"]
    assert "core ±0.5 % (60)" in lines["nano-33-ble"]
    assert lines["m3"].split()[2:4] == ["–", "–"]
    assert "constant power" in lines["nrf5340-dk"]
    rows = {row["name"]: row["calibration"] for row in json.loads(command("boards", "--json").out)}
    assert rows["m3"] == {"timing": None, "energy": None}
    assert rows["nano-33-ble"]["timing"]["of_core"] is True
    own = rows["nucleo-l4r5zi"]["timing"]
    assert (own["rows"], own["of_core"], own["by_memory"]["ART, 5 wait states"]["rows"]) == (53, False, 2)


def test_board_is_shown_with_its_memories(command):
    text = command("boards", "show", "nucleo-l4r5zi").out
    assert "core m4" in text and "0x08000000" in text and "memories" in text and "peripherals" in text
    plain = json.loads(command("boards", "show", "nucleo-l4r5zi", "--json").out)
    assert plain["core"] == "m4" and any(region["address"] == 0x0800_0000 for region in plain["memories"])


def test_board_is_shown_with_every_value_under_its_source(command):
    text = command("boards", "show", "nucleo-l4r5zi").out
    headings = [line for line in text.splitlines() if line and not line.startswith(" ")][2:]
    assert [each for each in headings if not each.startswith("documents")] == [
        "calibration", "core", "clocks", "memories", "caches and buffers", "energy", "firmware of ours", "peripherals",
    ]  # fmt: skip
    assert "fitted, n = 35, error 0.5 %: pqm4" in text and "\n    memories.sram3: opening_cycles = 1\n" in text
    assert "worst -5.96 %" in text and "docs/accuracy.md" in text
    flat = " ".join(text.split())
    for key, each in json.loads(command("boards", "show", "nucleo-l4r5zi", "--json").out)["values"].items():
        assert f"{key.rpartition('.')[2]} = " in flat
        assert " ".join(each["source"]["text"].split()) in flat


def test_values_of_an_own_board_without_a_source_are_not_stated(command, tmp_path):
    path = tmp_path / "own.toml"
    path.write_text('base = "nucleo-l4r5zi"\n[memories.sram3]\nopening_cycles = 2\n')
    assert "\n  not stated\n    memories.sram3: opening_cycles = 2\n" in command("boards", "show", str(path)).out
    values = json.loads(command("boards", "show", str(path), "--json").out)["values"]
    assert values["memories.sram3.opening_cycles"] == {"value": 2, "source": None}


def test_unknown_board_is_a_board_error(command):
    outcome = command("boards", "show", "atari")
    assert outcome.code == 4 and "atari" in outcome.err and outcome.out == ""


def test_codes_in_the_command_are_those_of_the_table():
    codes = {row.name: row.code for row in (*REASONS, *ERRORS)}
    named = {"usage": app.USAGE_CODE, "internal": app.INTERNAL_CODE, "interrupted": app.INTERRUPTED_CODE}
    assert {**named, "pipe": app.PIPE_CODE}.items() <= codes.items()


def entry(name: str, plugin: object) -> SimpleNamespace:
    """An entry point that loads ``plugin``, or raises it."""

    def load() -> object:
        if isinstance(plugin, Exception):
            raise plugin
        return plugin

    return SimpleNamespace(name=name, value=f"package:{name}", load=load)


@pytest.fixture
def installed(monkeypatch):
    """Puts entry points in place of those of the installed packages."""

    def install(*points: object) -> None:
        monkeypatch.setattr(plugins, "entry_points", lambda group: points if group == "mcusim.commands" else ())

    return install


def test_commands_of_other_packages_are_added(command, installed):
    group = typer.Typer()
    group.command("one")(lambda: print("one"))
    group.command("two")(lambda: print("two"))

    def predict(times: int = 1) -> None:
        """Predict without running."""
        print("soon " * times)

    installed(entry("predict", predict), entry("store", group))
    assert command("predict", "--times", "2").out == "soon soon \n"
    assert command("store", "two").out == "two\n"
    text = command("--help").out
    assert "Predict without running." in text and "store" in text


def test_broken_package_costs_a_line_and_not_the_command_line(command, installed):
    installed(entry("broken", ImportError("no module torch")), entry("odd", 3), entry("run", print))
    outcome = command("--help")
    assert outcome.code == 0 and outcome.out.startswith("Usage: mcusim")
    assert outcome.err.splitlines() == [
        "mcusim: command 'broken' (package:broken) is left out: ImportError: no module torch",
        "mcusim: command 'odd' (package:odd) is left out: int found, allowed: a typer.Typer or a function",
        "mcusim: command 'run' (package:run) is left out: the name 'run' is mcusim's own",
    ]


def test_own_commands_do_not_load_other_packages(command, installed):
    installed(entry("broken", ImportError("no module torch")))
    assert command("boards", "--help").err == ""


def test_entry_points_are_those_of_the_standard_library():
    point = EntryPoint("x", "mcusim.cli:main", plugins.GROUP)
    assert callable(point.load())


def test_importing_the_command_loads_nothing_heavy():
    script = f"import sys, mcusim.cli; print([name for name in {HEAVY} if name in sys.modules])"
    assert python(script).strip() == "[]"


def test_importing_the_package_loads_nothing_at_all():
    script = "import sys; before = set(sys.modules); import mcusim; print(sorted(set(sys.modules) - before))"
    loaded = python(script)
    assert "dataclasses" not in loaded and "importlib.metadata" not in loaded and "'mcusim'" in loaded


def test_help_loads_nothing_heavy():
    script = f"import sys; from mcusim.cli import app; app.run(['--help']); print([n for n in {HEAVY} if n in sys.modules])"
    assert python(script).splitlines()[-1] == "[]"


def test_page_explains_every_option(command):
    page = (Path(__file__).resolve().parents[2] / "docs" / "run.md").read_text()
    options = set(re.findall(r"--[a-z-]+", command("run", "--help").out)) - {"--help"}
    assert {option for option in options if option not in page} == set()

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


def test_board_is_shown_with_its_memories(command):
    text = command("boards", "show", "nucleo-l4r5zi").out
    assert "core m4" in text and "0x08000000" in text and "memories" in text and "peripherals" in text
    plain = json.loads(command("boards", "show", "nucleo-l4r5zi", "--json").out)
    assert plain["core"] == "m4" and any(region["address"] == 0x0800_0000 for region in plain["memories"])


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

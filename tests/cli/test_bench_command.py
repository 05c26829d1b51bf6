"""``mcusim bench``: what reaches the question, what comes out, and which code is returned."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace

import pytest
import typer

import mcusim
from mcusim.bench import ArenaPart, BenchReport, Failure, FlashBytes, LayerUse, RamBytes, Result, Room
from mcusim.cli import app
from mcusim.cli.values import byte_size

LAYER = LayerUse("conv", "Conv2D", (1, 4, 4, 8), 1_000, 3_000, 3.0, 3e-5, 0.75, 256, 72)
OTHER = LayerUse("softmax", "Softmax", (1, 2), 0, 1_000, None, 1e-5, 0.25, 16, 0)
RESULT = Result(
    "net", "b", "gcc 1", 4e-5, None, RamBytes(256, 100, 44, 400), FlashBytes(900, 72, 972), True, None, (LAYER, OTHER), "m4",
    ("-O2",), "mcusim's kernels", 4_000, 100_000_000, 1_000, 256, True, Room(65536, 8192, 0, 0),
)  # fmt: skip
GOLDEN = """\
net on b (m4 at 100.0 MHz), mcusim's kernels, gcc 1

layer     operator   output     MACs   cycles   per MAC       time     share   RAM live   flash
───────────────────────────────────────────────────────────────────────────────────────────────
conv      Conv2D     1x4x4x8   1,000    3,000      3.00   30.00 µs    75.0 %        256      72
softmax   Softmax    1x2           –    1,000         –   10.00 µs    25.0 %         16       –
total                          1,000    4,000      4.00   40.00 µs   100.0 %        256      72

latency  40.00 µs, 4,000 cycles
RAM      400 B: arena 256 (the smallest there is), stack 100, static 44 bytes
flash    972 B: code 900, constants 72 bytes
fits     yes, in 64.0 KiB of flash and 8.0 KiB of RAM
"""


@pytest.fixture
def asked(monkeypatch):
    """Stands in for ``mcusim.bench``: the arguments of the last call, and what it answers."""
    arguments = {"report": BenchReport((RESULT,))}

    def stand_in(models, board, **given):
        arguments.update(given, models=models, board=board)
        return arguments["report"]

    monkeypatch.setitem(vars(mcusim), "bench", stand_in)
    return arguments


def test_one_result_is_shown_layer_by_layer(asked, command) -> None:
    outcome = command("bench", "net.tflite", "--board", "b")
    assert (outcome.code, outcome.out) == (0, GOLDEN)


@pytest.mark.parametrize(("terminal", "options"), [(True, []), (True, ["--quiet"]), (False, [])])
@pytest.mark.parametrize("models", [["net.tflite"], ["net.tflite", "other.tflite"]])
def test_what_goes_on_is_told_on_a_terminal_only(asked, monkeypatch, terminal: bool, options: list[str], models) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    monkeypatch.setattr(sys, "stderr", Screen())
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    assert app.run(["bench", *models, "--board", "b", *options]) == 0
    expected = "net.tflite on b: planning memory" if len(models) == 1 else "networks on boards"
    assert (expected in sys.stderr.getvalue()) is (terminal and not options)
    assert (sys.stderr.getvalue() != "") is (terminal and not options)


def test_options_reach_the_question(asked, command) -> None:
    command("bench", "a.tflite", "b.tflite", "--board", "x", "--board", "y", "--check", "5", "--seed", "2", "--data", "d.npz",
            "--optimise", "-Os", "--arena", "ram2", "--arena-limit", "64Ki", "--smallest", "--no-cache",
            "--jobs", "3")  # fmt: skip
    assert (asked["models"], asked["board"]) == (["a.tflite", "b.tflite"], ["x", "y"])
    assert (asked["check"], asked["seed"], asked["data"], asked["cache"], asked["jobs"]) == (5, 2, "d.npz", False, 3)
    options = asked["options"]
    assert (options.optimise, options.memories, options.arena_limit_bytes, options.smallest) == ("-Os", ("ram2",), 65536, True)


@pytest.mark.parametrize(
    ("text", "wanted"), [("65536", 65536), ("64K", 65536), ("64KiB", 65536), ("1m", 1 << 20), ("0x100", 256), ("512B", 512)]
)
def test_bytes_are_typed_as_people_write_them(text: str, wanted: int) -> None:
    assert byte_size(text) == wanted


@pytest.mark.parametrize("text", ["0", "-1", "64 K", "1.5K", "64G", "K", ""])
def test_what_is_no_number_of_bytes_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is no number of bytes from 1; allowed: 65536 or 64K"):
        byte_size(text)


def test_what_was_rewritten_and_where_the_arena_lies_is_told(asked, command) -> None:
    parts = (ArenaPart("ram", 200), ArenaPart("sram2", 56))
    asked["report"] = BenchReport((replace(RESULT, arenas=parts, changes=("one", "two"), added_macs=40),))
    out = command("bench", "net.tflite", "--board", "b").out
    assert out.endswith(
        "arena    200 bytes in ram, 56 bytes in sram2\nchanges  one\n         two\n         40 MACs more (4.2 %)\n"
    )


def test_several_results_have_a_row_each_and_failures_a_sentence(asked, command) -> None:
    small = replace(RESULT, board="c", fits=False, latency_seconds=None, room=Room(512, 8192, 460, 0))
    asked["report"] = BenchReport((RESULT, small), (Failure("net", "d", "board 'd' is unknown", 4),))
    outcome = command("bench", "net.tflite", "--board", "b", "--board", "c", "--board", "d")
    assert outcome.code == 4
    assert "no, 460 B flash" in outcome.out
    assert outcome.err == "mcusim: net on d: board 'd' is unknown\n"


def test_json_on_stdout_stands_alone(asked, command) -> None:
    assert json.loads(command("bench", "net.tflite", "--board", "b", "--json", "-").out)["results"][0]["model"] == "net"


def test_two_reports_are_compared_layer_by_layer(command, tmp_path) -> None:
    faster = replace(RESULT, layers=(replace(LAYER, cycles=1_500), OTHER), latency_cycles=2_500)
    for name, result in (("a.json", RESULT), ("b.json", faster)):
        (tmp_path / name).write_text(BenchReport((result,)).to_json())
    out = command("bench", "--compare", str(tmp_path / "a.json"), str(tmp_path / "b.json")).out
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line.strip()}
    assert rows["conv"] == ["Conv2D", "3,000", "1,500", "-1,500", "0.500"]
    assert rows["softmax"][-2:] == ["+0", "1.000"]
    assert rows["cycles"] == ["4,000", "2,500", "-1,500", "0.625"]


def test_a_page_is_written(asked, command, tmp_path) -> None:
    command("bench", "net.tflite", "--board", "b", "--html", str(tmp_path / "page.html"))
    assert "<!DOCTYPE html>" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "no MODEL"),
        (("net.tflite",), 2, "no --board"),
        (("none.tflite", "--board", "m4", "--no-cache"), 2, "none.tflite"),
        (("net.docx", "--board", "m4", "--no-cache"), 2, "no importer"),
        (("--compare", "none.json", "none.json"), 7, "none.json"),
        (("net.tflite", "--board", "m4", "--json", "a", "--html", "a"), 2, "--json and --html would both write a"),
        (("net.tflite", "--board", "m4", "--optimise", "O2"), 2, "--optimise O2: allowed: -O0"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(command, arguments, code, words) -> None:
    outcome = command("bench", *arguments)
    assert outcome.code == code
    assert words in outcome.err

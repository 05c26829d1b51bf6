"""``mcusim run``: what reaches the machine, what comes out, and which code is returned."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mcusim.energy import Battery, DutyCycle, Supply
from mcusim.errors import BoardError, McusimError, ProgramError
from mcusim.report import Exit, Report, Timeline, TimelineEvent
from tests.report.samples import FAULT, FULL, SPARE


def test_options_reach_the_machine_as_values(command, facade, tmp_path):
    options = ["--board", "b", "--load-address", "0x08000000", "--vector-table", "1024", "--until", r"end\n"]
    options += ["--send", "m-ready=>infer 1 0%", "--send", r"=>\x41=>\\", "--max-instructions", "1e6"]
    options += ["--supply", "3V", "--duty-cycle", "1/min", "--battery", "1Ah@3V", "--sleep-current", "2uA"]
    options += ["--max-seconds", "2.5", "--timeout", "1e1", "--semihosting-root", str(tmp_path), "--strict"]
    assert command("run", "app.bin", *options).code == 0
    assert facade.image == "app.bin"
    given = {name: value for name, value in facade.arguments.items() if name not in ("progress", "serial_output")}
    assert given == {
        "board": "b",
        "core": None,
        "load_address": 0x0800_0000,
        "vector_table": 1024,
        "send": ((b"m-ready", b"infer 1 0%"), (b"", b"A=>\\")),
        "until": b"end\n",
        "max_instructions": 1_000_000,
        "max_seconds": 2.5,
        "timeout_seconds": 10.0,
        "semihosting_root": Path(tmp_path),
        "strict": True,
        "trace": False,
        "save_profile": None,
        "clock_hertz": None,
        "wait_states": None,
        "caches": None,
        "prefetch": None,
        "placement": (),
        "supply": Supply(3.0, DutyCycle(1, 60), Battery(1, 3), 2e-6),
    }


def test_without_options_nothing_is_limited(command, facade):
    command("run", "app.elf", "--core", "m7")
    assert facade.arguments["core"] == "m7" and facade.arguments["send"] == ()
    unset = ("board", "until", "max_instructions", "max_seconds", "timeout_seconds", "semihosting_root", "load_address")
    assert all(facade.arguments[name] is None for name in unset)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--load-address", "8M"], "'8M' is no address; allowed: 0x08000000"),
        (["--load-address", "0x100000000"], "outside the 32-bit address space"),
        (["--vector-table", "-1"], "outside the 32-bit address space"),
        (["--max-instructions", "1.5"], "'1.5' is no whole number from 1"),
        (["--max-instructions", "0"], "no whole number"),
        (["--max-instructions", "1/1"], "no whole number"),
        (["--max-instructions", "1e999999999"], "no whole number"),
        (["--max-instructions", "many"], "no whole number"),
        (["--max-seconds", "nan"], "'nan' is no time"),
        (["--max-seconds", "-1"], "'-1' is no time"),
        (["--timeout", "inf"], "'inf' is no time"),
        (["--timeout", "soon"], "'soon' is no time"),
        (["--send", "hello"], "'hello' has no '=>'"),
        (["--send", "a=>"], "nothing to type behind '=>'"),
        (["--send", r"a=>\q"], r"unknown escape '\\q'; allowed: \n \r \t \xNN \\"),
        (["--send", r"a=>\x4"], "unknown escape"),
        (["--until", ""], "an empty text is always there"),
        (["--semihosting-root", "/no/such/folder"], "there is no such folder"),
        (["--core", "m55"], "allowed: m0, m0plus, m3, m4, m7, m33"),
        (["--board", "x"], "both --board and --core given"),
        (["--colour"], "--colour"),
    ],
)
def test_wrong_option_is_one_message_and_code_two(command, facade, options, expected):
    base = [] if "--core" in options else ["--core", "m4"]
    outcome = command("run", "app.elf", *base, *options)
    assert outcome.code == 2
    assert expected in outcome.err and "Traceback" not in outcome.err
    assert outcome.out == "" and facade.image == ""


def test_board_or_core_must_be_chosen(command, facade):
    outcome = command("run", "app.elf")
    assert outcome.code == 2 and "neither --board nor --core given" in outcome.err


@pytest.mark.parametrize("text", ["1000000", "1_000_000", "1e6", "1E+6", "0.001e9"])
def test_counts_may_be_written_as_people_do(command, facade, text):
    command("run", "app.elf", "--core", "m4", "--max-instructions", text)
    assert facade.arguments["max_instructions"] == 1_000_000


def test_firmware_output_comes_first_and_the_table_on_a_new_line(command, facade):
    facade.action = lambda serial_output, **_: [serial_output(b"hel"), serial_output(b"lo\xff")]
    assert command("run", "app.elf", "--core", "m4").out.startswith("hello\\xff\nprogram ")


def test_json_on_stdout_leaves_it_to_json_alone(command, facade):
    facade.action = lambda serial_output, **_: serial_output(b"hello\n")
    facade.report = FULL
    outcome = command("run", "app.elf", "--core", "m4", "--json", "-")
    assert Report.from_json(outcome.out) == replace(FULL, timeline=None)
    assert outcome.err.startswith("hello\n")


def test_json_file_is_written_beside_the_table(command, facade, tmp_path):
    outcome = command("run", "app.elf", "--core", "m4", "--json", str(tmp_path / "r.json"))
    assert "cycles" in outcome.out
    assert Report.from_json((tmp_path / "r.json").read_text()) == SPARE


def test_quiet_prints_what_the_firmware_prints(command, facade):
    facade.action = lambda serial_output, **_: serial_output(b"42\n")
    outcome = command("run", "app.elf", "--core", "m4", "--quiet")
    assert (outcome.out, outcome.err) == ("42\n", "")


def test_quiet_still_says_what_the_fault_was(command, facade):
    facade.report = replace(SPARE, fault=FAULT, exit=Exit("fault", 10))
    outcome = command("run", "app.elf", "--core", "m4", "--quiet")
    assert outcome.code == 10 and outcome.out == "" and "HardFault: bus error" in outcome.err


def test_flame_graph_and_trace_are_written(command, facade, tmp_path):
    facade.report = replace(FULL, timeline=Timeline((TimelineEvent("enter", "main", 0),)))
    files = ["--flamegraph", str(tmp_path / "f.json"), "--trace", str(tmp_path / "t.json")]
    assert command("run", "app.elf", "--core", "m4", *files).code == 0
    assert facade.arguments["trace"] is True
    assert "profiles" in json.loads((tmp_path / "f.json").read_text())
    assert "traceEvents" in json.loads((tmp_path / "t.json").read_text())


@pytest.mark.parametrize("option", ["--json", "--flamegraph", "--trace"])
def test_unwritable_file_is_noticed_before_the_run(command, facade, option):
    outcome = command("run", "app.elf", "--core", "m4", option, "/no/such/folder/file")
    assert outcome.code == 7 and "there is no folder /no/such/folder" in outcome.err
    assert facade.image == ""


@pytest.mark.parametrize("option", ["--json", "--flamegraph", "--trace", "--save-profile"])
def test_file_that_not_even_root_can_write_is_noticed_before_the_run(command, facade, option):
    outcome = command("run", "app.elf", "--core", "m4", option, "/proc/x.json")
    assert outcome.code == 7 and "/proc/x.json: cannot be written: " in outcome.err
    assert facade.image == ""


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--flamegraph", "x.json", "--json", "x.json"], "--json and --flamegraph would both write"),
        (["--trace", "./x.json", "--save-profile", "x.json"], "--trace and --save-profile would both write"),
        (["--trace", "x.json", "--flamegraph", "link.json"], "--flamegraph and --trace would both write"),
    ],
)
def test_two_outputs_never_share_a_file(command, facade, tmp_path, monkeypatch, options, told):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.json").symlink_to("x.json")
    outcome = command("run", "app.elf", "--core", "m4", *options)
    assert outcome.code == 2 and told in " ".join(outcome.err.replace("│", "").split())
    assert facade.image == "" and not (tmp_path / "x.json").exists()


@pytest.mark.parametrize("option", ["--flamegraph", "--trace", "--save-profile"])
def test_only_json_goes_to_stdout(command, facade, tmp_path, monkeypatch, option):
    monkeypatch.chdir(tmp_path)
    outcome = command("run", "app.elf", "--core", "m4", option, "-")
    assert outcome.code == 2 and f"{option} -: only --json goes to stdout" in " ".join(outcome.err.split())
    assert facade.image == "" and list(tmp_path.iterdir()) == []


def test_json_on_stdout_shares_nothing_with_files(command, facade, tmp_path):
    facade.report = replace(FULL, timeline=Timeline((TimelineEvent("enter", "main", 0),)))
    assert command("run", "app.elf", "--core", "m4", "--json", "-", "--flamegraph", str(tmp_path / "-")).code == 0
    assert (tmp_path / "-").exists()


def test_output_never_overwrites_the_image(command, facade, tmp_path):
    image = tmp_path / "app.elf"
    image.write_bytes(b"\x7fELF")
    outcome = command("run", str(image), "--core", "m4", "--json", str(tmp_path / "." / "app.elf"))
    assert outcome.code == 2 and "would overwrite the image" in outcome.err
    assert image.read_bytes() == b"\x7fELF"


@pytest.mark.parametrize(
    ("ended", "code"),
    [
        (Exit("exit", 0), 0),
        (Exit("exit", 3), 3),
        (Exit("exit", 256), 255),
        (Exit("until", 0), 0),
        (Exit("fault", 10), 10),
        (Exit("lockup", 11), 11),
        (Exit("max_instructions", 12), 12),
        (Exit("interrupted", 130), 130),
    ],
)
def test_process_returns_the_code_of_the_ending(command, facade, ended, code):
    facade.report = replace(SPARE, exit=ended)
    assert command("run", "app.elf", "--core", "m4").code == code


@pytest.mark.parametrize(
    ("error", "code", "expected"),
    [
        (ProgramError("app.elf: truncated at byte 7"), 3, "mcusim: app.elf: truncated at byte 7\n"),
        (BoardError("unknown board 'b'"), 4, "mcusim: unknown board 'b'\n"),
        (McusimError("other"), 2, "mcusim: other\n"),
        (KeyboardInterrupt(), 130, "mcusim: interrupted\n"),
        (ZeroDivisionError("x"), 70, "mcusim: internal error: ZeroDivisionError: x\nplease report it"),
        (RecursionError("deep"), 70, "mcusim: internal error: RecursionError"),
        (MemoryError(), 70, "mcusim: internal error: MemoryError"),
    ],
)
def test_errors_are_one_message_without_a_traceback(command, facade, tmp_path, error, code, expected):
    def fail(**arguments):
        raise error

    facade.action = fail
    outcome = command("run", "app.elf", "--core", "m4", "--json", str(tmp_path / "r.json"))
    assert outcome.code == code
    assert outcome.err.startswith(expected) and "Traceback" not in outcome.err
    assert outcome.out == "" and list(tmp_path.iterdir()) == []


def test_debug_shows_the_traceback(command, facade):
    facade.action = lambda **_: 1 // 0
    outcome = command("--debug", "run", "app.elf", "--core", "m4")
    assert outcome.code == 70 and "Traceback (most recent call last)" in outcome.err


def test_reader_that_goes_away_ends_the_command_quietly():
    script = "from mcusim.cli import app, boards_command as b; import sys\n"
    script += "b._print_rows = lambda rows: sys.stdout.write('x' * 10_000_000)\nsys.exit(app.run(['boards']))"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        errors = process.stderr.read()
    assert (process.returncode, errors) == (141, b"")

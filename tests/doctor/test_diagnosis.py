"""What the doctor says, refuses and writes."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from importlib.resources import files

import jsonschema
import pytest

import mcusim
from kernels_c import kernels
from kernels_c.toolchain import FINDERS, Layout
from mcusim import boards
from mcusim.boards.wait_states import needed
from mcusim.cli import app
from mcusim.doctor import Diagnosis, DoctorError, Finding, diagnose
from mcusim.doctor.diagnosis import KINDS
from mcusim.machine.what_if import AS_IT_IS, Move, WhatIf
from mcusim.report import write_atomically
from tests.support.firmware import REPOSITORY

SCHEMA = json.loads(files("mcusim.doctor").joinpath("doctor_1.schema.json").read_text())
PAGE = (REPOSITORY / "docs" / "doctor.md").read_text()
KIB = 1024
H7 = "nucleo-h743zi"
DEMO = ("demo/main.c", "src/marks.c", *map(str, kernels()))
COMPILERS = [name for name, finder in FINDERS.items() if finder() is not None]


CORES = [
    "m0plus", "m4", pytest.param("m7", marks=pytest.mark.slow),
    *(pytest.param(core, marks=pytest.mark.long) for core in ("m3", "m33")),
]  # fmt: skip


@pytest.fixture
def slow(build):
    """slow.c for a board whose caches it leaves off."""
    return build("slow.c", "m7", layout=Layout(0x08000000, 128 * KIB, 0x20000000, 48 * KIB))


def run_command(capsys, *arguments: str):
    code = app.run(arguments)
    out, err = capsys.readouterr()
    return code, out, err


def kinds(diagnosis: Diagnosis) -> list[str]:
    return [finding.kind for finding in diagnosis.findings]


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("optimisation", ["-O0", "-O1", "-O2", "-Os"])
def test_only_code_without_optimisation_is_called_so(build, compiler, core, optimisation):
    sources = "slow.c" if core == "m0plus" else DEMO
    found = diagnose(build(sources, core, flags=(optimisation,), compiler_name=compiler), core=core)
    assert ("unoptimised" in kinds(found)) == (optimisation == "-O0")
    for finding in found.findings:
        if finding.kind == "unoptimised":
            assert finding.saved_cycles is None and "build it and compare" in finding.not_priced


def test_the_demo_with_caches_off_is_told_to_switch_them_on(build):
    found = diagnose(build(DEMO, "m7", layout=Layout(0x08000000, 512 * KIB, 0x24000000, 256 * KIB)), board=H7)
    assert {"caches", "clock", "wait_states", "code_placement", "data_placement"} <= set(kinds(found))
    seconds = [finding.saved_seconds or 0 for finding in found.findings]
    assert seconds == sorted(seconds, reverse=True)
    assert found.together_cycles is not None and found.together_cycles < found.cycles / 5


def test_nothing_is_found_where_nothing_is_slow(build, capsys):
    elf = build("slow.c", "m7", defines={"ROUNDS": 5})
    assert diagnose(elf, core="m7").findings == ()
    code, out, _ = run_command(capsys, "doctor", str(elf), "--core", "m7")
    assert code == 0
    assert "Nothing found" in out


def test_json_obeys_its_schema_and_the_page_explains_every_key(slow, tmp_path, capsys):
    code, out, _ = run_command(capsys, "doctor", str(slow), "--board", H7, "--json", "-")
    plain = json.loads(out)
    assert code == 0
    jsonschema.validate(plain, SCHEMA, cls=jsonschema.Draft202012Validator)
    assert next(iter(plain)) == "schema" and plain["schema"] == "mcusim.doctor/1"
    assert set(SCHEMA["properties"]) == set(SCHEMA["required"]) == {each.name for each in fields(Diagnosis)}
    finding = SCHEMA["$defs"]["finding"]
    assert set(finding["properties"]) == set(finding["required"]) == {each.name for each in fields(Finding)}
    assert tuple(finding["properties"]["kind"]["enum"]) == KINDS
    assert all(f"| `{key}` |" in PAGE for key in (*SCHEMA["properties"], *finding["properties"], *KINDS))
    path = tmp_path / "diagnosis.json"
    code, out, _ = run_command(capsys, "doctor", str(slow), "--board", H7, "--json", str(path))
    assert code == 0 and "caches are off" in out
    assert json.loads(path.read_text()) == plain


def test_a_report_names_program_and_board(slow, tmp_path, capsys):
    path = tmp_path / "report.json"
    write_atomically(path, mcusim.run(slow, board=H7).to_json())
    code, out, _ = run_command(capsys, "doctor", str(path))
    assert code == 0 and "caches are off" in out


def test_a_report_of_another_program_is_refused(slow, build, tmp_path, capsys):
    image = tmp_path / "app.elf"
    image.write_bytes(slow.read_bytes())
    write_atomically(tmp_path / "report.json", mcusim.run(image, board=H7).to_json())
    other = build("slow.c", "m7", defines={"ROUNDS": 2}, layout=Layout(0x08000000, 128 * KIB, 0x20000000, 48 * KIB))
    image.write_bytes(other.read_bytes())
    code, _, err = run_command(capsys, "doctor", str(tmp_path / "report.json"))
    assert code == 2 and "has changed since the report was written" in err
    image.unlink()
    code, _, err = run_command(capsys, "doctor", str(tmp_path / "report.json"))
    assert code == 2 and "is not there" in err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["no_such.elf", "--board", H7], 3, "no_such.elf"),
        (["IMAGE"], 2, "neither --board nor --core"),
        (["IMAGE", "--board", H7, "--core", "m7"], 2, "both --board and --core"),
        (["IMAGE", "--board", "no-such-board"], 4, "no-such-board"),
        (["BROKEN", "--board", H7], 7, "not JSON"),
        (["IMAGE", "--board", H7, "--json", "/no/such/folder/x.json"], 7, "cannot be written"),
    ],
)
def test_wrong_use_is_one_message(slow, tmp_path, capsys, arguments, code, words):
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    places = {"IMAGE": str(slow), "BROKEN": str(broken)}
    found, _, err = run_command(capsys, "doctor", *(places.get(each, each) for each in arguments))
    assert found == code
    assert words in err and "Traceback" not in err


def test_a_run_without_an_end_of_its_own_is_refused(build_source):
    waiting = "volatile int x; int main(void) { for (;;) { x++; } }"
    with pytest.raises(DoctorError, match="--max-instructions"):
        from mcusim import program as programs
        from mcusim.doctor.patient import Patient
        from mcusim.machine.outcome import Options

        Patient(programs.load(build_source(waiting, "m4")), boards.load("m4"), Options(max_seconds=0.01), None)


def test_instructions_can_be_the_end(build_source):
    waiting = "volatile int x; int main(void) { for (;;) { x++; } }"
    assert diagnose(build_source(waiting, "m4"), core="m4", max_instructions=5000).exit.reason == "max_instructions"


def test_without_assumptions_a_run_costs_what_it_costs(slow):
    assert diagnose(slow, board=H7).cycles == mcusim.run(slow, board=H7).cycles


def test_assumptions_add_up():
    move, pair = Move(0, 16, "itcm"), ("flash", "sram1")
    both = WhatIf(caches=False, placement=(pair,)).and_also(WhatIf(clock_hertz=5, wait_states=0, moves=(move,)))
    assert both == WhatIf(5, 0, caches=False, placement=(pair,), moves=(move,))
    assert both.and_also(WhatIf(caches=True)).caches is True
    assert len(both.described()) == 5
    assert AS_IT_IS.and_also(AS_IT_IS) == AS_IT_IS


@pytest.mark.parametrize(("hertz", "ratio", "expected"), [(20, 1, 0), (21, 1, 1), (60, 1, 2), (61, 1, None), (61, 2, 1)])
def test_wait_states_are_the_fewest_for_the_clock(hertz, ratio, expected):
    board = replace(boards.load("m4"), parameters={"wait_states": {"hertz": [20, 40, 60], "source": ""}})
    assert needed(board, hertz, ratio) == expected

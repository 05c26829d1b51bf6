"""The command with the real machine, on small programs."""

from __future__ import annotations

import json
from importlib.resources import files

import jsonschema
import pytest

from mcusim.report import Report

HELLO = """
static void print(const char *letter) {
    register int operation __asm("r0") = 3;  /* SYS_WRITEC */
    register const char *argument __asm("r1") = letter;
    __asm volatile("bkpt 0xab" : "+r"(operation) : "r"(argument) : "memory");
}
static int __attribute__((noinline)) square(int value) { return value * value; }
int main(void) {
    volatile int three = 3;
    for (const char *letter = "hello\\n"; *letter; letter++) print(letter);
    return square(three) - 2;
}
"""


@pytest.fixture(scope="module")
def hello(build_source):
    return build_source(HELLO, "m4", flags=["-O1", "-g"])


def test_firmware_prints_and_its_exit_code_is_returned(command, hello):
    outcome = command("run", str(hello), "--core", "m4")
    assert outcome.code == 7
    assert outcome.out.startswith("hello\nprogram") and "square" in outcome.out and outcome.err == ""


def test_json_obeys_the_schema_and_adds_up(command, hello, tmp_path):
    path = tmp_path / "report.json"
    assert command("run", str(hello), "--core", "m4", "-q", "--json", str(path)).code == 7
    schema = json.loads(files("mcusim.report").joinpath("run_1.schema.json").read_text())
    jsonschema.validate(json.loads(path.read_text()), schema)
    report = Report.from_json(path.read_text())
    assert report.serial == "hello\n" and report.exit.code == 7
    assert sum(report.causes.values()) == report.cycles
    assert sum(row.self_cycles for row in report.functions) == report.cycles
    assert next(row for row in report.functions if row.name == "square").calls == 1


def test_limit_of_instructions_ends_an_endless_loop(command, build_source):
    loop = build_source("int main(void) { volatile int n = 0; for (;;) n++; }", "m4")
    outcome = command("run", str(loop), "--core", "m4", "--max-instructions", "1e5")
    assert outcome.code == 12 and "max_instructions" in outcome.out


def test_damaged_and_foreign_files_are_one_message(command, hello, tmp_path):
    image = hello.read_bytes()
    (tmp_path / "cut.elf").write_bytes(image[:1000])
    (tmp_path / "x86.elf").write_bytes(image[:4] + b"\2\1\1" + bytes(9) + b"\2\0\x3e\0" + bytes(44))
    for name, expected in (("cut.elf", "truncated at byte 1000"), ("x86.elf", "machine EM_X86_64, allowed: EM_ARM")):
        outcome = command("run", str(tmp_path / name), "--core", "m4", "--json", str(tmp_path / "r.json"))
        assert outcome.code == 3 and outcome.out == ""
        assert expected in outcome.err and len(outcome.err.splitlines()) == 1
    assert not (tmp_path / "r.json").exists()

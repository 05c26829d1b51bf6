"""How a run ended: what is told says what happened, and nothing of what was over before."""

from __future__ import annotations

import re

import pytest

import mcusim
from mcusim.errors import ProgramError
from mcusim.report import fault_text
from mcusim.report.exit import code_of

HEAD = "#define REGISTER(address) (*(volatile unsigned *)(address))\n"

def image(table: list[int], code: str) -> bytes:
    """A raw image: vectors, then code from 0x80 on, as hexadecimal halfwords in order of memory."""
    halfwords = [int(word, 16).to_bytes(2, "little") for word in code.split()]
    return b"".join(word.to_bytes(4, "little") for word in table).ljust(0x80, b"\0") + b"".join(halfwords)


def run_image(tmp_path, table, code, **options):
    path = tmp_path / "image.bin"
    path.write_bytes(image(table, code))
    return mcusim.run(path, load_address=0, vector_table=0, **{"core": "m4", "max_instructions": 10_000, **options})


@pytest.mark.parametrize(("code", "process"), [(0, 0), (7, 7), (300, 255), (-1, 255), (0x12345678, 255)])
def test_the_report_has_the_exit_code_in_full(build_source, code, process):
    report = mcusim.run(build_source(f"int main(void) {{ return {code}; }}", "m4"), core="m4")
    assert (report.exit.reason, report.exit.code) == ("exit", code)
    assert code_of(report.exit.reason, report.exit.code) == process


def test_an_endless_loop_says_where_and_for_which_exception(build_source):
    text = HEAD + "int main(void) { REGISTER(0xe000e100) = 1; REGISTER(0xe000e200) = 1; for (;;) { } }"
    report = mcusim.run(build_source(text, "m4"), core="m4", max_seconds=5)
    assert report.exit.reason == "endless_loop"
    assert re.search(r"<\w+\+0x\w+>, entered for IRQ0", report.exit.detail)


# SVC #0 with an empty vector: no handler. NOP first, so that the SVC lies at 0x82.
NO_HANDLER = [0x20001000, 0x81, 0x91, 0x91, *[0] * 12]
UNDEFINED_AND_BACK = "de00 df00 e7fe e7fe e7fe e7fe e7fe e7fe 9806 3002 9006 4770"
"""UDF (handled: the handler at 0x90 steps over it), then SVC."""


def test_an_exception_without_a_vector_is_a_fault_of_its_own(tmp_path):
    report = run_image(tmp_path, NO_HANDLER, "bf00 df00 e7fe")
    assert report.exit.reason == "fault"
    assert report.fault is not None
    assert report.fault.kind == "SVCall"
    assert "0x0000002c" in report.fault.cause  # vector 11


def test_a_fault_that_was_handled_before_is_not_shown(tmp_path):
    report = run_image(tmp_path, NO_HANDLER, UNDEFINED_AND_BACK)
    assert report.fault is not None
    assert report.fault.kind == "SVCall"
    assert "UDF" not in report.fault.cause
    assert report.fault.address in (0x82, 0x84)


def test_a_write_to_flash_of_an_ideal_board_is_named(build_source):
    report = mcusim.run(build_source(HEAD + "int main(void) { REGISTER(0x40) = 1; return 0; }", "m4"), core="m4")
    assert report.fault is not None
    assert "write to 0x00000040, in memory that cannot be written (flash)" in report.fault.cause
    assert report.fault.data_address == 0x40


def test_a_stack_below_ram_is_told_first(build_source):
    body = "ldr r0, =0x1fffffe0\\n mov sp, r0\\n push {r0}\\n .ltorg"
    text = f'__attribute__((naked)) int main(void) {{ __asm__ volatile("{body}"); }}'
    report = mcusim.run(build_source(text, "m4"), core="m4", max_instructions=10_000)
    assert report.fault is not None
    assert report.fault.cause.startswith("stack overflow: SP 0x1fffffe0 is below RAM (ram, 0x20000000")


def test_recursion_without_end_is_a_stack_overflow_with_a_short_backtrace(tmp_path):
    # main at 0x80: PUSH {r4-r7, lr}; BL 0x80
    report = run_image(tmp_path, [0x20001000, 0x81, 0x91, 0x91], "b5f0 f7ff fffd e7fe e7fe e7fe e7fe e7fe e7fe")
    assert report.fault is not None
    assert report.fault.cause.startswith("stack overflow: SP 0x2000")
    assert len(report.fault.backtrace) < 8
    folded = max(report.fault.backtrace, key=lambda frame: frame.times)
    assert folded.times > 150  # 4 KiB in steps of 20 bytes
    assert f"({folded.times} times)" in fault_text(report.fault)


@pytest.mark.parametrize("core", ["m0", "m4"])
def test_a_jump_to_zero_shows_no_code_made_of_vectors(build_source, core):
    text = "void (*volatile nowhere)(void); int main(void) { nowhere(); return 0; }"
    report = mcusim.run(build_source(text, core), core=core)
    assert report.fault is not None
    assert (report.fault.address, report.fault.disassembly) == (0, "")
    assert re.search(r"from 0x\w+ <main\+0x\w+>: blx r\d", report.fault.cause)
    assert report.fault.backtrace[1].function == "main"


def test_an_image_for_another_board_is_refused_with_the_memories(tmp_path):
    path = tmp_path / "other.bin"
    path.write_bytes(image([0x24010000, 0x08000081], "e7fe"))
    with pytest.raises(ProgramError, match=r"initial stack pointer 0x24010000 lies in no RAM of board nucleo-l4r5zi; .*sram1"):
        mcusim.run(path, board="nucleo-l4r5zi")
    path.write_bytes(image([0x20010000, 0x00400081], "e7fe"))
    with pytest.raises(ProgramError, match="entry 0x00400080 lies in no memory of board nucleo-l4r5zi"):
        mcusim.run(path, board="nucleo-l4r5zi", vector_table=0x08000000)

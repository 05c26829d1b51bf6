"""The report and the fault message as text."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest

from mcusim.report import FunctionUse, fault_text, report_text, write_report
from mcusim.report.fault import status_causes
from mcusim.report.quantity import printable, share, si, size
from tests.report.samples import FAULT, FULL, SPARE


def test_table_shows_the_headline_numbers_with_prefixes():
    text = re.sub(" +", " ", report_text(FULL))
    for expected in (
        "app.bin on m4 (core m4)",
        "exit, code 0",
        "1.000 ms simulated, clock 1.000 MHz",
        "800, 1.250 cycles each",
        "2.0 KiB",
        "512 B static, stack peak 256 B, heap peak 128 B",
        "warning: flash latency is too low",
        "layer 1 2 400 40.0 % 200.0",
        "Reset_Handler > main > work",
        "mark layer 1 400 issue 100.0 %",
        "work 300 issue 83.3 %, flash 16.7 %",
        "data_cache 90 10 3 90.00 %",
        "flash fetch 12 60 6.0 %",
    ):
        assert expected in text, expected


def test_every_cause_is_shown_where_it_is_asked_for():
    stream = io.StringIO()
    write_report(FULL, stream, causes=True)
    rows = [line.split() for line in stream.getvalue().splitlines()]
    assert ["work", "flash", "50", "16.7", "%"] in rows


def test_unknown_heap_is_called_unknown():
    assert "heap peak unknown" in report_text(SPARE)


def test_empty_lists_make_no_tables():
    text = report_text(SPARE)
    assert "functions" not in text and "stacks" not in text and "marks" not in text


def test_plain_text_has_no_escapes_no_trailing_blanks_and_whole_names():
    long_names = tuple(FunctionUse("q" * 200, 4 * number, 1, 5, 6) for number in range(3))
    text = report_text(replace(FULL, functions=long_names, fault=None))
    assert "\x1b" not in text
    assert all(line == line.rstrip() for line in text.splitlines())
    assert text.count("q" * 200) == 3, "names are neither folded nor cut"


def test_plain_text_has_the_path_of_the_program_on_one_line():
    path = "folder/" * 40 + "app.bin"
    assert path in report_text(replace(FULL, program=replace(FULL.program, path=path)))


def test_long_lists_are_cut_and_say_so():
    many = tuple(FunctionUse(f"f{number:03}", 4 * number, 1, 1000 - number, 6) for number in range(40))
    text = report_text(replace(SPARE, functions=many), top=10)
    assert "functions (10 of 40)" in text
    assert "f009" in text and "f010" not in text


def test_functions_are_sorted_by_their_own_cycles():
    rows = (FunctionUse("small", 0, 1, 1, 1), FunctionUse("large", 8, 1, 900, 900))
    text = report_text(replace(SPARE, functions=rows))
    assert text.index("large") < text.index("small")


def test_a_terminal_gets_colour():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    write_report(FULL, stream)
    assert "app.bin" in stream.getvalue()


def test_markup_and_control_characters_in_names_are_only_text():
    rows = (FunctionUse("operator[](int)", 0, 1, 1, 1), FunctionUse("[red]x\x1b[2J\n", 8, 1, 900, 900))
    text = report_text(replace(SPARE, functions=rows))
    assert "operator[](int)" in text
    assert "[red]x\\x1b[2J\\x0a" in text


def test_fault_message_has_place_code_registers_and_backtrace():
    text = fault_text(FAULT)
    for expected in (
        "HardFault: bus error",
        "at 0x08000024 <poke+0x4>: str r0, [r1]",
        "accessed address 0x70000000",
        "CFSR 0x00008200 HFSR 0x40000000 BFAR 0x70000000",
        "PRECISERR",
        "FORCED",
        "r1 70000000",
        "#0 0x08000024 poke+0x4 (app.c:12)",
        "#1 0x08000030 ?",
    ):
        assert expected in text, expected
    assert "MMFAR" not in text


def test_fault_on_a_core_without_status_registers_does_not_mention_them():
    assert "CFSR" not in fault_text(replace(FAULT, cfsr=0, hfsr=0))


@pytest.mark.parametrize(
    ("cfsr", "hfsr", "names"),
    [
        (1 << 0, 0, ["IACCVIOL"]),
        (1 << 17, 1 << 30, ["INVSTATE", "FORCED"]),
        (1 << 25 | 1 << 24 | 1 << 7, 0, ["UNALIGNED", "DIVBYZERO"]),
        (0, 1 << 1, ["VECTTBL"]),
    ],
)
def test_status_bits_are_named_as_in_the_manual(cfsr, hfsr, names):
    assert [cause.partition(":")[0] for cause in status_causes(cfsr, hfsr)] == names


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 s"),
        (1, "1.000 s"),
        (0.0123, "12.30 ms"),
        (999.96, "1.000 ks"),
        (999_999, "1.000 Ms"),
        (-2.5e-6, "-2.500 µs"),
        (120e6, "120.0 Ms"),
        (3e-15, "0.003000 ps"),
        (1000, "1.000 ks"),
        (0.001, "1.000 ms"),
    ],
)
def test_prefixes_leave_one_to_three_digits_before_the_point(value, text):
    assert si(value, "s") == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (5 << 30, "5.0 GiB")]
)
def test_sizes_have_binary_prefixes(value, text):
    assert size(value) == text


def test_share_of_nothing_is_a_dash():
    assert (share(1, 4), share(1, 0)) == ("25.0 %", "–")


def test_printable_text_keeps_letters_of_any_script():
    assert printable("größe\t") == "größe\\x09"

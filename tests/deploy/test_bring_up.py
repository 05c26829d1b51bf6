"""Every board comes up by our own code: clock, wait states, caches, serial port, memories; and says so itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from kernels_c.toolchain import FINDERS
from mcusim import boards, doctor
from mcusim import program as programs
from mcusim.boards import Board, wait_states
from mcusim.deploy.layout import Support, support_of
from mcusim.machine.machine import Machine
from mcusim.machine.outcome import Options
from mcusim.report import Report
from mcusim.run import core_of, report_of
from tests.support.firmware import build_firmware

BOARDS = [name for name in boards.names() if not boards.load(name).ideal]
COMPILERS = [name for name, finder in FINDERS.items() if finder() is not None]
LINE_BITS = 64 * 10
BAUD = 115200
NEEDLESS = ("caches", "prefetch", "wait_states", "clock")
CACHES = 1 << 16 | 1 << 17  # SCB_CCR.DC, IC


def build(support: Support, **options) -> Path:
    banks = " ".join(f"EACH({bank.name})" for bank in support.layout.banks)
    return build_firmware(
        ["bring_up.c", "src/marks.c", *support.sources], support.core, fpu=support.fpu, layout=support.layout,
        console=support.console, defines={**support.defines, "BANKS": banks}, **options,
    )  # fmt: skip


def greeting(board: Board) -> str:
    return f"board up, memories right: {1 + len(support_of(board).layout.banks)}\n"


def run(elf: Path, board: Board) -> Machine:
    machine = Machine(programs.load(elf), board, core_of(board), Options(max_seconds=1.0, timeout_seconds=120))
    machine.run()
    return machine


@dataclass(frozen=True)
class Booted:
    board: Board
    elf: Path
    machine: Machine
    report: Report


@pytest.fixture(scope="module", params=BOARDS)
def booted(request) -> Booted:
    board = boards.load(request.param)
    elf = build(support_of(board), flags=("-O2", "-Werror"))
    machine = run(elf, board)
    return Booted(board, elf, machine, report_of(machine))


def test_it_says_that_each_memory_holds_what_it_should_and_ends_with_its_code(booted):
    assert booted.report.serial.startswith(greeting(booted.board))
    assert booted.report.serial.endswith("\n")
    assert (booted.report.exit.reason, booted.report.exit.code) == ("exit", 7)


def test_objects_lie_in_the_memory_that_they_name(booted):
    layout = support_of(booted.board).layout
    symbols = {symbol.name: symbol.address for symbol in programs.load(booted.elf).symbols}
    for bank in layout.banks:
        for kind in ("copied", "cleared", "left"):
            assert bank.origin <= symbols[f"{kind}_in_{bank.name}"] < bank.origin + bank.bytes


def test_the_core_runs_at_its_rated_clock(booted):
    assert booted.report.clock_hertz == booted.board.rated_hertz


def test_the_serial_port_runs_at_its_rate(booted):
    match = re.search(r"#mark line 1 (\d+)", booted.report.serial)
    assert match is not None
    baud = LINE_BITS * booted.board.rated_hertz / int(match[1])
    assert baud == pytest.approx(BAUD, rel=0.03)  # a receiver forgives 3 %; what runs between two characters is in here


def test_flash_waits_as_long_as_its_clock_needs(booted):
    board = booted.board
    if not wait_states.limits(board):
        pytest.skip("the board file has no table of wait states")
    ratio = int(board.firmware.defines.get("BUS_DIVIDER", 1))
    controller = booted.machine.peripheral("flash")
    assert controller.timing().wait_states == wait_states.needed(board, board.rated_hertz, ratio)


def test_a_cortex_m7_has_its_caches_on_and_its_mpu_off(booted):
    if booted.board.core != "m7":
        pytest.skip("no level 1 caches")
    stored = booted.machine.control.stored
    assert stored[0xED14] & CACHES == CACHES
    assert stored[0xED94] == 0


def test_nothing_that_it_touches_is_unmodelled(booted):
    assert [use for use in booted.report.unmodelled if use.peripheral] == []


@pytest.mark.slow
def test_the_doctor_finds_no_clock_cache_or_wait_state_to_mend(booted):
    found = doctor.diagnose(booted.elf, board=booted.board).findings
    assert [finding for finding in found if finding.kind in NEEDLESS] == []


@pytest.mark.parametrize("name", ["nucleo-l4r5zi", "nucleo-h743zi", "raspberry-pi-pico"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_each_compiler_builds_it(name, compiler):
    board = boards.load(name)
    elf = build(support_of(board), compiler_name=compiler)
    assert report_of(run(elf, board)).serial.startswith(greeting(board))


def test_another_crystal_needs_no_other_code():
    board = boards.load("nucleo-h743zi")
    rcc = next(spec for spec in board.peripherals if spec.name == "rcc")
    clocks = {**rcc.parameters["clocks"], "hse": {**rcc.parameters["clocks"]["hse"], "hertz": 16_000_000}}
    other = replace(rcc, parameters={**rcc.parameters, "clocks": clocks})
    board = replace(board, peripherals=tuple(other if spec is rcc else spec for spec in board.peripherals))
    assert report_of(run(build(support_of(board)), board)).clock_hertz == board.rated_hertz

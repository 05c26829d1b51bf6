"""Cycles by cause, of functions and of marks: every one has exactly one cause."""

from __future__ import annotations

import pytest

import mcusim
from kernels_c.toolchain import Layout
from mcusim import boards
from mcusim import program as programs
from mcusim.machine.cause_totals import CauseTotals, named
from mcusim.machine.machine import Machine, Options
from mcusim.machine.pass_counts import PassCounts
from mcusim.machine.profile import profile_of
from mcusim.run import core_of, report_of

KIB = 1024
CORES = ("m0", "m0plus", "m3", "m4", "m7", "m33")
WHOLE_BOARDS = {
    "nucleo-h743zi": ("m7", Layout(0x08000000, 128 * KIB, 0x24000000, 128 * KIB)),
    "nucleo-f746zg": ("m7", Layout(0x08000000, 128 * KIB, 0x20010000, 64 * KIB)),
    "nucleo-l4r5zi": ("m4", Layout(0x08000000, 128 * KIB, 0x20000000, 64 * KIB)),
    "stm32f4discovery": ("m4", Layout(0x08000000, 128 * KIB, 0x20000000, 64 * KIB)),
    "nano-33-ble": ("m4", Layout(0, 64 * KIB, 0x20000000, 64 * KIB)),
}


def assert_sums(report):
    assert sum(report.causes.values()) == report.cycles
    assert sum(function.self_cycles for function in report.functions) == report.cycles
    for function in report.functions:
        assert sum(function.causes.values()) == function.self_cycles, function
    for mark in report.marks:
        assert sum(mark.causes.values()) in (0, mark.cycles), mark
    everything = [report.causes, *(row.causes for row in (*report.functions, *report.marks))]
    assert all(cycles > 0 for causes in everything for cycles in causes.values())
    of_functions = {cause: sum(row.causes.get(cause, 0) for row in report.functions) for cause in report.causes}
    assert of_functions == report.causes


@pytest.fixture
def marked(build):
    """The program tests/firmware/marked.c for a core."""
    return lambda core, optimisation="-O2", **options: build(
        ["marked.c", "src/marks.c"], core, flags=(optimisation,), **options
    )


@pytest.mark.parametrize("optimisation", ["-O2", "-O0"])
@pytest.mark.parametrize("core", CORES)
def test_marks_with_interrupts_in_them_are_broken_down_exactly(marked, core, optimisation):
    report = mcusim.run(marked(core, optimisation=optimisation), core=core)
    assert report.exit.reason == "exit"
    assert_sums(report)
    names = {"outer", "inner", "idle"} | ({"tick"} if core not in ("m0", "m0plus") else set())
    assert {mark.name for mark in report.marks} == names
    assert all(mark.causes for mark in report.marks), report.marks
    by_name = {mark.name: mark for mark in report.marks}
    if core not in ("m0", "m0plus"):
        assert max(by_name["idle"].causes, key=by_name["idle"].causes.get) == "sleep"
        assert by_name["outer"].causes["exception"] > 0
    assert not any("is not known" in warning for warning in report.warnings)


@pytest.mark.parametrize("board", WHOLE_BOARDS)
def test_marks_on_memories_that_stall_are_broken_down_exactly(marked, board):
    core, layout = WHOLE_BOARDS[board]
    report = mcusim.run(marked(core, layout=layout), board=board)
    assert report.exit.reason == "exit"
    assert_sums(report)
    assert all(mark.causes for mark in report.marks), report.marks
    assert sum(path.stall_cycles for path in report.memory_paths) == sum(
        report.causes.get(cause, 0) for cause in ("flash", "instruction_miss", "data_miss", "bus")
    )


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("instructions", [777, 3003])
def test_a_run_that_is_cut_short_is_broken_down_exactly(marked, core, instructions):
    report = mcusim.run(marked(core), core=core, max_instructions=instructions)
    assert report.exit.reason == "max_instructions"
    assert_sums(report)


@pytest.mark.parametrize("program", ["faults.c", "nvic.c", "sleep.c", "scheduler.c", "calls.c"])
@pytest.mark.parametrize("core", ["m3", "m4", "m7"])
def test_faults_exceptions_and_sleep_are_broken_down_exactly(build, program, core):
    assert_sums(mcusim.run(build(program, core), core=core, max_seconds=5))


@pytest.mark.parametrize("board", ["m4", *WHOLE_BOARDS])
def test_totals_so_far_equal_the_profile_when_the_run_is_over(marked, board):
    core, layout = WHOLE_BOARDS.get(board, ("m4", Layout()))
    chosen = boards.load(board)
    machine = Machine(programs.load(marked(core, layout=layout)), chosen, core_of(chosen), Options())
    machine.run()
    assert named(CauseTotals(machine, PassCounts(machine.recorder)).now()) == report_of(machine).causes
    assert profile_of(machine).cycles == machine.now()


def test_a_program_without_the_structures_of_its_marks_says_so(build_source):
    report = mcusim.run(
        build_source('#include "uart.h"\nint main(void) { uart_puts("#mark guess 1 100\\n"); return 0; }', "m4"), core="m4"
    )
    assert report.marks[0].causes == {}
    assert any("guess" in warning and "is not known" in warning for warning in report.warnings)


def test_caches_are_reported_with_their_hit_rate(marked):
    core, layout = WHOLE_BOARDS["nano-33-ble"]
    report = mcusim.run(marked(core, layout=layout), board="nano-33-ble")
    for cache in report.caches:
        assert cache.hit_rate == cache.hits / (cache.hits + cache.misses)
    assert report.memory_paths and report.memory_devices

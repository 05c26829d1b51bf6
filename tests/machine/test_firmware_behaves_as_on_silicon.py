"""Self-checking firmware: each program says itself, by exit code 0, that the machine behaved as the Arm manuals say."""

from __future__ import annotations

import pytest

import mcusim

ALL = ("m0", "m0plus", "m3", "m4", "m7", "m33")
MAINLINE = ("m3", "m4", "m7", "m33")
PROGRAMS = {
    "bit_band": ("m3", "m4"),
    "calls": ALL,
    "cycle_counter": MAINLINE,
    "exclusive": MAINLINE,
    "faults": MAINLINE,
    "faults_v6m": ("m0", "m0plus"),
    "itm": MAINLINE,
    "mpu": ALL,
    "nvic": ALL,
    "recursion": ALL,
    "reset": ALL,
    "scheduler": ALL,
    "sleep": ALL,
    "systick": ALL,
    "vector_table": ("m0plus", *MAINLINE),
}


@pytest.mark.parametrize(("program", "core"), [(name, core) for name, cores in PROGRAMS.items() for core in cores])
def test_a_self_checking_program_passes(build, program, core):
    report = mcusim.run(build(f"{program}.c", core), core=core, max_seconds=1000, timeout_seconds=120)
    failures = [line for line in report.serial.splitlines() if "FAIL" in line]
    assert (failures, report.exit.reason, report.exit.code) == ([], "exit", 0)


@pytest.mark.parametrize("core", ["m4", "m7", "m33"])
def test_an_rtos_keeps_floating_point_registers_across_preemption(build, core):
    report = mcusim.run(build("scheduler.c", core), core=core, max_seconds=60)
    names = [stack.name for stack in report.stacks]
    counts = {exception.name: exception.count for exception in report.exceptions}
    assert report.exit.code == 0
    assert len(names) == 4 and names[0] == "main"
    assert counts["PendSV"] > 50 and counts["SysTick"] >= 30 and counts["SVCall"] >= 10


def test_a_sleep_of_minutes_takes_no_time_on_the_host(build):
    report = mcusim.run(build("sleep.c", "m4"), core="m4", timeout_seconds=60)
    assert report.cycles > 335_000_000
    assert report.instructions < 100_000
    assert report.host.wall_seconds < 20


def test_heap_peak_is_what_sbrk_was_asked_for(build):
    report = mcusim.run(build("heap.c", "m4", library="newlib"), core="m4", max_seconds=60)
    assert report.exit.code == 0
    assert report.memory.heap_peak_bytes is not None and report.memory.heap_peak_bytes >= 1024

"""High-water marks name the call that made them, and each stack is judged by the place it lies in."""

from __future__ import annotations

import pytest

import mcusim

DEEP_THEN_SHALLOW = r"""
#define REGISTER(address) (*(volatile unsigned *)(address))
volatile unsigned ticks, sum;
void SysTick_Handler(void)
{
    ticks++;
}
__attribute__((noinline)) void deep(void)
{
    volatile unsigned words[200];
    for (int i = 0; i < 200; i++) {
        words[i] = i;
    }
    sum = words[7];
}
__attribute__((noinline)) void shallow(void)
{
    while (ticks < 3) {
    }
}
int main(void)
{
    deep();
    REGISTER(0xe000e014) = 999;
    REGISTER(0xe000e018) = 0;
    REGISTER(0xe000e010) = 7;
    shallow();
    return 0;
}
"""

MOVED = r"""
unsigned char elsewhere[2048] __attribute__((aligned(8)));
unsigned guard = 1;
__attribute__((noinline, used)) void work(void)
{
    volatile unsigned char bytes[BYTES];
    for (int i = 0; i < BYTES; i++) {
        bytes[i] = 0;
    }
}
__attribute__((naked)) int main(void)
{
    __asm__ volatile("push {r4, r5, r6, lr}\n mrs r4, msp\n ldr r0, =elsewhere + 2048\n msr msp, r0\n bl work\n msr msp, r4\n"
                     "movs r0, #0\n pop {r4, r5, r6, pc}\n .ltorg");
}
"""


@pytest.mark.parametrize("core", ["m0", "m4", "m33"])
def test_an_interrupt_high_on_the_stack_does_not_take_over_the_mark(build_source, core):
    report = mcusim.run(build_source(DEEP_THEN_SHALLOW, core), core=core, max_seconds=5)
    assert report.exit.reason == "exit"
    assert report.stacks[0].path[-1] == "deep"
    assert 800 <= report.memory.stack_peak_bytes < 900


@pytest.mark.parametrize("core", ["m0", "m3", "m7"])
def test_a_moved_main_stack_is_a_stack_of_its_own(build_source, core):
    report = mcusim.run(build_source(MOVED, core, defines={"BYTES": 512}), core=core, max_seconds=5)
    assert (report.exit.reason, report.exit.code) == ("exit", 0)
    first, second = report.stacks
    assert first.peak_bytes < 128
    assert 512 <= second.peak_bytes < 600
    assert second.path[-1] == "work"
    assert report.memory.stack_peak_bytes == second.peak_bytes
    assert not [warning for warning in report.warnings if "overflow" in warning]


def test_a_moved_stack_that_leaves_its_array_is_told(build_source):
    report = mcusim.run(build_source(MOVED, "m4", defines={"BYTES": 2100}), core="m4", max_seconds=5)
    array = next(symbol for symbol in report.symbols if symbol.name == "elsewhere")
    told = [warning for warning in report.warnings if warning.startswith("stack overflow")]
    assert len(told) == 1
    assert f"below its place at 0x{array.address:08x}" in told[0]


@pytest.mark.parametrize("core", ["m3", "m4"])
def test_tasks_of_the_scheduler_overflow_nothing(build, core):
    report = mcusim.run(build("scheduler.c", core), core=core, max_seconds=60)
    assert len(report.stacks) > 2
    assert not [warning for warning in report.warnings if "overflow" in warning]

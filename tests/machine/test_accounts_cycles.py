"""Where cycles are booked: early exits keep their causes, and exceptions burden nobody they interrupt."""

from __future__ import annotations

import pytest

import mcusim

BUSY = r"""
#define REGISTER(address) (*(volatile unsigned *)(address))
volatile unsigned ticks;
void SysTick_Handler(void)
{
    ticks++;
}
__attribute__((noinline)) void divide(void)
{
    while (ticks < 200) {
        __asm__ volatile("mvn r1, #0\n movs r2, #1\n .rept 50\n udiv r0, r1, r2\n .endr" ::: "r0", "r1", "r2", "cc");
    }
}
int main(void)
{
    REGISTER(0xe000e014) = 299;
    REGISTER(0xe000e018) = 0;
    REGISTER(0xe000e010) = 7;
    divide();
    return 0;
}
"""


@pytest.mark.parametrize("core", ["m3", "m4"])
def test_blocks_left_early_keep_their_causes(build_source, core):
    report = mcusim.run(build_source(BUSY, core), core=core, max_seconds=5)
    assert report.exit.reason == "exit"
    assert sum(report.causes.values()) == report.cycles
    # 200 interrupts cut blocks of 50 divides, so nearly all divides stand in early exits; one cycle each is issue.
    assert report.causes["issue"] <= 1.2 * report.instructions
    assert report.causes["divide"] > 2 * report.causes["issue"]


@pytest.mark.parametrize("core", ["m3", "m4", "m7"])
def test_function_table_and_call_tree_agree_where_nothing_sleeps(build_source, core):
    report = mcusim.run(build_source(BUSY, core), core=core, max_seconds=5)
    tree = {}
    for node in report.call_tree:
        tree[node.function] = tree.get(node.function, 0) + node.self_cycles
    table = {function.name: function.self_cycles for function in report.functions}
    assert tree["(all)"] == table["(exception entry, exit and sleep)"]
    assert tree["SysTick_Handler"] == table["SysTick_Handler"]
    assert abs(tree["divide"] - table["divide"]) <= 4

"""Interrupts are taken at the first instruction boundary at or after their cycle, behind the store that pends them."""

from __future__ import annotations

import pytest

import mcusim

PERIOD = 5000

TICKS = r"""
#define REGISTER(address) (*(volatile unsigned *)(address))
unsigned stamps[32];
volatile unsigned count;
__attribute__((naked)) void SysTick_Handler(void)
{
    __asm__ volatile("ldr r0, =0xe0001004\n ldr r1, [r0]\n ldr r2, =count\n ldr r3, [r2]\n ldr r0, =stamps\n"
                     "str r1, [r0, r3, lsl #2]\n adds r3, #1\n str r3, [r2]\n bx lr\n .ltorg");
}
int main(void)
{
    REGISTER(0xe000edfc) |= 1u << 24;
    REGISTER(0xe0001000) |= 1;
    REGISTER(0xe000e014) = PERIOD - 1;
    REGISTER(0xe000e018) = 0;
    REGISTER(0xe000e010) = 7;
    while (count < 20) {
        __asm__ volatile(".rept 400\n adds r0, r0, #1\n .endr" ::: "r0", "cc");
    }
    REGISTER(0xe000e010) = 0;
    unsigned exact = 0;
    for (int i = 1; i < 20; i++) {
        unsigned gap = stamps[i] - stamps[i - 1];
        exact += gap == PERIOD;
        if (gap + 3 < PERIOD || gap > PERIOD + 3) {
            return 1;
        }
    }
    return exact >= 15 ? 0 : 2;
}
"""

PENDED = r"""
#define REGISTER(address) (*(volatile unsigned *)(address))
volatile unsigned seen;
unsigned step;
void PendSV_Handler(void)
{
    seen = step;
}
int main(void)
{
    __asm__ volatile("ldr r1, =0xe000ed04\n ldr r2, =0x10000000\n ldr r3, =step\n movs r0, #1\n str r0, [r3]\n"
                     "str r2, [r1]\n movs r0, #2\n str r0, [r3]\n movs r0, #3\n str r0, [r3]"
                     ::: "r0", "r1", "r2", "r3", "memory");
    return seen == 1 ? 0 : (int)seen + 10;
}
"""


@pytest.mark.parametrize("core", ["m3", "m4", "m33"])
def test_ticks_are_a_period_apart_to_the_cycle(build_source, core):
    report = mcusim.run(build_source(TICKS, core, defines={"PERIOD": PERIOD}), core=core, max_seconds=5)
    assert (report.exit.reason, report.exit.code) == ("exit", 0)


@pytest.mark.parametrize("core", ["m0", "m0plus", "m3", "m4", "m7", "m33"])
def test_an_exception_is_taken_right_behind_the_store_that_pends_it(build_source, core):
    report = mcusim.run(build_source(PENDED, core), core=core, max_seconds=5)
    assert (report.exit.reason, report.exit.code) == ("exit", 0)

"""WFI and WFE: what wakes the core, and that a sleep ends where the run's limits say (Armv7-M ARM B1.5.17 to B1.5.19)."""

from __future__ import annotations

import pytest

import mcusim

# An interrupt that PRIMASK holds back wakes WFI, and WFE only where SCR.SEVONPEND makes its pending an event.
MASKED = r"""
#define REGISTER(address) (*(volatile unsigned *)(address))
int main(void)
{
    REGISTER(0xe000ed10) = SEVONPEND << 4;
    __asm__ volatile("cpsid i\n sev\n wfe");
    REGISTER(0xe000e014) = 4999;
    REGISTER(0xe000e018) = 0;
    REGISTER(0xe000e010) = 7;
    __asm__ volatile(INSTRUCTION);
    return REGISTER(0xe000ed04) >> 26 & 1 ? 0 : 1;
}
"""

# A disabled interrupt is no event, pending before WFE or not; SysTick's handler ends the wait instead.
DISABLED = r"""
#define REGISTER(address) (*(volatile unsigned *)(address))
volatile unsigned ticks;
void SysTick_Handler(void)
{
    ticks++;
}
int main(void)
{
    REGISTER(0xe000ed10) = SEVONPEND << 4;
    __asm__ volatile("sev\n wfe");
    REGISTER(0xe000e200) = 1;
    if (SEVONPEND)
        __asm__ volatile("wfe");
    REGISTER(0xe000e200) = 1;
    REGISTER(0xe000e014) = 4999;
    REGISTER(0xe000e018) = 0;
    REGISTER(0xe000e010) = 7;
    __asm__ volatile("wfe");
    return ticks == 1 ? 0 : 1;
}
"""

LONG_SLEEP = r"""
#define REGISTER(address) (*(volatile unsigned *)(address))
int main(void)
{
    REGISTER(0xe000e014) = 0xffffff;
    REGISTER(0xe000e018) = 0;
    REGISTER(0xe000e010) = 7;
    __asm__ volatile("cpsid i\n wfi");
    for (volatile unsigned i = 0; i < 100000; i++) {
    }
    return 0;
}
"""

RESET_WHILE_ASLEEP = r"""
#define REGISTER(address) (*(volatile unsigned *)(address))
void SysTick_Handler(void)
{
    REGISTER(0xe000ed0c) = 0x05fa0004;
    for (;;) {
    }
}
int main(void)
{
    unsigned old = REGISTER(0x20080000);
    REGISTER(0x20080000) = 0x600d;
    if (old == 0x600d) {
        __asm__ volatile("cpsid i\n wfe");
        return 1;
    }
    __asm__ volatile("sev");
    REGISTER(0xe000e014) = 999;
    REGISTER(0xe000e018) = 0;
    REGISTER(0xe000e010) = 7;
    for (;;) {
    }
}
"""


@pytest.mark.parametrize("core", ["m0", "m4", "m33"])
@pytest.mark.parametrize(
    ("instruction", "sevonpend", "reason"),
    [("wfi", 0, "exit"), ("wfe", 0, "asleep"), ("wfe", 1, "exit")],
    ids=["wfi", "wfe", "wfe_sevonpend"],
)
def test_a_masked_interrupt_wakes_wfi_but_not_wfe(build_source, core, instruction, sevonpend, reason):
    elf = build_source(MASKED, core, defines={"SEVONPEND": sevonpend, "INSTRUCTION": f'"{instruction}"'})
    report = mcusim.run(elf, core=core, max_seconds=0.01)
    assert (report.exit.reason, report.exit.code or 0) == (reason, 0 if reason == "exit" else report.exit.code)


@pytest.mark.parametrize("sevonpend", [0, 1])
def test_a_disabled_interrupt_is_an_event_once_and_only_with_sevonpend(build_source, sevonpend):
    elf = build_source(DISABLED, "m4", defines={"SEVONPEND": sevonpend})
    report = mcusim.run(elf, core="m4", max_seconds=1)
    assert (report.exit.reason, report.exit.code) == ("exit", 0)
    assert report.cycles > 5000


def test_a_sleep_ends_at_the_limit_of_simulated_time(build_source):
    report = mcusim.run(build_source(LONG_SLEEP, "m4"), core="m4", max_seconds=1e-3)
    assert report.exit.reason == "max_seconds"
    assert report.clock_hertz * 1e-3 <= report.cycles <= report.clock_hertz * 1e-3 + 100


def test_an_instruction_limit_counts_instructions_not_the_cycles_slept(build_source):
    report = mcusim.run(build_source(LONG_SLEEP, "m4"), core="m4", max_instructions=10_000)
    assert report.exit.reason == "max_instructions"
    assert 10_000 <= report.instructions <= 10_100
    assert report.cycles > 0xFFFFFF


def test_a_reset_clears_the_event_register(build_source):
    report = mcusim.run(build_source(RESET_WHILE_ASLEEP, "m4"), core="m4", max_seconds=0.01)
    assert report.exit.reason == "asleep"

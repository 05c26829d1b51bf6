"""Code in RAM that stores change: what runs is what lies there (mcusim/machine/page_fill.py keeps stores to other RAM fast)."""

from __future__ import annotations

import pytest

import mcusim

# Two functions in one page of RAM, "movs r0, #N; bx lr", beside a variable. Whoever runs them, whoever writes them: privileged
# code, which shares translations with handlers, or (CONTROL.nPRIV) unprivileged code, which has its own.
PROGRAM = r"""
#include <stdint.h>
static struct { uint16_t first[8], second[8]; volatile uint32_t data; } page __attribute__((aligned(1024)));
static int wanted;
static void put(int number)
{
    page.first[0] = 0x2000 + number;
    page.second[0] = 0x2080 + number;
    page.first[1] = page.second[1] = 0x4770;
    page.data = number;
    __asm__ volatile("dsb\n isb" ::: "memory");
}
static int call(uint16_t *code) { return ((int (*)(void))((uintptr_t)code | 1))(); }
static int runs(int number)
{
    return call(page.first) == number && call(page.second) == 0x80 + number && page.data == (uint32_t)number;
}
void SVC_Handler(void) { put(wanted); }
int main(void)
{
    for (int number = 0; number < 4; number++) {
        put(number);
        if (!runs(number)) return 1;
    }
#ifdef UNPRIVILEGED
    __asm__ volatile("msr control, %0\n isb" :: "r"(1));
#endif
    for (int number = 4; number < 8; number++) {
        put(number);
        if (!runs(number)) return 2;
        wanted = number + 10;
        __asm__ volatile("svc 0" ::: "memory");
        if (!runs(wanted)) return 3;
    }
    return 0;
}
"""

# The first run of the functions is the unprivileged one, after privileged code filled the page with data.
FIRST_RUN_UNPRIVILEGED = PROGRAM.replace("if (!runs(number)) return 1;", "").replace("number < 4", "number < 1")


@pytest.mark.parametrize("text", [PROGRAM, FIRST_RUN_UNPRIVILEGED], ids=["", "first run unprivileged"])
@pytest.mark.parametrize("unprivileged", [False, True], ids=["privileged", "unprivileged"])
@pytest.mark.parametrize("core", ["m0", "m0plus", "m3", "m4", "m7", "m33"])
def test_the_code_that_runs_is_the_code_that_was_written(build_source, core, unprivileged, text):
    elf = build_source("#define UNPRIVILEGED\n" * unprivileged + text, core)
    ended = mcusim.run(elf, core=core, max_seconds=5).exit
    assert (ended.reason, ended.code) == ("exit", 0)


def test_code_that_is_changed_while_it_runs_is_priced_as_it_ran(build_source):
    """The same program, with the time of each round the same once everything has been met."""
    body = PROGRAM.replace("#include <stdint.h>", "#include <stdint.h>\n#define CYCCNT (*(volatile uint32_t *)0xe0001004)")
    body = body.replace("int main(void)\n{", """int main(void)
{
    uint32_t took[3];
    *(volatile uint32_t *)0xe000edfc = 1u << 24;
    *(volatile uint32_t *)0xe0001000 = 1;
    for (int round = 0; round < 3; round++) {
        const uint32_t before = CYCCNT;
        put(round);
        if (!runs(round)) return 4;
        took[round] = CYCCNT - before;
    }
    if (took[0] != took[1] || took[1] != took[2]) return 5;""")
    ended = mcusim.run(build_source(body, "m4"), core="m4", max_seconds=5).exit
    assert (ended.reason, ended.code) == ("exit", 0)

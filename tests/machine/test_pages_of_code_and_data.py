"""mcusim/machine/page_fill.py keeps stores to RAM fast: code that they change still runs as it lies there."""

from __future__ import annotations

import pytest

import mcusim
from kernels_c.toolchain import Layout

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


# Each access is the first one to its page and stands in an IT block that is true; what follows is false by that condition.
IT_BLOCK = r"""
#define PAGE(number) (0x20000000 + RAM_BYTES / 2 + (number) * 1024)
int main(void)
{
    for (int number = 0; number < 24; number++) {
        unsigned steps = 0;
        __asm__ volatile("cmp r0, r0\n ite eq\n ACCESS r3, [%1]\n movne r3, r3\n cmp %1, #0\n b 1f\n"
                         "1: adds %0, #1\n adds %0, #2" : "+l"(steps) : "l"(PAGE(number)) : "r3", "cc", "memory");
        if (steps != 3) return 1 + number;
    }
    return 0;
}
"""


@pytest.mark.parametrize("access", ["streq", "ldreq"])
@pytest.mark.parametrize("core", ["m3", "m4", "m7", "m33"])
def test_an_it_block_that_meets_a_new_page_says_nothing_of_the_code_behind_it(build_source, core, access):
    text = f"#define RAM_BYTES {Layout().ram_bytes}\n" + IT_BLOCK.replace("ACCESS", access)
    ended = mcusim.run(build_source(text, core), core=core, max_seconds=5).exit
    assert (ended.reason, ended.code) == ("exit", 0)

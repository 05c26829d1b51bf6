"""What the firmware reads from its own counters is what the report says."""

from __future__ import annotations

import pytest

import mcusim
from kernels_c.toolchain import Layout
from mcusim import boards
from mcusim import program as programs
from mcusim.machine.machine import Machine, Options
from mcusim.machine.profile import profile_of
from mcusim.run import core_of

MEASURE = r"""
#define REGISTER(address) (*(volatile unsigned *)(address))
void uart_put_unsigned(unsigned);
void uart_puts(const char *);
__attribute__((noinline, naked)) void block(unsigned *out)
{
    __asm__ volatile(
        "push {r4, r5, lr}\n ldr r4, =0xe0001004\n ldr r1, [r4]\n"
        BODY
        "ldr r2, [r4]\n str r1, [r0]\n str r2, [r0, #4]\n pop {r4, r5, pc}\n .ltorg");
}
unsigned counts[2];
int main(void)
{
    REGISTER(0xe000edfc) |= 1u << 24;
    REGISTER(0xe0001000) |= 1;
    block(counts);
    return (int)(counts[1] - counts[0]);
}
"""


@pytest.mark.parametrize(
    ("body", "cycles"),
    [
        # The first LDR counts 2 cycles by itself (it pipelines only with a neighbouring load or store), then the body.
        ("", 1),  # two loads in a row pipeline: LDR; LDR = 3 cycles, the second starts 1 after the first (M4 TRM 3.3.2)
        ("nop\n", 2),  # a NOP is absorbed by the load before it (H9)
        ("adds r3, r3, #1\n", 3),
        ("adds r3, r3, #1\n adds r3, r3, #1\n adds r3, r3, #1\n", 5),
        # LDR 2, MOV 1, ten SUBS, nine taken branches of 1 + P, one not taken. The loop straddles two fetch words: P = 2.
        ("mov r5, #10\n 1: subs r5, #1\n bne 1b\n", 2 + 1 + 10 + 9 * 3 + 1),
    ],
    ids=["nothing", "nop", "one add", "three adds", "loop of ten"],
)
def test_cyccnt_differs_by_the_cycles_in_between(build_source, body, cycles):
    text = MEASURE.replace("BODY", '"' + body.replace("\n", "\\n") + '"')
    report = mcusim.run(build_source(text, "m4"), core="m4", max_instructions=10_000)
    assert report.exit.code == cycles


def test_cyccnt_around_a_function_equals_the_functions_cycles_in_the_report(build):
    report = mcusim.run(build("cycle_counter.c", "m4"), core="m4")
    assert report.exit.code == 0
    assert sum(function.self_cycles for function in report.functions) == report.cycles


@pytest.mark.parametrize("core", ["m0", "m3", "m4", "m7", "m33"])
def test_causes_functions_and_call_tree_each_sum_to_all_cycles(build, core):
    report = mcusim.run(build("scheduler.c", core), core=core, max_seconds=60)
    assert sum(function.self_cycles for function in report.functions) == report.cycles
    assert sum(report.causes.values()) == report.cycles
    assert sum(node.self_cycles for node in report.call_tree) == report.cycles


def test_instructions_are_counted_one_by_one(build_source):
    text = "__attribute__((naked)) int main(void) { __asm__ volatile(\"movs r0, #0\\n nop\\n nop\\n bx lr\"); }"
    report = mcusim.run(build_source(text, "m4"), core="m4")
    main = next(function for function in report.functions if function.name == "main")
    assert main.calls == 1
    assert report.exit.code == 0


def test_latency_is_cycles_over_the_clock(build):
    report = mcusim.run(build("calls.c", "m4"), core="m4")
    assert report.latency_seconds == pytest.approx(report.cycles / report.clock_hertz)


def test_traffic_of_a_known_loop_is_exact(build_source):
    text = r"""
    unsigned words[64];
    int main(void)
    {
        unsigned char *bytes = (unsigned char *)words;
        __asm__ volatile("movs r2, #64\n 1: ldr r3, [%0]\n strb r3, [%1]\n subs r2, #1\n bne 1b"
                         :: "r"(words), "r"(bytes + 100) : "r2", "r3", "memory", "cc");
        return 0;
    }
    """
    board = boards.load("m4")
    machine = Machine(programs.load(build_source(text, "m4")), board, core_of(board), Options())
    machine.run()
    loop = [node for node in machine.recorder.graph.nodes if any(i.mnemonic == "strb" for i in node.record.block.instructions)]
    assert loop
    profile = profile_of(machine)
    assert profile.traffic["ram"].read_bytes >= 64 * 4
    assert profile.unknown_facts == 0


REUSED = r"""
#define REGISTER(address) (*(volatile unsigned *)(address))
unsigned words[4];
__attribute__((noinline, naked)) unsigned gap(unsigned *memory)
{
    __asm__ volatile("push {r4, r7, lr}\n ldr r4, =0xe0001004\n mov r7, r0\n"
                     "ldr r1, [r7]\n ldr r2, [r4]\n mov r7, r4\n" BODY
                     "ldr r0, [r7]\n subs r0, r0, r2\n pop {r4, r7, pc}\n .ltorg");
}
int main(void)
{
    REGISTER(0xe000edfc) |= 1u << 24;
    REGISTER(0xe0001000) |= 1;
    return (int)gap(words);
}
"""


@pytest.mark.parametrize("adds", [0, 1, 20])
def test_a_counter_read_through_a_reused_register_is_exact(build_source, adds):
    text = REUSED.replace("BODY", '"' + "adds r3, r3, #1\\n" * adds + '"')
    report = mcusim.run(build_source(text, "m4"), core="m4")
    # From the data phase of one LDR to that of the other: MOV, the additions, and the second LDR's two cycles; with the LDR
    # address made by the MOV just before it, one more for the address (H3).
    assert report.exit.code == 1 + adds + 2 + (1 if adds == 0 else 0)


APART = """
    .syntax unified
    .thumb
    .text
    .global main
    .thumb_func
main:
    ldr r0, =0x40023C00 @ FLASH_ACR of STM32F4
    movs r1, #{wait_states}
    str r1, [r0]
    ldr r0, =0xE000EDFC @ DEMCR.TRCENA
    ldr r1, =0x01000000
    str r1, [r0]
    ldr r0, =0xE0001000 @ DWT_CTRL.CYCCNTENA
    movs r1, #1
    str r1, [r0]
    b 1f
    .ltorg
    .balign 16
1:  ldr r2, [r0, #4]
    .rept 31
    nop
    .endr
    ldr r3, [r0, #4]
    subs r0, r3, r2
    bx lr
"""


@pytest.mark.parametrize("wait_states", [1, 5, 7])
def test_a_counter_read_inside_a_block_has_seen_the_stalls_before_it(build_source, wait_states):
    """64 bytes of code lie between two reads: four lines of 16 bytes, each fetched once, without caches and prefetch."""
    layout = Layout(0x08000000, 1 << 18, 0x20000000, 112 << 10)
    passed = [
        mcusim.run(build_source(APART.format(wait_states=number), "m4", suffix=".S", layout=layout), board="stm32f4discovery")
        for number in (0, wait_states)
    ]
    assert passed[1].exit.code - passed[0].exit.code == 4 * wait_states

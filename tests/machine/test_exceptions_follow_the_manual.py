"""Exception entry, return and faults, case by case; each program exits 0 when every expectation of the manual cited holds.

Armv7-M ARM is DDI 0403E, Armv8-M ARM DDI 0553.
"""

from __future__ import annotations

import pytest

import mcusim
from kernels_c.toolchain import Layout
from mcusim.machine.nvic import FIRST_INTERRUPT, Nvic

RAM_BYTES = Layout().ram_bytes
"""RAM of the ideal boards, which is the program's, from 0x20000000 on; the stack lies at its end."""

PRELUDE = r"""
#define REGISTER(address) (*(volatile unsigned *)(address))
#define ICSR REGISTER(0xe000ed04)
#define VTOR REGISTER(0xe000ed08)
#define CCR REGISTER(0xe000ed14)
#define SHCSR REGISTER(0xe000ed24)
#define CFSR REGISTER(0xe000ed28)
#define HFSR REGISTER(0xe000ed2c)
#define EXPECT(number, what) do { if (!(what)) return number; } while (0)
volatile unsigned seen[8];
"""

# B1.5.8, PopStack: EPSR.IT comes back from the frame, so what follows SVC in its IT block stays conditional.
IT_BLOCK = PRELUDE + r"""
void SVC_Handler(void)
{
    seen[0]++;
    __asm__ volatile("movs r0, #1\n cmp r0, #0" ::: "r0", "cc");
}
int main(void)
{
    unsigned then = 0, other = 0;
    __asm__ volatile("movs r3, #0\n cmp r3, #0\n ittee eq\n svceq #0\n moveq %0, #1\n movne %1, #1\n addne %1, #2"
                     : "+r"(then), "+r"(other)::"r3", "cc", "memory");
    EXPECT(1, seen[0] == 1);
    EXPECT(2, then == 1);
    EXPECT(3, other == 0);
    return 0;
}
"""

# B1.5.8, ExceptionReturn: an unknown EXC_RETURN is UsageFault INVPC on the frame that is there, LR = 0xF0000000 + its bits.
ILLEGAL_RETURN = PRELUDE + r"""
__attribute__((naked)) void SVC_Handler(void)
{
    __asm__ volatile("ldr r0, =0xfffffff5\n bx r0\n .ltorg");
}
__attribute__((naked)) void UsageFault_Handler(void)
{
    __asm__ volatile("ldr r1, =seen\n str lr, [r1]\n mrs r0, msp\n str r0, [r1, #4]\n ldr r2, =0xe000ed28\n ldr r3, [r2]\n"
                     "str r3, [r1, #8]\n str r3, [r2]\n ldr r0, =GOOD\n bx r0\n .ltorg");
}
int main(void)
{
    unsigned before;
    SHCSR |= 1u << 18;
    __asm__ volatile("mrs %0, msp\n svc #0" : "=r"(before)::"r0", "r1", "r2", "r3", "memory");
    EXPECT(1, seen[0] == 0xfffffff5);
    EXPECT(2, before - seen[1] >= 32 && before - seen[1] <= 36);
    EXPECT(3, seen[2] == 1u << 18);
    EXPECT(4, (SHCSR & 0x8f) == 0);
    return 0;
}
"""

# B1.5.6 and B1.5.12: a bus error on stacking is a BusFault of its own (STKERR); the SVC stays pending and is taken behind it.
BAD_STACK = PRELUDE + r"""
unsigned long long frame[8];
void SVC_Handler(void)
{
    seen[1] = ++seen[0];
}
__attribute__((naked)) void BusFault_Handler(void)
{
    __asm__ volatile("ldr r1, =seen\n ldr r3, [r1]\n adds r3, #1\n str r3, [r1]\n str r3, [r1, #8]\n"
                     "ldr r2, =0xe000ed28\n ldr r3, [r2]\n str r3, [r1, #12]\n str r3, [r2]\n"
                     "ldr r2, =frame\n ldr r3, =behind\n str r3, [r2, #24]\n ldr r3, =0x01000000\n str r3, [r2, #28]\n"
                     "msr psp, r2\n bx lr\n .ltorg");
}
int main(void)
{
    SHCSR |= 1u << 17;
    __asm__ volatile("ldr r0, =0xa0001000\n msr psp, r0\n movs r0, #2\n msr control, r0\n isb\n svc #0\n b .\n"
                     ".thumb_func\n behind: movs r0, #0\n msr control, r0\n isb"
                     ::: "r0", "r1", "r2", "r3", "r12", "lr", "memory", "cc");
    EXPECT(1, seen[2] == 1);
    EXPECT(2, seen[1] == 2);
    EXPECT(3, seen[3] == 1u << 12);
    EXPECT(4, HFSR == 0);
    return 0;
}
"""

# B1.5.8: a bus error on unstacking is UNSTKERR, tail-chained; the handler repairs PSP and returns again.
BAD_UNSTACKING = PRELUDE + r"""
unsigned good;
__attribute__((naked)) void SVC_Handler(void)
{
    __asm__ volatile("mrs r0, psp\n ldr r1, =good\n str r0, [r1]\n ldr r0, =0xa0001000\n msr psp, r0\n bx lr\n .ltorg");
}
__attribute__((naked)) void BusFault_Handler(void)
{
    __asm__ volatile("ldr r1, =seen\n ldr r2, =0xe000ed28\n ldr r3, [r2]\n str r3, [r1]\n str r3, [r2]\n"
                     "ldr r1, =good\n ldr r0, [r1]\n msr psp, r0\n bx lr\n .ltorg");
}
unsigned long long stack[32];
int main(void)
{
    SHCSR |= 1u << 17;
    __asm__ volatile("ldr r0, =stack + 256\n msr psp, r0\n movs r0, #2\n msr control, r0\n isb\n svc #0\n"
                     "movs r0, #0\n msr control, r0\n isb" ::: "r0", "r1", "r2", "r3", "r12", "lr", "memory", "cc");
    EXPECT(1, seen[0] == 1u << 11);
    return 0;
}
"""

# B1.4.4 CONTROL, B1.5.6: handlers read SPSEL and FPCA as 0; the first FP use takes modes from FPDSCR; the return restores both.
CONTROL = PRELUDE + r"""
unsigned long long stack[64];
__attribute__((naked)) void SVC_Handler(void)
{
    __asm__ volatile("ldr r1, =seen\n mrs r0, control\n str r0, [r1]\n isb\n vmov s1, r0\n vmrs r0, fpscr\n str r0, [r1, #4]\n"
                     "mrs r0, control\n str r0, [r1, #8]\n bx lr\n .ltorg");
}
int main(void)
{
    unsigned after, modes, cleared;
    REGISTER(0xe000ed88) |= 0xf << 20;
    REGISTER(0xe000ef3c) = 1u << 25;
    __asm__ volatile("dsb\n isb\n ldr r0, =stack + 512\n msr psp, r0\n movs r0, #2\n msr control, r0\n isb\n"
                     "movs r0, #0\n vmov s0, r0\n vmsr fpscr, r0\n svc #0\n mrs %0, control\n vmrs %1, fpscr\n"
                     "movs r0, #0\n msr control, r0\n isb\n svc #0\n mrs %2, control"
                     : "=&r"(after), "=&r"(modes), "=&r"(cleared)::"r0", "r1", "r2", "r3", "r12", "lr", "memory", "cc");
    EXPECT(1, (seen[0] & 7) == 0);
    EXPECT(2, (seen[1] & 0x07c00000) == 1u << 25);
    EXPECT(3, (seen[2] & 7) == 4);
    EXPECT(4, (after & 7) == 6);
    EXPECT(5, (modes & 0x07c00000) == 0);
    EXPECT(6, (cleared & 7) == 0);
    return 0;
}
"""

# B3.2.15: bits of CFSR are cleared by ones; a byte store writes the other lanes with nothing, not with what they read as.
BYTE_LANES = PRELUDE + r"""
__attribute__((naked)) void UsageFault_Handler(void)
{
    __asm__ volatile("ldr r0, [sp, #24]\n adds r0, #4\n str r0, [sp, #24]\n bx lr");
}
int main(void)
{
    SHCSR |= 1u << 18;
    CCR |= 1u << 4;
    __asm__ volatile("dsb\n isb\n movs r0, #0\n sdiv r0, r0, r0\n .inst.w 0xf7f0a000" ::: "r0");
    EXPECT(1, CFSR == (1u << 25 | 1u << 16));
    *(volatile unsigned char *)0xe000ed2b = 2;
    EXPECT(2, CFSR == 1u << 16);
    *(volatile unsigned short *)0xe000ed2a = 1;
    EXPECT(3, CFSR == 0);
    return 0;
}
"""

# B3.2.16: a vector that cannot be read is HardFault with VECTTBL; the interrupt stays pending and is taken once it can be.
VECTOR_FETCH = PRELUDE + r"""
void other(void)
{
    seen[1]++;
}
void HardFault_Handler(void)
{
    seen[0]++;
    seen[2] = HFSR;
    HFSR = HFSR;
    VTOR = seen[3];
}
__attribute__((used)) int check(void)
{
    unsigned *near_end = (unsigned *)(RAM_END - 0x80), *whole = (unsigned *)(RAM_END - 0x1800), kept[32];
    for (int i = 0; i < 32; i++) {
        kept[i] = near_end[i];
        whole[i] = near_end[i] = ((unsigned *)VTOR)[i];
    }
    whole[16 + 20] = (unsigned)other;
    seen[3] = (unsigned)whole;
    VTOR = (unsigned)near_end;
    REGISTER(0xe000e100) = 1u << 20;
    REGISTER(0xe000e200) = 1u << 20;
    __asm__ volatile("dsb\n isb");
    for (int i = 0; i < 32; i++)
        near_end[i] = kept[i];
    EXPECT(1, seen[0] == 1);
    EXPECT(2, seen[2] == 2);
    EXPECT(3, seen[1] == 1);
    return 0;
}
__attribute__((naked)) int main(void)
{
    __asm__ volatile("push {r4, lr}\n mov r4, sp\n ldr r0, =" STACK "\n mov sp, r0\n bl check\n mov sp, r4\n"
                     "pop {r4, pc}\n .ltorg");
}
"""

# A6.7.129 and B1.5.15: SVC at HardFault priority cannot be taken.
LOCKUP = PRELUDE + r"""
void HardFault_Handler(void)
{
    __asm__ volatile("svc #0");
}
int main(void)
{
    __asm__ volatile("cpsid i\n svc #0");
    return 0;
}
"""

# B3.2.5 TBLOFF and CMSIS core_cm0plus.h; Armv6-M ARM B3.2.8: CCR is read-only; C1.6.2: DHCSR of a core without a debugger.
REGISTERS = PRELUDE + r"""
int main(void)
{
    unsigned before = VTOR, ccr = CCR;
    VTOR = 0x2000ffff;
    unsigned mask = VTOR;
    VTOR = before;
    EXPECT(1, mask == VTOR_EXPECTED);
    CCR = 0x10;
    EXPECT(2, CCR == (CCR_FIXED ? ccr : 0x10));
    EXPECT(3, (REGISTER(0xe000edf0) & 1) == 0);
    return 0;
}
"""

EXIT_IN_HANDLER = PRELUDE + r"""
void exit(int);
void PendSV_Handler(void)
{
    for (volatile int i = 0; i < 100; i++) {
    }
    REGISTER(0xe000ed0c) = 0x05fa0004;
    for (;;) {
    }
}
__attribute__((section(".noinit"))) unsigned unused;
int main(void)
{
    ICSR = 1u << 28;
    for (;;) {
    }
}
"""


def ends(report) -> tuple[str, int]:
    return report.exit.reason, report.exit.code


@pytest.mark.parametrize("core", ["m3", "m4", "m7", "m33"])
@pytest.mark.parametrize("text", [IT_BLOCK, BAD_STACK, BAD_UNSTACKING, BYTE_LANES],
                         ids=["it_block", "bad_stack", "bad_unstacking", "byte_lanes"])  # fmt: skip
def test_the_program_finds_what_the_manual_says(build_source, text, core):
    assert ends(mcusim.run(build_source(text, core), core=core, max_seconds=1)) == ("exit", 0)


@pytest.mark.parametrize(("core", "good"), [("m3", "0xfffffff9"), ("m4", "0xfffffff9")])
def test_an_illegal_return_is_a_usage_fault_without_stacking(build_source, core, good):
    elf = build_source(ILLEGAL_RETURN.replace("GOOD", good), core)
    assert ends(mcusim.run(elf, core=core, max_seconds=1)) == ("exit", 0)


@pytest.mark.parametrize("core", ["m4", "m7", "m33"])
def test_control_and_fpscr_follow_the_context(build_source, core):
    assert ends(mcusim.run(build_source(CONTROL, core), core=core, max_seconds=1)) == ("exit", 0)


@pytest.mark.parametrize("core", ["m3", "m33"])
def test_an_unreadable_vector_is_a_hard_fault(build_source, core):
    end = 0x20000000 + RAM_BYTES
    elf = build_source(VECTOR_FETCH, core, defines={"RAM_END": hex(end), "STACK": f'"{end - 0x2000:#x}"'})
    assert ends(mcusim.run(elf, core=core, max_seconds=1)) == ("exit", 0)


@pytest.mark.parametrize("core", ["m0", "m4"])
def test_a_lockup_names_the_instruction_that_locks(build_source, core):
    report = mcusim.run(build_source(LOCKUP, core), core=core, max_seconds=1)
    assert report.exit.reason == "lockup"
    assert (report.fault.symbol, report.fault.disassembly.split()[0]) == ("HardFault_Handler", "svc")


@pytest.mark.parametrize(("core", "mask", "fixed"), [("m0plus", "0x2000ff00", 1), ("m4", "0x2000ff80", 0)])
def test_system_registers_keep_the_bits_they_have(build_source, core, mask, fixed):
    elf = build_source(REGISTERS, core, defines={"VTOR_EXPECTED": mask, "CCR_FIXED": fixed})
    report = mcusim.run(elf, core=core, max_seconds=1)
    assert (ends(report), report.unmodelled) == (("exit", 0), ())


def test_a_handler_that_a_reset_ends_is_booked(build_source):
    report = mcusim.run(build_source(EXIT_IN_HANDLER, "m4"), core="m4", max_seconds=0.01)
    pendsv = next(exception for exception in report.exceptions if exception.name == "PendSV")
    assert pendsv.count > 1
    assert pendsv.cycles > 300 * pendsv.count


def test_an_edge_while_its_handler_runs_pends_again_even_when_it_falls():
    """Armv7-M ARM B3.4.1: a pulse is latched; a level that is still high at the return pends once more."""
    nvic, number = Nvic(interrupts=8, priority_bits=3, has_groups=True), FIRST_INTERRUPT + 2
    nvic.set_level(2, True)
    nvic.activate(number)
    nvic.set_level(2, False)
    nvic.set_level(2, True)
    nvic.set_level(2, False)
    nvic.deactivate(number)
    assert number in nvic.pending

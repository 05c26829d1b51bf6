/*
 * Faults of ARMv6-M, where every one is a HardFault (m0, m0plus).
 *
 * The handler notes the stacked PC and goes on behind the faulting instruction, or at the end of the case.
 * Expected on silicon (DDI 0419 B1.5.3, A5): exit code 0, only names of cases and "passed". UNMAPPED must be an address
 * that nothing answers.
 */
#include "check.h"

#ifndef UNMAPPED
#define UNMAPPED 0xA0000000u
#endif

struct frame {
    uint32_t r0, r1, r2, r3, r12, lr, pc, xpsr;
};

static volatile uint32_t fault_count, fault_number, fault_pc, leave_case;
uint32_t resume_sp;
void end_of_case(void);

void __attribute__((used)) take_fault(struct frame *frame)
{
    fault_count++;
    fault_number = READ_SPECIAL(ipsr);
    fault_pc = frame->pc;
    if (leave_case) {
        frame->pc = (uint32_t)end_of_case & ~1u;
        frame->xpsr |= 1u << 24;
    } else {
        frame->pc += *(const uint16_t *)frame->pc >= 0xE800 ? 4 : 2;
    }
}

void __attribute__((naked)) HardFault_Handler(void)
{
    __asm__ volatile("mrs r0, msp\n\tldr r1, =take_fault\n\tbx r1\n\t.ltorg");
}

void run_case(void (*provoke)(void));
__asm__(
    ".text\n\t.syntax unified\n\t.thumb\n\t"
    ".thumb_func\n\t.global run_case\n\t.type run_case, %function\n"
    "run_case:\n\t"
    "push {r4-r7, lr}\n\t"
    "sub sp, #4\n\t"
    "ldr r1, =resume_sp\n\t"
    "mov r2, sp\n\t"
    "str r2, [r1]\n\t"
    "blx r0\n\t"
    ".thumb_func\n\t.global end_of_case\n\t.type end_of_case, %function\n"
    "end_of_case:\n\t"
    "ldr r1, =resume_sp\n\t"
    "ldr r1, [r1]\n\t"
    "mov sp, r1\n\t"
    "add sp, #4\n\t"
    "pop {r4-r7, pc}\n\t"
    ".ltorg");

static void expect(const char *what, void (*provoke)(void), int leave)
{
    fault_count = fault_number = 0;
    leave_case = (uint32_t)leave;
    run_case(provoke);
    uart_puts(what);
    uart_puts("\n");
    check_equal("  faults taken", fault_count, 1);
    check_equal("  exception number", fault_number, 3);
}

static volatile uint32_t words[2];

#define CASE(name, text)                    \
    static void name(void)                  \
    {                                       \
        __asm__ volatile(text ::: "r0", "r1", "r2", "r3", "memory"); \
    }

CASE(undefined, ".global undefined_here\nundefined_here: udf #0")
CASE(divide, ".inst.w 0xfb90f0f1")          /* SDIV R0, R0, R1 */
CASE(move_wide, ".inst.w 0xf2412034")       /* MOVW R0, #0x1234 */
CASE(compare_branch, ".inst.n 0xb100")      /* CBZ R0, next */
CASE(if_then, ".inst.n 0xbf08\n\t.inst.n 0xbf00") /* IT EQ; NOP */
CASE(dsp, ".inst.w 0xfb210002")             /* SMLAD R0, R1, R2, R0 */
CASE(float_add, ".inst.w 0xee300a00")       /* VADD.F32 S0, S0, S0 */
CASE(exclusive, ".inst.w 0xe8510f00")       /* LDREX R0, [R1] */
CASE(jump_even, "movs r0, #16\n\tbx r0")
CASE(masked_call, "cpsid i\n\tsvc 0")

static void load_unaligned(void)
{
    __asm__ volatile("ldr r0, [%0]" ::"r"((uint32_t)words + 1) : "r0");
}

static void load_half_unaligned(void)
{
    __asm__ volatile("ldrh r0, [%0]" ::"r"((uint32_t)words + 1) : "r0");
}

static void store_unaligned(void)
{
    __asm__ volatile("str %0, [%0]" ::"r"((uint32_t)words + 2) : "memory");
}

static void load_unmapped(void)
{
    words[0] = *(volatile uint32_t *)UNMAPPED;
}

int main(void)
{
    extern const char undefined_here[];
    expect("undefined", undefined, 0);
    check_equal("  stacked PC", fault_pc, (uint32_t)undefined_here & ~1u);
    expect("SDIV", divide, 0);
    expect("MOVW", move_wide, 0);
    expect("CBZ", compare_branch, 0);
    expect("IT", if_then, 0);
    expect("SMLAD", dsp, 0);
    expect("VADD", float_add, 0);
    expect("LDREX", exclusive, 0);
    expect("unaligned LDR", load_unaligned, 0);
    expect("unaligned LDRH", load_half_unaligned, 0);
    expect("unaligned STR", store_unaligned, 0);
    expect("load from nowhere", load_unmapped, 0);
    expect("jump to an even address", jump_even, 1);
    expect("SVC while masked", masked_call, 1);
    enable_interrupts();
    return failures();
}

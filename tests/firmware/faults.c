/*
 * Faults that the firmware handles and recovers from (m3, m4, m7, m33).
 *
 * Each case provokes one fault; the handler notes exception number, CFSR, HFSR, BFAR and the stacked PC, clears the
 * flags and goes on behind the faulting instruction, or, where the PC itself is lost, at the end of the case.
 *
 * Expected on silicon (DDI 0403 B1.5, B3.2): exit code 0, only "passed". UNMAPPED_DATA must be an address that nothing
 * answers, UNMAPPED_CODE the same in a region from which instructions may be fetched.
 */
#include "check.h"

#ifndef UNMAPPED_DATA
#define UNMAPPED_DATA 0xA0000000u
#endif
#ifndef UNMAPPED_CODE
#define UNMAPPED_CODE 0x70000000u
#endif

enum { HARD = 3, MEM_MANAGE = 4, BUS = 5, USAGE = 6 };

struct frame {
    uint32_t r0, r1, r2, r3, r12, lr, pc, xpsr;
};

static struct {
    uint32_t count, number, cfsr, hfsr, bfar, pc, xpsr;
} fault;

uint32_t resume_sp;
static volatile uint32_t leave_case;
void end_of_case(void);

void __attribute__((used)) take_fault(struct frame *frame)
{
    fault.count++;
    fault.number = READ_SPECIAL(ipsr);
    fault.bfar = SCB_BFAR;
    fault.cfsr = SCB_CFSR;
    fault.hfsr = SCB_HFSR;
    fault.pc = frame->pc;
    fault.xpsr = frame->xpsr;
    SCB_CFSR = fault.cfsr;
    SCB_HFSR = fault.hfsr;
    if (leave_case) {
        frame->pc = (uint32_t)end_of_case & ~1u;
        frame->xpsr = (frame->xpsr & ~0x0600FC00u) | (1u << 24);
    } else {
        const uint16_t first = *(const uint16_t *)frame->pc;
        frame->pc += first >= 0xE800 ? 4 : 2;
    }
}

#define HANDLER(name)                                  \
    void __attribute__((naked)) name(void)             \
    {                                                  \
        __asm__ volatile("mrs r0, msp\n\tb take_fault"); \
    }

HANDLER(HardFault_Handler)
HANDLER(MemManage_Handler)
HANDLER(BusFault_Handler)
HANDLER(UsageFault_Handler)

/* Calls `provoke` so that the handler can leave it from anywhere, by end_of_case. */
void run_case(void (*provoke)(void));
__asm__(
    ".text\n\t.syntax unified\n\t.thumb\n\t"
    ".thumb_func\n\t.global run_case\n\t.type run_case, %function\n"
    "run_case:\n\t"
    "push {r4-r11, lr}\n\t"
    "sub sp, #4\n\t"
    "ldr r1, =resume_sp\n\t"
    "str sp, [r1]\n\t"
    "blx r0\n\t"
    ".thumb_func\n\t.global end_of_case\n\t.type end_of_case, %function\n"
    "end_of_case:\n\t"
    "ldr r1, =resume_sp\n\t"
    "ldr r1, [r1]\n\t"
    "mov sp, r1\n\t"
    "add sp, #4\n\t"
    "pop {r4-r11, pc}\n\t"
    ".ltorg");

static void expect(const char *what, void (*provoke)(void), int leave, uint32_t number, uint32_t cfsr)
{
    fault.count = fault.number = fault.cfsr = fault.hfsr = 0;
    leave_case = (uint32_t)leave;
    run_case(provoke);
    uart_puts(what);
    uart_puts("\n");
    check_equal("  faults taken", fault.count, number != 0);
    check_equal("  exception number", fault.number, number);
    check_equal("  CFSR", fault.cfsr, cfsr);
    check_equal("  HFSR.FORCED", fault.hfsr & HFSR_FORCED, number == HARD ? HFSR_FORCED : 0);
}

static volatile uint32_t words[4] = {0x03020100u, 0x07060504u, 0x0B0A0908u, 0x0F0E0D0Cu};
static volatile uint32_t result;

static void undefined(void)
{
    __asm__ volatile(".global undefined_here\nundefined_here: udf #0");
}

static void undefined_wide(void)
{
    __asm__ volatile(".inst.w 0xf7f0a000"); /* UDF.W #0 */
}

static void divide_by_zero(void)
{
    uint32_t quotient = 77;
    __asm__ volatile("sdiv %0, %1, %2" : "+r"(quotient) : "r"(5), "r"(0));
    result = quotient;
}

static void load_unaligned(void)
{
    uint32_t value = 77;
    __asm__ volatile("ldr %0, [%1, #1]" : "+r"(value) : "r"(words));
    result = value;
}

static void load_pair_unaligned(void)
{
    __asm__ volatile("ldrd r2, r3, [%0]" ::"r"((uint32_t)words + 2) : "r2", "r3");
}

static void load_multiple_unaligned(void)
{
    __asm__ volatile("ldm %0, {r2, r3}" ::"r"((uint32_t)words + 2) : "r2", "r3");
}

static void load_unmapped(void)
{
    result = *(volatile uint32_t *)(UNMAPPED_DATA + 0x124);
}

static void store_unmapped(void)
{
    *(volatile uint32_t *)(UNMAPPED_DATA + 0x128) = 1;
    __asm__ volatile("dsb\n\tnop\n\tnop");
}

static void go_to(uint32_t address)
{
    __asm__ volatile("bx %0" ::"r"(address));
}

static void jump_unmapped(void)
{
    go_to(UNMAPPED_CODE | 1);
}

static void jump_never_executable(void)
{
    go_to(0xE0000001u);
}

static void jump_even(void)
{
    go_to((uint32_t)undefined & ~1u);
}

static void jump_zero(void)
{
    go_to(0);
}

/* VADD.F32 S0, S0, S0 while the FPU is off, or where there is none. */
static void coprocessor_missing(void)
{
    __asm__ volatile(".inst.w 0xee300a00");
}

static void supervisor_call_masked(void)
{
    disable_interrupts();
    __asm__ volatile("svc 0");
}

/* Instructions that this core lacks although relatives have them. */
#if defined(__ARM_ARCH_7M__)
static void instruction_of_another_core(void)
{
    __asm__ volatile(".inst.w 0xfb210002"); /* SMLAD R0, R1, R2, R0: DSP extension */
}
#elif defined(__ARM_ARCH_7EM__)
static void instruction_of_another_core(void)
{
    __asm__ volatile(".inst.w 0xe8d10faf"); /* LDA R0, [R1]: ARMv8-M */
}
#endif

static void check_store_unmapped(void)
{
    fault.count = 0;
    leave_case = 1;
    run_case(store_unmapped);
    uart_puts("store to nowhere\n");
    check_equal("  faults taken", fault.count, 1);
    check_equal("  exception number", fault.number, BUS);
    check("  precise or imprecise", ((fault.cfsr & CFSR_PRECISERR) != 0) != ((fault.cfsr & CFSR_IMPRECISERR) != 0));
}

static void check_enabled(void)
{
    extern const char undefined_here[];
    SCB_SHCSR = SHCSR_MEMFAULTENA | SHCSR_BUSFAULTENA | SHCSR_USGFAULTENA;
    expect("undefined", undefined, 0, USAGE, CFSR_UNDEFINSTR);
    check_equal("  stacked PC", fault.pc, (uint32_t)undefined_here & ~1u);
    expect("undefined, 32 bits", undefined_wide, 0, USAGE, CFSR_UNDEFINSTR);
#if defined(__ARM_ARCH_7M__) || defined(__ARM_ARCH_7EM__)
    expect("instruction of another core", instruction_of_another_core, 0, USAGE, CFSR_UNDEFINSTR);
#endif
    expect("load from nowhere", load_unmapped, 0, BUS, CFSR_PRECISERR | CFSR_BFARVALID);
    check_equal("  BFAR", fault.bfar, UNMAPPED_DATA + 0x124);
    check_store_unmapped();
    expect("jump to nowhere", jump_unmapped, 1, BUS, CFSR_IBUSERR);
    check_equal("  stacked PC", fault.pc, UNMAPPED_CODE);
    expect("jump to where nothing executes", jump_never_executable, 1, MEM_MANAGE, CFSR_IACCVIOL);
    expect("jump to an even address", jump_even, 1, USAGE, CFSR_INVSTATE);
    check_equal("  stacked PC", fault.pc, (uint32_t)undefined & ~1u);
    check_equal("  stacked T bit", fault.xpsr & (1u << 24), 0);
    expect("jump to zero", jump_zero, 1, USAGE, CFSR_INVSTATE);
}

static void check_alignment(void)
{
    result = 0;
    expect("unaligned load, allowed", load_unaligned, 0, 0, 0);
    check_equal("  value", result, 0x04030201u);
    expect("unaligned LDRD", load_pair_unaligned, 0, USAGE, CFSR_UNALIGNED);
    expect("unaligned LDM", load_multiple_unaligned, 0, USAGE, CFSR_UNALIGNED);
    SCB_CCR |= CCR_UNALIGN_TRP;
    barrier_sync();
    expect("unaligned load, trapped", load_unaligned, 0, USAGE, CFSR_UNALIGNED);
    check_equal("  register kept", result, 77);
    SCB_CCR &= ~CCR_UNALIGN_TRP;
    barrier_sync();
}

static void check_divide(void)
{
    expect("divide by zero, not trapped", divide_by_zero, 0, 0, 0);
    check_equal("  quotient", result, 0);
    SCB_CCR |= CCR_DIV_0_TRP;
    barrier_sync();
    expect("divide by zero, trapped", divide_by_zero, 0, USAGE, CFSR_DIVBYZERO);
    check_equal("  register kept", result, 77);
}

static void check_coprocessor(void)
{
    const uint32_t before = SCB_CPACR;
    SCB_CPACR = 0;
    barrier_sync();
    expect("FPU off", coprocessor_missing, 0, USAGE, CFSR_NOCP);
    SCB_CPACR = before;
    barrier_sync();
}

static void check_escalation(void)
{
    SCB_SHCSR = 0;
    barrier_sync();
    expect("undefined, escalated", undefined, 0, HARD, CFSR_UNDEFINSTR);
    expect("load from nowhere, escalated", load_unmapped, 0, HARD, CFSR_PRECISERR | CFSR_BFARVALID);
    expect("divide by zero, escalated", divide_by_zero, 0, HARD, CFSR_DIVBYZERO);
    expect("SVC while masked", supervisor_call_masked, 1, HARD, 0);
    check_equal("  PRIMASK kept", READ_SPECIAL(primask), 1);
    enable_interrupts();
    SCB_SHCSR = SHCSR_USGFAULTENA;
    disable_interrupts();
    expect("undefined while PRIMASK is set", undefined, 0, HARD, CFSR_UNDEFINSTR);
    enable_interrupts();
}

int main(void)
{
    check_enabled();
    check_alignment();
    check_divide();
    check_coprocessor();
    check_escalation();
    return failures();
}

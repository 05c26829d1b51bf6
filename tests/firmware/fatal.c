/*
 * Programs that come to grief: -DCASE=<one of the names below>. Nothing handles the fault (Default_Handler spins).
 *
 * What silicon does, and what a report can therefore say:
 *   UNDEFINED    UDF in provoke(), called by level_2, level_1, main: UsageFault, escalated to HardFault (CFSR
 *                0x00010000).
 *   UNMAPPED     load from UNMAPPED_DATA: BusFault, escalated (CFSR 0x00008200, BFAR the address).
 *   ZERO         call of a null function pointer: INVSTATE (CFSR 0x00020000), stacked PC 0.
 *   STACK        recursion runs through the stack's reserve into .bss and overwrites `handlers`; the call through it
 *                goes to an even address: INVSTATE. Without a guard nothing happens before that.
 *   LOCKUP       UDF in the HardFault handler: lockup.
 *   NO_STACK     a push below RAM: BusFault; its own stacking fails, and so does HardFault's: lockup.
 *   LOOP         for (;;) that never ends, with interrupts off.
 *   SPIN         as LOOP, but doing work (a function calls another one for ever).
 *   EXIT         exit code 42.
 *   DIVIDE       integer division by zero with CCR.DIV_0_TRP set (not on ARMv6-M): CFSR 0x02000000.
 */
#include "check.h"

#ifndef UNMAPPED_DATA
#define UNMAPPED_DATA 0xA0000000u
#endif

#define UNDEFINED 1
#define UNMAPPED 2
#define ZERO 3
#define STACK 4
#define LOCKUP 5
#define NO_STACK 6
#define LOOP 7
#define SPIN 8
#define EXIT 9
#define DIVIDE 10

#ifndef CASE
#error "say -DCASE=..."
#endif

#define APART __attribute__((noinline, noclone))

typedef void (*handler)(void);

volatile uint32_t sink;

#if CASE == LOCKUP
void HardFault_Handler(void)
{
    __asm__ volatile("udf #1");
}
#endif

#if CASE == STACK
static void nothing(void)
{
    sink++;
}

volatile handler handlers[1024];

/* Each level leaves 1 KiB of even addresses inside the program behind. */
APART uint32_t sink_deep(uint32_t depth, const char *limit)
{
    volatile uint32_t room[256];
    for (uint32_t i = 0; i < 256; i++) {
        room[i] = 0x100u + (2 * i & 0x7F);
    }
    if ((const char *)room > limit) {
        return sink_deep(depth + 1, limit) + room[depth & 255];
    }
    for (uint32_t i = 0; i < 1024; i++) {
        handlers[i]();
    }
    return room[0];
}

APART void provoke(void)
{
    for (uint32_t i = 0; i < 1024; i++) {
        handlers[i] = nothing;
    }
    sink = sink_deep(0, (const char *)(handlers + 1024));
}
#elif CASE == UNDEFINED || CASE == LOCKUP
APART void provoke(void)
{
    __asm__ volatile("udf #0");
}
#elif CASE == UNMAPPED
APART void provoke(void)
{
    sink = *(volatile uint32_t *)(UNMAPPED_DATA + 0x40);
}
#elif CASE == ZERO
volatile handler callback;

APART void provoke(void)
{
    callback();
}
#elif CASE == NO_STACK
APART void provoke(void)
{
    __asm__ volatile("ldr r0, =0xa0000000\n\tmov sp, r0\n\tpush {r0}" ::: "r0", "memory");
}
#elif CASE == LOOP
APART void provoke(void)
{
    disable_interrupts();
    for (;;) {
        __asm__ volatile("nop");
    }
}
#elif CASE == SPIN
APART void step(void)
{
    sink = sink * 3 + 1;
}

APART void provoke(void)
{
    for (;;) {
        step();
    }
}
#elif CASE == EXIT
APART void provoke(void)
{
    semihosting_exit(42);
}
#elif CASE == DIVIDE
APART void provoke(void)
{
    SCB_CCR |= CCR_DIV_0_TRP;
    barrier_sync();
    __asm__ volatile("sdiv r0, r0, %0" ::"r"(0) : "r0");
}
#endif

APART void level_2(void)
{
    provoke();
    sink++;
}

APART void level_1(void)
{
    level_2();
    sink++;
}

int main(void)
{
    uart_puts("before\n");
    level_1();
    uart_puts("after\n");
    return 0;
}

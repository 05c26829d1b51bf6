/*
 * Start of every program of ours: vector table, .data and .bss, FPU, constructors, main, exit.
 * With BOARD_START the board's clock and serial port are set up before (kernels_c/board), and its further memories filled.
 * The 32 external interrupts, the most that ARMv6-M has, go to IRQ<n>_Handler.
 */
#include <stdint.h>

#include "cortex_m.h"
#include "semihosting.h"

extern uint32_t __data_load[], __data_start[], __data_end[], __bss_start[], __bss_end[], __stack_top[];
extern void (*const __init_array_start[])(void);
extern void (*const __init_array_end[])(void);

int main(void);
void Reset_Handler(void);

void __attribute__((used)) Default_Handler(void)
{
    for (;;) {
    }
}

#define WEAK __attribute__((weak, alias("Default_Handler")))

WEAK void NMI_Handler(void);
WEAK void HardFault_Handler(void);
WEAK void MemManage_Handler(void);
WEAK void BusFault_Handler(void);
WEAK void UsageFault_Handler(void);
WEAK void SVC_Handler(void);
WEAK void DebugMon_Handler(void);
WEAK void PendSV_Handler(void);
WEAK void SysTick_Handler(void);

#define EACH_INTERRUPT(DO)                                                                  \
    DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) \
    DO(14) DO(15) DO(16) DO(17) DO(18) DO(19) DO(20) DO(21) DO(22) DO(23) DO(24) DO(25)     \
    DO(26) DO(27) DO(28) DO(29) DO(30) DO(31)
#define DECLARE(n) WEAK void IRQ##n##_Handler(void);
#define ENTRY(n) IRQ##n##_Handler,

EACH_INTERRUPT(DECLARE)

typedef void (*vector)(void);

__attribute__((section(".vectors"), used, aligned(256))) const vector vector_table[16 + 32] = {
    (vector)__stack_top,
    Reset_Handler,
    NMI_Handler,
    HardFault_Handler,
    MemManage_Handler,
    BusFault_Handler,
    UsageFault_Handler,
    0,
    0,
    0,
    0,
    SVC_Handler,
    DebugMon_Handler,
    0,
    PendSV_Handler,
    SysTick_Handler,
    EACH_INTERRUPT(ENTRY)
};

static void copy(uint32_t *to, const uint32_t *end, const uint32_t *from)
{
    while (to < end) {
        *to++ = *from++;
    }
}

static void clear(uint32_t *to, const uint32_t *end)
{
    while (to < end) {
        *to++ = 0;
    }
}

static void enable_fpu(void)
{
#if defined(__ARM_FP)
    SCB_CPACR |= CPACR_FPU;
    barrier_sync();
#endif
}

#if defined(BOARD_START)

#include "board.h"

struct copied {
    const uint32_t *from;
    uint32_t *to, *end;
};
struct cleared {
    uint32_t *from, *end;
};
extern const struct copied __copy_table_start[], __copy_table_end[];
extern const struct cleared __clear_table_start[], __clear_table_end[];

void __attribute__((weak)) board_clock(void)
{
}

void __attribute__((weak)) uart_start(void)
{
}

void __attribute__((weak)) uart_finish(void)
{
}

static void fill_memories(void)
{
    for (const struct copied *each = __copy_table_start; each < __copy_table_end; each++) {
        copy(each->to, each->end, each->from);
    }
    for (const struct cleared *each = __clear_table_start; each < __clear_table_end; each++) {
        clear(each->from, each->end);
    }
    barrier_sync();
}

/* board_clock runs first, so that the copies take little time: no static variable has its value there yet. */
void __attribute__((noreturn, used)) Reset_Handler(void)
{
    enable_fpu();
    SCB_VTOR = (uint32_t)(uintptr_t)vector_table;
#if CORE_HAS_CYCLE_COUNTER /* Armv7-M and Armv8-M Mainline, which tell faults apart: HardFault is left to board/end.c */
    SCB_SHCSR |= SHCSR_MEMFAULTENA | SHCSR_BUSFAULTENA | SHCSR_USGFAULTENA;
#endif
    board_clock();
    fill_memories();
    uart_start();
    for (void (*const *constructor)(void) = __init_array_start; constructor < __init_array_end; constructor++) {
        (*constructor)();
    }
    const int code = main();
    uart_finish();
    semihosting_exit(code);
}

#else

void __attribute__((noreturn, used)) Reset_Handler(void)
{
    copy(__data_start, __data_end, __data_load);
    clear(__bss_start, __bss_end);
    enable_fpu();
    for (void (*const *constructor)(void) = __init_array_start; constructor < __init_array_end; constructor++) {
        (*constructor)();
    }
    semihosting_exit(main());
}

#endif

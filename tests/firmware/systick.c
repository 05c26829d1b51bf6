/*
 * SysTick: interrupts, the 24-bit down counter, COUNTFLAG, and its pace against a loop (all cores).
 *
 * Expected on silicon: exit code 0; a line "ticks N" and "passed".
 * A period is LOAD + 1 cycles (DDI 0403 B3.3.1): with LOAD = 999, 50 ticks take 50 000 cycles, which the cycle counter
 * confirms where there is one (within the entry of one interrupt).
 */
#include "check.h"

static volatile uint32_t ticks;
static volatile uint32_t handler_ipsr;

void SysTick_Handler(void)
{
    ticks++;
    handler_ipsr = READ_SPECIAL(ipsr);
}

static void start(uint32_t load, uint32_t interrupt)
{
    SYSTICK_CTRL = 0;
    SYSTICK_LOAD = load;
    SYSTICK_VAL = 12345; /* any write clears the counter and COUNTFLAG */
    SYSTICK_CTRL = SYSTICK_ENABLE | SYSTICK_CORE_CLOCK | interrupt;
}

static void check_polling(void)
{
    start(499, 0);
    check_equal("COUNTFLAG clear after a write to VAL", SYSTICK_CTRL & SYSTICK_COUNTFLAG, 0);
    while (!(SYSTICK_CTRL & SYSTICK_COUNTFLAG)) {
    }
    check_equal("reading CTRL clears COUNTFLAG", SYSTICK_CTRL & SYSTICK_COUNTFLAG, 0);
    for (int i = 0; i < 100; i++) {
        check("VAL stays within LOAD", SYSTICK_VAL <= 499);
    }
    check_equal("no interrupt without TICKINT", ticks, 0);
}

static void check_counting_down(void)
{
    start(0xFFFFFF, 0);
    while (SYSTICK_VAL == 0) { /* reloads with the first clock after it is enabled */
    }
    const uint32_t first = SYSTICK_VAL;
    for (int i = 0; i < 50; i++) {
        __asm__ volatile("nop");
    }
    const uint32_t second = SYSTICK_VAL;
    check("VAL counts down", second < first);
    check("VAL counts core cycles", first - second >= 20 && first - second < 5000);
}

static void check_interrupts(void)
{
    ticks = 0;
    start(999, SYSTICK_TICKINT);
    while (ticks == 0) {
    }
#if CORE_HAS_CYCLE_COUNTER
    cycle_counter_start();
#endif
    while (ticks < 51) {
    }
#if CORE_HAS_CYCLE_COUNTER
    const uint32_t cycles = DWT_CYCCNT;
    check("50 ticks take 50 000 cycles", cycles > 49800 && cycles < 50200);
#endif
    check_equal("IPSR inside the handler", handler_ipsr, 15);
    check_equal("IPSR in thread mode", READ_SPECIAL(ipsr), 0);
}

static void check_masking(void)
{
    disable_interrupts();
    const uint32_t before = ticks;
    for (int i = 0; i < 3000; i++) {
        __asm__ volatile("nop");
    }
    check_equal("no tick while PRIMASK is set", ticks, before);
    check("the tick is pending", SCB_ICSR & ICSR_PENDSTSET);
    enable_interrupts();
    barrier_sync();
    check_equal("missed ticks are one tick", ticks, before + 1);
    SYSTICK_CTRL = 0;
    const uint32_t after = ticks;
    for (int i = 0; i < 3000; i++) {
        __asm__ volatile("nop");
    }
    check_equal("no tick after SysTick is stopped", ticks, after);
}

int main(void)
{
    check_polling();
    check_counting_down();
    check_interrupts();
    check_masking();
    print_value("ticks", ticks);
    return failures();
}

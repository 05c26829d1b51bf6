/* Marks inside marks, in an interrupt handler and around sleep, over work that loads, stores and divides. */
#include <stdint.h>

#include "cortex_m.h"
#include "marks.h"
#include "uart.h"

static volatile uint32_t ticks;
static volatile uint32_t words[64];

#if CORE_HAS_CYCLE_COUNTER
void SysTick_Handler(void)
{
    MARK_BEGIN(tick);
    ticks++;
    MARK_END(tick);
}
#endif

static void __attribute__((noinline)) add(unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        words[i % 64] += words[(i * 7) % 64] / (i + 1);
    }
}

int main(void)
{
    marks_start();
#if CORE_HAS_CYCLE_COUNTER
    SYSTICK_LOAD = 1500 - 1;
    SYSTICK_VAL = 0;
    SYSTICK_CTRL = SYSTICK_ENABLE | SYSTICK_TICKINT | SYSTICK_CORE_CLOCK;
#endif
    for (int i = 0; i < 40; i++) {
        MARK_BEGIN(outer);
        add(20);
        MARK_BEGIN(inner);
        add(100);
        MARK_END(inner);
        MARK_END(outer);
    }
    MARK_BEGIN(idle);
#if CORE_HAS_CYCLE_COUNTER
    wait_for_interrupt();
#endif
    MARK_END(idle);
#if CORE_HAS_CYCLE_COUNTER
    SYSTICK_CTRL = 0;
#endif
    marks_print(uart_putc);
    return 0;
}

/*
 * A known call graph (all cores), every function kept apart.
 *
 *   main -> outer x 3 -> middle x 2 each -> leaf x 4 each      leaf: 24 calls from middle
 *   main -> by_pointer x 5 -> leaf (through a pointer)          leaf: 5 more, 29 in all
 *   main -> tail x 2 => leaf by tail call (a branch, not a call, at -O2)
 *   main -> factorial(6): 7 activations, one from main
 *   SysTick_Handler -> from_handler, as often as "ticks N" says
 *
 * Expected on silicon: exit code 0; "leaf 31", "ticks N" (N > 0), "passed".
 */
#include "check.h"

#define APART __attribute__((noinline, noclone))

volatile uint32_t leaf_calls;
volatile uint32_t ticks;

APART uint32_t leaf(uint32_t value)
{
    leaf_calls++;
    return value * 2 + 1;
}

APART uint32_t middle(uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        value = leaf(value);
    }
    return value + 1;
}

APART uint32_t outer(uint32_t value)
{
    return middle(middle(value)) + 1;
}

uint32_t (*volatile pointer)(uint32_t) = leaf;

APART uint32_t by_pointer(uint32_t value)
{
    return pointer(value) + 1;
}

APART uint32_t tail(uint32_t value)
{
    return leaf(value + 1);
}

APART uint32_t factorial(uint32_t n)
{
    if (n == 0) {
        return 1;
    }
    uint32_t rest = factorial(n - 1);
    __asm__ volatile("" : "+r"(rest)); /* keeps the recursion from becoming a loop */
    return n * rest;
}

APART void from_handler(void)
{
    ticks++;
}

void SysTick_Handler(void)
{
    from_handler();
}

int main(void)
{
    uint32_t value = 1;
    SYSTICK_LOAD = 149;
    SYSTICK_VAL = 0;
    SYSTICK_CTRL = SYSTICK_ENABLE | SYSTICK_TICKINT | SYSTICK_CORE_CLOCK;
    for (int i = 0; i < 3; i++) {
        value = outer(value);
    }
    for (int i = 0; i < 5; i++) {
        value = by_pointer(value);
    }
    for (int i = 0; i < 2; i++) {
        value = tail(value);
    }
    const uint32_t product = factorial(6);
    SYSTICK_CTRL = 0;
    check_equal("6!", product, 720);
    check_equal("leaf", leaf_calls, 31);
    print_value("leaf", leaf_calls);
    print_value("ticks", ticks);
    check("ticks came", ticks > 0);
    return failures();
}

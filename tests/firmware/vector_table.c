/*
 * VTOR: the vector table moved to RAM, and a handler put into it at run time (m0plus, m3, m4, m7, m33; the m0 has
 * none).
 *
 * Expected on silicon: exit code 0, "passed".
 */
#include "check.h"

extern uint32_t vector_table[48];
static uint32_t copy[64] __attribute__((aligned(256)));
static volatile uint32_t flash_calls, ram_calls;

void PendSV_Handler(void)
{
    flash_calls++;
}

static void other_handler(void)
{
    ram_calls++;
}

static void pend(void)
{
    SCB_ICSR = ICSR_PENDSVSET;
    barrier_sync();
}

int main(void)
{
    pend();
    check_equal("the table in flash", flash_calls, 1);
    for (int i = 0; i < 48; i++) {
        copy[i] = vector_table[i];
    }
    const uint32_t before = SCB_VTOR;
    SCB_VTOR = (uint32_t)copy;
    barrier_sync();
    check_equal("VTOR reads back", SCB_VTOR, (uint32_t)copy);
    pend();
    check_equal("the copy leads to the same handler", flash_calls, 2);
    copy[14] = (uint32_t)other_handler;
    barrier_sync();
    pend();
    check_equal("the new handler runs", ram_calls, 1);
    check_equal("the old one does not", flash_calls, 2);
    SCB_VTOR = before;
    barrier_sync();
    pend();
    check_equal("and back", flash_calls, 3);
    return failures();
}

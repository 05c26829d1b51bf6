/*
 * LDREX and STREX (cores with the main extension): an exception between them makes STREX fail, even when its handler
 * touches no memory of the pair (Armv7-M ARM B1.5.6 and B1.5.8: entry and return clear the local monitor).
 *
 * Expected on silicon: exit code 0; "passed".
 */
#include "check.h"

static volatile uint32_t taken;
static uint32_t cell = 5;

void PendSV_Handler(void)
{
    taken++;
}

static uint32_t store_failed(uint32_t pend)
{
    uint32_t failed, value;
    __asm__ volatile("ldrex %1, [%2]\n\tstr %3, [%4]\n\tdsb\n\tisb\n\tstrex %0, %1, [%2]"
                     : "=&r"(failed), "=&r"(value)
                     : "r"(&cell), "r"(pend), "r"(&SCB_ICSR)
                     : "memory");
    return failed;
}

int main(void)
{
    check_equal("STREX succeeds without an exception", store_failed(0), 0);
    check_equal("no exception yet", taken, 0);
    check_equal("STREX fails behind an exception", store_failed(ICSR_PENDSVSET), 1);
    check_equal("one exception", taken, 1);
    check_equal("the next one succeeds", store_failed(0), 0);
    check_equal("the cell is as it was", cell, 5);
    return failures();
}

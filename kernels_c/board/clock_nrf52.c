/*
 * nRF52: the core runs at 64 MHz out of reset; here from the crystal, with the instruction cache on. nRF52840 Product
 * Specification: CLOCK, NVMC (ICACHECNF).
 */
#include "registers.h"

#define CLOCK 0x40000000u
#define TASKS_HFCLKSTART (CLOCK + 0x000)
#define EVENTS_HFCLKSTARTED (CLOCK + 0x100)
#define ICACHECNF 0x4001E540u

void board_clock(void)
{
    REGISTER(EVENTS_HFCLKSTARTED) = 0;
    REGISTER(TASKS_HFCLKSTART) = 1;
    wait_for(EVENTS_HFCLKSTARTED, 1, 1);
    REGISTER(ICACHECNF) = 1;
}

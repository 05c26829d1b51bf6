/*
 * nRF5340, application core: 128 MHz from the crystal, cache on, in the secure view (the core starts secure). nRF5340 Product
 * Specification: CLOCK (HFCLKCTRL), CACHE.
 */
#include "registers.h"

#define CLOCK 0x50005000u
#define TASKS_HFCLKSTART (CLOCK + 0x000)
#define EVENTS_HFCLKSTARTED (CLOCK + 0x100)
#define HFCLKCTRL (CLOCK + 0x558)
#define CACHE_ENABLE 0x50001500u

void board_clock(void)
{
    REGISTER(EVENTS_HFCLKSTARTED) = 0;
    REGISTER(TASKS_HFCLKSTART) = 1;
    wait_for(EVENTS_HFCLKSTARTED, 1, 1);
    REGISTER(HFCLKCTRL) = 0; /* undivided */
    REGISTER(CACHE_ENABLE) = 1;
}

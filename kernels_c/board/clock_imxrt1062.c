/*
 * i.MX RT1062: the core from PLL1, buses at a quarter; level 1 caches on, the MPU as the ROM leaves it. i.MX RT1060 Reference
 * Manual: CCM (clock switching, handshakes in CDHIPR), CCM_ANALOG (PLL1), DCDC. The flash interface keeps the clock that the ROM
 * gave it.
 */
#include "caches_m7.h"

#define DCDC_REG0 0x40080000u
#define DCDC_REG3 0x4008000Cu
#define PLL_ARM 0x400D8000u
#define CCM 0x400FC000u
#define CACRR (CCM + 0x10)
#define CBCDR (CCM + 0x14)
#define CBCMR (CCM + 0x18)
#define CDHIPR (CCM + 0x48)
#define CCGR6 (CCM + 0x80)

#define STS_DC_OK (1u << 31)
#define TARGET_1V25 18u /* 0.8 V and 25 mV each */
#define POWERDOWN (1u << 12)
#define ENABLE (1u << 13)
#define LOCK (1u << 31)
#define PERIPH_CLK_SEL (1u << 25)
#define PLL_DIVIDER (BOARD_HERTZ / 6000000u) /* 24 MHz * n / 2, halved by ARM_PODF */

static void raise_voltage(void)
{
    set_bits(CCGR6, 3u << 6); /* DCDC */
    set_field(DCDC_REG3, 0x1F, TARGET_1V25);
    wait_for(DCDC_REG0, STS_DC_OK, STS_DC_OK);
}

/* The core from the 24 MHz crystal while PLL1 is set up. */
static void leave_pll(void)
{
    set_field(CBCMR, 3u << 12, 1u << 12);
    clear_bits(CBCDR, 7u << 27);
    wait_for(CDHIPR, ~0u, 0);
    set_bits(CBCDR, PERIPH_CLK_SEL);
    wait_for(CDHIPR, ~0u, 0);
}

void board_clock(void)
{
    raise_voltage();
    leave_pll();
    REGISTER(PLL_ARM) = POWERDOWN;
    REGISTER(PLL_ARM) = ENABLE | PLL_DIVIDER;
    wait_for(PLL_ARM, LOCK, LOCK);
    REGISTER(CACRR) = 1; /* half */
    wait_for(CDHIPR, ~0u, 0);
    set_field(CBCDR, 7u << 10 | 3u << 8, 3u << 8); /* AHB undivided, IPG a quarter */
    wait_for(CDHIPR, ~0u, 0);
    set_bits(CBCMR, 3u << 18); /* PLL1 */
    clear_bits(CBCDR, PERIPH_CLK_SEL);
    wait_for(CDHIPR, ~0u, 0);
    start_instruction_cache();
    start_data_cache();
}

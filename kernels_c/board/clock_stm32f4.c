/*
 * STM32F4 and STM32F7: PLL on what feeds HSE, flash accelerator on. RM0090 (F407), RM0390 (F446), RM0385 (F746): PWR (voltage
 * regulator, over-drive), FLASH (read access latency, accelerator), RCC.
 *
 *   OVERDRIVE     defined where the clock needs the over-drive mode (F446, F746)
 *   ACCELERATOR   FLASH_ACR bits: prefetch and caches
 *   HSE_BYPASS    defined where HSE is a clock, not a crystal
 *   L1_CACHES     defined for a Cortex-M7
 */
#include "registers.h"
#if defined(L1_CACHES)
#include "caches_m7.h"
#endif

#define RCC 0x40023800u
#define CR (RCC + 0x00)
#define PLLCFGR (RCC + 0x04)
#define CFGR (RCC + 0x08)
#define APB1ENR (RCC + 0x40)
#define PWR 0x40007000u
#define PWR_CR (PWR + 0x00)
#define PWR_CSR (PWR + 0x04)
#define FLASH_ACR 0x40023C00u

#define HSEON (1u << 16)
#define HSERDY (1u << 17)
#define HSEBYP (1u << 18)
#define PLLON (1u << 24)
#define PLLRDY (1u << 25)
#define VOS_HIGHEST (3u << 14) /* one bit in an F407, whose bit 15 is reserved */
#define VOSRDY (1u << 14)
#define OD (1u << 16)   /* ODEN, ODRDY */
#define ODSW (1u << 17) /* ODSWEN, ODSWRDY */
#define SWITCH_PLL 2u

/* Input at 2 MHz where the crystal allows, else at 1 MHz; oscillator at twice the core's clock (100 to 432 MHz). */
#define PLL_INPUT (BOARD_CRYSTAL_HERTZ % 2000000u ? 1000000u : 2000000u)
#define PLL_M (BOARD_CRYSTAL_HERTZ / PLL_INPUT)
#define PLL_N (BOARD_HERTZ / (PLL_INPUT / 2u))
#define PLL_Q ((BOARD_HERTZ * 2u + 47999999u) / 48000000u) /* at most 48 MHz */
/* PLLP is 0: half; PLLR is 2, the least that an F446 allows. */
#define PLL_SETTINGS (PLL_M | PLL_N << 6 | 1u << 22 | PLL_Q << 24 | 2u << 28)
/* APB1 at a quarter, APB2 at half. */
#define BUSES (5u << 10 | 4u << 13)

static void raise_voltage(void)
{
    set_bits(APB1ENR, 1u << 28); /* PWREN */
    (void)REGISTER(APB1ENR);
    set_bits(PWR_CR, VOS_HIGHEST);
}

static void start_pll(void)
{
#if defined(HSE_BYPASS)
    set_bits(CR, HSEBYP);
#endif
    set_bits(CR, HSEON);
    wait_for(CR, HSERDY, HSERDY);
    REGISTER(PLLCFGR) = PLL_SETTINGS;
    set_bits(CR, PLLON);
#if defined(OVERDRIVE) /* while the PLL locks (RM0385 4.1.4) */
    set_bits(PWR_CR, OD);
    wait_for(PWR_CSR, OD, OD);
    set_bits(PWR_CR, ODSW);
    wait_for(PWR_CSR, ODSW, ODSW);
#endif
    wait_for(CR, PLLRDY, PLLRDY);
    wait_for(PWR_CSR, VOSRDY, VOSRDY);
}

void board_clock(void)
{
    raise_voltage();
    start_pll();
    set_field(FLASH_ACR, 0xF, WAIT_STATES | ACCELERATOR);
    wait_for(FLASH_ACR, 0xF, WAIT_STATES);
    set_field(CFGR, 0xFCF0u, BUSES);
    set_field(CFGR, 3u, SWITCH_PLL);
    wait_for(CFGR, 3u << 2, SWITCH_PLL << 2);
#if defined(L1_CACHES)
    start_instruction_cache();
    start_data_cache();
#endif
}

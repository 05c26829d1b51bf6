/*
 * STM32H7: PLL1 on what feeds HSE, the AXI bus at the core's clock over BUS_DIVIDER, APB buses at half of that; caches on.
 * RM0433 (H743), RM0399 (H747), RM0455 (H7A3): PWR (supply configuration, voltage scaling), FLASH (read latency), RCC.
 *
 *   SUPPLY         PWR_CR3: 2 regulator, 4 step-down converter; what the board is wired for. The first write after power-on
 *                  decides until the next one.
 *   OVERDRIVE      defined where the clock needs VOS0 by way of SYSCFG_PWRCR.ODEN (H743 above 400 MHz)
 *   WRITE_DELAY    FLASH_ACR.WRHIGHFREQ
 *   HSE_BYPASS     defined where HSE is a clock, not a crystal
 *   CLOCK_ENABLES  offset of RCC_RSR, which the enable registers follow
 *   SRAM_CLOCKS    bits of AHB2ENR that clock the SRAMs
 */
#include "caches_m7.h"

#define RCC 0x58024400u
#define CR (RCC + 0x00)
#define CFGR (RCC + 0x10)
#define D1CFGR (RCC + 0x18)
#define D2CFGR (RCC + 0x1C)
#define D3CFGR (RCC + 0x20)
#define PLLCKSELR (RCC + 0x28)
#define PLLCFGR (RCC + 0x2C)
#define PLL1DIVR (RCC + 0x30)
#define AHB2ENR (RCC + CLOCK_ENABLES + 0x0C)
#define APB4ENR (RCC + CLOCK_ENABLES + 0x24)
#define PWR 0x58024800u
#define PWR_CSR1 (PWR + 0x04)
#define PWR_CR3 (PWR + 0x0C)
#define PWR_D3CR (PWR + 0x18)
#define SYSCFG_PWRCR 0x5800042Cu
#define FLASH_ACR 0x52002000u

#define ACTVOSRDY (1u << 13)
#define VOSRDY (1u << 13)
#define VOS_HIGHEST (3u << 14)
#define HSEON (1u << 16)
#define HSERDY (1u << 17)
#define HSEBYP (1u << 18)
#define PLL1ON (1u << 24)
#define PLL1RDY (1u << 25)
#define SWITCH_PLL 3u

/* Input at 5 MHz where the crystal allows, else at 4 MHz; oscillator at twice the core's clock (192 to 960 MHz). */
#define PLL_INPUT (BOARD_CRYSTAL_HERTZ % 5000000u ? 4000000u : 5000000u)
#define PLL_M (BOARD_CRYSTAL_HERTZ / PLL_INPUT)
#define PLL_N (BOARD_HERTZ / (PLL_INPUT / 2u))
#define PLL_RANGE (2u << 2) /* 4 to 8 MHz */

static void raise_voltage(void)
{
    set_field(PWR_CR3, 7u, SUPPLY);
    wait_for(PWR_CSR1, ACTVOSRDY, ACTVOSRDY);
    set_field(PWR_D3CR, VOS_HIGHEST, VOS_HIGHEST);
    wait_for(PWR_D3CR, VOSRDY, VOSRDY);
#if defined(OVERDRIVE)
    set_bits(APB4ENR, 1u << 1); /* SYSCFGEN */
    (void)REGISTER(APB4ENR);
    set_bits(SYSCFG_PWRCR, 1u);
    wait_for(PWR_D3CR, VOSRDY, VOSRDY);
#endif
}

static void start_pll(void)
{
#if defined(HSE_BYPASS)
    set_bits(CR, HSEBYP);
#endif
    set_bits(CR, HSEON);
    wait_for(CR, HSERDY, HSERDY);
    REGISTER(PLLCKSELR) = 2u | PLL_M << 4;
    REGISTER(PLLCFGR) = PLL_RANGE | 1u << 16; /* DIVP1EN, wide oscillator, no fraction */
    REGISTER(PLL1DIVR) = (PLL_N - 1u) | 1u << 9 | 1u << 16 | 1u << 24;
    set_bits(CR, PLL1ON);
    wait_for(CR, PLL1RDY, PLL1RDY);
}

void board_clock(void)
{
    raise_voltage();
    start_pll();
    REGISTER(D1CFGR) = (BUS_DIVIDER == 2 ? 8u : 0u) | 4u << 4;
    REGISTER(D2CFGR) = 4u << 4 | 4u << 8;
    REGISTER(D3CFGR) = 4u << 4;
    REGISTER(FLASH_ACR) = WAIT_STATES | WRITE_DELAY << 4;
    wait_for(FLASH_ACR, 0xF, WAIT_STATES);
    set_field(CFGR, 7u, SWITCH_PLL);
    wait_for(CFGR, 7u << 3, SWITCH_PLL << 3);
    set_bits(AHB2ENR, SRAM_CLOCKS);
    (void)REGISTER(AHB2ENR);
    start_instruction_cache();
    start_data_cache();
}

/*
 * STM32U5: PLL1 on the 16 MHz oscillator, voltage range 1 with the booster, ICACHE. RM0456: PWR (voltage scaling), RCC (PLL
 * initialisation), FLASH (read access latency), ICACHE. A board that is wired for the step-down converter defines SMPS.
 */
#include "registers.h"

#define RCC 0x46020C00u
#define CR (RCC + 0x00)
#define CFGR1 (RCC + 0x1C)
#define PLL1CFGR (RCC + 0x28)
#define PLL1DIVR (RCC + 0x34)
#define AHB3ENR (RCC + 0x94)
#define PWR 0x46020800u
#define PWR_CR3 (PWR + 0x08)
#define PWR_VOSR (PWR + 0x0C)
#define PWR_SVMSR (PWR + 0x3C)
#define FLASH_ACR 0x40022000u
#define ICACHE_CR 0x40030400u
#define ICACHE_SR 0x40030404u

#define HSION (1u << 8)
#define HSIRDY (1u << 10)
#define PLL1ON (1u << 24)
#define PLL1RDY (1u << 25)
#define RANGE_1 (3u << 16)
#define VOSRDY (1u << 15)
#define BOOSTEN (1u << 18)
#define BOOSTRDY (1u << 14)
#define SWITCH_PLL 3u

/* 16 MHz / 4 * N / 2: input at 4 MHz, oscillator at twice the core's clock (128 to 544 MHz). The booster gets 16 MHz / 2. */
#define PLL_N (BOARD_HERTZ / 2000000u)
#define PLL_SETTINGS (2u | 3u << 8 | 1u << 12 | 1u << 18)
#define PLL_DIVIDERS ((PLL_N - 1u) | 1u << 9 | 1u << 16 | 1u << 24)

static void raise_voltage(void)
{
    set_bits(AHB3ENR, 1u << 2); /* PWREN */
    (void)REGISTER(AHB3ENR);
#if defined(SMPS)
    set_bits(PWR_CR3, 1u << 1); /* REGSEL */
    wait_for(PWR_SVMSR, 1u << 1, 1u << 1);
#endif
    set_field(PWR_VOSR, RANGE_1, RANGE_1);
    wait_for(PWR_VOSR, VOSRDY, VOSRDY);
}

static void start_cache(void)
{
    wait_for(ICACHE_SR, 1u, 0); /* still emptying itself after reset */
    set_bits(ICACHE_CR, 1u);    /* 2-way, as after reset */
}

void board_clock(void)
{
    raise_voltage();
    set_bits(CR, HSION);
    wait_for(CR, HSIRDY, HSIRDY);
    REGISTER(PLL1CFGR) = PLL_SETTINGS;
    REGISTER(PLL1DIVR) = PLL_DIVIDERS;
    set_bits(PWR_VOSR, BOOSTEN);
    wait_for(PWR_VOSR, BOOSTRDY, BOOSTRDY);
    set_bits(CR, PLL1ON);
    wait_for(CR, PLL1RDY, PLL1RDY);

    set_field(FLASH_ACR, 0xF, WAIT_STATES | 1u << 8); /* prefetch */
    wait_for(FLASH_ACR, 0xF, WAIT_STATES);
    start_cache();
    set_field(CFGR1, 3u, SWITCH_PLL);
    wait_for(CFGR1, 3u << 2, SWITCH_PLL << 2);
}

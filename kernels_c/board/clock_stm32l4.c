/*
 * STM32L4+: PLL on the 16 MHz oscillator, range 1 boost. RM0432: PWR (dynamic voltage scaling), FLASH (read access latency),
 * RCC. A board that feeds port G's supply VDDIO2 defines VDDIO2.
 */
#include "registers.h"

#define RCC 0x40021000u
#define CR (RCC + 0x00)
#define CFGR (RCC + 0x08)
#define PLLCFGR (RCC + 0x0C)
#define APB1ENR1 (RCC + 0x58)
#define PWR 0x40007000u
#define PWR_CR2 (PWR + 0x04)
#define PWR_SR2 (PWR + 0x14)
#define PWR_CR5 (PWR + 0x80)
#define FLASH_ACR 0x40022000u

#define HSION (1u << 8)
#define HSIRDY (1u << 10)
#define PLLON (1u << 24)
#define PLLRDY (1u << 25)
#define AHB_HALF (8u << 4)
#define SWITCH_PLL 3u

/* 16 MHz / 4 * N / 2: the PLL's input at 4 MHz, its oscillator at twice the core's clock (64 to 344 MHz). */
#define PLL_N (BOARD_HERTZ / 2000000u)
#define PLL_SETTINGS (2u | 3u << 4 | PLL_N << 8 | 1u << 24)

void board_clock(void)
{
    set_bits(APB1ENR1, 1u << 28); /* PWREN */
    (void)REGISTER(APB1ENR1);
#if defined(VDDIO2)
    set_bits(PWR_CR2, 1u << 9); /* IOSV */
#endif
    clear_bits(PWR_CR5, 1u << 8); /* R1MODE: boost */
    wait_for(PWR_SR2, 1u << 10, 0); /* VOSF */

    set_field(FLASH_ACR, 0xF, WAIT_STATES | 7u << 8); /* prefetch and both caches */
    wait_for(FLASH_ACR, 0xF, WAIT_STATES);

    set_bits(CR, HSION);
    wait_for(CR, HSIRDY, HSIRDY);
    clear_bits(CR, PLLON);
    wait_for(CR, PLLRDY, 0);
    REGISTER(PLLCFGR) = PLL_SETTINGS;
    set_bits(CR, PLLON);
    wait_for(CR, PLLRDY, PLLRDY);

    /* Above 80 MHz only by way of half the clock, for a microsecond at least. */
    set_field(CFGR, 0xF0u, AHB_HALF);
    set_field(CFGR, 3u, SWITCH_PLL);
    wait_for(CFGR, 3u << 2, SWITCH_PLL << 2);
    wait_cycles(BOARD_HERTZ / 1000000u);
    clear_bits(CFGR, 0xF0u);
}

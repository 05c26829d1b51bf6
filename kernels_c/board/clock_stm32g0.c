/* STM32G0: PLL on the 16 MHz oscillator, prefetch and cache on. RM0444: FLASH (read access latency), RCC. Range 1 holds after reset. */
#include "registers.h"

#define RCC 0x40021000u
#define CR (RCC + 0x00)
#define CFGR (RCC + 0x08)
#define PLLCFGR (RCC + 0x0C)
#define FLASH_ACR 0x40022000u

#define HSION (1u << 8)
#define HSIRDY (1u << 10)
#define PLLON (1u << 24)
#define PLLRDY (1u << 25)
#define SWITCH_PLL 2u

/* 16 MHz * N / 2; the PLL's oscillator at twice the core's clock (64 to 344 MHz). */
#define PLL_N (BOARD_HERTZ / 8000000u)
#define PLL_SETTINGS (2u | PLL_N << 8 | 1u << 28 | 1u << 29)

void board_clock(void)
{
    set_field(FLASH_ACR, 7u, WAIT_STATES | 3u << 8);
    wait_for(FLASH_ACR, 7u, WAIT_STATES);
    set_bits(CR, HSION);
    wait_for(CR, HSIRDY, HSIRDY);
    clear_bits(CR, PLLON);
    wait_for(CR, PLLRDY, 0);
    REGISTER(PLLCFGR) = PLL_SETTINGS;
    set_bits(CR, PLLON);
    wait_for(CR, PLLRDY, PLLRDY);
    set_field(CFGR, 7u, SWITCH_PLL);
    wait_for(CFGR, 7u << 3, SWITCH_PLL << 3);
}

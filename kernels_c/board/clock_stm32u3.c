/*
 * STM32U3: the 96 MHz oscillator MSIRC0, voltage range 1 with the booster, ICACHE. RM0487: PWR (voltage scaling), RCC (MSI),
 * FLASH (read access latency), ICACHE. A board that is wired for the step-down converter defines SMPS.
 */
#include "registers.h"

#define RCC 0x40030C00u
#define CR (RCC + 0x00)
#define ICSCR1 (RCC + 0x08)
#define CFGR1 (RCC + 0x1C)
#define CFGR4 (RCC + 0x28)
#define AHB1ENR2 (RCC + 0x94)
#define PWR 0x40030800u
#define PWR_CR3 (PWR + 0x08)
#define PWR_VOSR (PWR + 0x0C)
#define PWR_SVMSR (PWR + 0x3C)
#define FLASH_ACR 0x40022000u
#define ICACHE_CR 0x40030400u
#define ICACHE_SR 0x40030404u

#define R1EN (1u << 0)
#define R2EN (1u << 1)
#define R1RDY (1u << 16)
#define BOOSTEN (1u << 8)
#define BOOSTRDY (1u << 24)
#define BOOST_FROM_MSIS 1u
#define MSISRDY (1u << 2)
#define MSIRGSEL (1u << 23)
#define MSIS_SETTINGS (7u << 29) /* MSISSEL and MSISDIV: 0 is MSIRC0, undivided */

#if BOARD_HERTZ != 96000000
#error "clock_stm32u3.c knows 96 MHz"
#endif

static void raise_voltage(void)
{
    set_bits(AHB1ENR2, 1u << 2); /* PWREN */
    (void)REGISTER(AHB1ENR2);
#if defined(SMPS)
    set_bits(PWR_CR3, 1u << 1); /* REGSEL */
    wait_for(PWR_SVMSR, 1u << 1, 1u << 1);
#endif
    REGISTER(CFGR4) = BOOST_FROM_MSIS; /* undivided */
    set_bits(PWR_VOSR, BOOSTEN);
    wait_for(PWR_VOSR, BOOSTRDY, BOOSTRDY);
    set_field(PWR_VOSR, R1EN | R2EN, R1EN);
    wait_for(PWR_VOSR, R1RDY, R1RDY);
}

static void start_cache(void)
{
    wait_for(ICACHE_SR, 1u, 0); /* still emptying itself after reset */
    set_bits(ICACHE_CR, 1u);    /* 2-way, as after reset */
}

void board_clock(void)
{
    raise_voltage();
    set_field(FLASH_ACR, 0xF, WAIT_STATES | 1u << 8); /* prefetch */
    wait_for(FLASH_ACR, 0xF, WAIT_STATES);
    start_cache();
    set_field(ICSCR1, MSIS_SETTINGS | MSIRGSEL, MSIRGSEL); /* MSIS is the system clock after reset */
    wait_for(CR, MSISRDY, MSISRDY);
    set_field(CFGR1, 3u, 0);
    wait_for(CFGR1, 3u << 2, 0);
}

/*
 * MCX N947, core 0: PLL0 on the 48 MHz oscillator, 1.2 V, code cache on. MCX Nx4x Reference Manual: SPC (ACTIVE_CFG, SRAMCTL),
 * FMU (FCTRL), SYSCON (LPCAC_CTRL), SCG; the order of steps as in Apache NuttX, nxxx_clockconfig.c.
 */
#include "registers.h"

#define SYSCON 0x40000000u
#define AHBCLKDIV (SYSCON + 0x380)
#define LPCAC_CTRL (SYSCON + 0x824)
#define FMU_FCTRL 0x40043008u
#define SCG 0x40044000u
#define CSR (SCG + 0x10)
#define RCCR (SCG + 0x14)
#define FIRCCSR (SCG + 0x300)
#define FIRCCFG (SCG + 0x308)
#define APLLCSR (SCG + 0x500)
#define APLLCTRL (SCG + 0x504)
#define APLLNDIV (SCG + 0x50C)
#define APLLMDIV (SCG + 0x510)
#define APLLPDIV (SCG + 0x514)
#define APLLLOCK (SCG + 0x518)
#define LDOCSR (SCG + 0x800)
#define TRIM_LOCK (SCG + 0x08)
#define SPC_SC 0x40045010u
#define SPC_SRAMCTL 0x40045040u
#define SPC_ACTIVE_CFG 0x40045100u

#define FROM_FRO_12M (2u << 24)
#define FROM_PLL0 (5u << 24)
#define FIRC_VALID (1u << 24)
#define PLL_LOCKED (1u << 24)
#define REQUEST (1u << 30)
#define ACKNOWLEDGED (1u << 31)

/* 48 MHz / 8 * M / 2; SELI and SELP are the loop filter's for M = 50 (SCG, PLL bandwidth). */
#define PLL_N 8u
#define PLL_M (BOARD_HERTZ / 3000000u)
#define PLL_FILTER ((2u * (PLL_M / 4u) + 3u) << 4 | (PLL_M / 4u + 1u) << 10)
#define LOCK_CYCLES (6000000u / 2000u + 300u)

static void select_clock(uint32_t source)
{
    REGISTER(RCCR) = source;
    wait_for(CSR, 0xFu << 24, source);
}

static void raise_voltage(void)
{
    set_field(SPC_ACTIVE_CFG, 0xFu << 8, 2u << 8 | 3u << 10); /* converter: normal strength, 1.2 V */
    wait_for(SPC_SC, 1, 0);
    set_field(SPC_ACTIVE_CFG, 0xDu, 1u | 3u << 2); /* core regulator likewise */
    wait_for(SPC_SC, 1, 0);
    set_field(FMU_FCTRL, 0xF, WAIT_STATES);
    set_field(SPC_SRAMCTL, 3u, 2u); /* SRAM at 1.2 V */
    set_bits(SPC_SRAMCTL, REQUEST);
    wait_for(SPC_SRAMCTL, ACKNOWLEDGED, ACKNOWLEDGED);
    clear_bits(SPC_SRAMCTL, REQUEST);
}

static void start_pll(void)
{
    REGISTER(FIRCCFG) = 0; /* 48 MHz */
    set_bits(FIRCCSR, 1u | 3u << 4);
    wait_for(FIRCCSR, FIRC_VALID, FIRC_VALID);
    set_bits(LDOCSR, 1u);
    clear_bits(APLLCSR, 3u);
    REGISTER(APLLCTRL) = 1u << 25 | PLL_FILTER;
    REGISTER(APLLNDIV) = PLL_N;
    REGISTER(APLLNDIV) = PLL_N | 1u << 31;
    REGISTER(APLLPDIV) = 1;
    REGISTER(APLLPDIV) = 1u | 1u << 31;
    REGISTER(APLLMDIV) = PLL_M;
    REGISTER(APLLMDIV) = PLL_M | 1u << 31;
    REGISTER(TRIM_LOCK) = 0x5A5A0001u;
    REGISTER(APLLLOCK) = LOCK_CYCLES;
    set_bits(APLLCSR, 3u);
    wait_for(APLLCSR, PLL_LOCKED, PLL_LOCKED);
}

void board_clock(void)
{
    select_clock(FROM_FRO_12M);
    raise_voltage();
    start_pll();
    REGISTER(AHBCLKDIV) = 0;
    select_clock(FROM_PLL0);
    set_bits(LPCAC_CTRL, 2u); /* emptied */
    clear_bits(LPCAC_CTRL, 3u);
}

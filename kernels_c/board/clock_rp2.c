/*
 * RP2040 and RP2350: the crystal through the system PLL; the serial port's clock is the core's. RP2040 Datasheet 2.15 (clocks),
 * 2.16 (crystal), 2.18 (PLL), 4.7 (tick); RP2350 Datasheet 8.1, 8.2, 8.6, 8.5. The register maps are alike, their places are
 * defines:
 *
 *   CLOCKS, RESETS, XOSC, PLL_SYS   bases
 *   RESET_PLL_SYS                   bit of RESETS
 *   POSTDIV1, POSTDIV2              dividers behind the PLL's oscillator, which runs at 750 to 1600 MHz
 *   WATCHDOG or TICKS               base of what makes microseconds
 *   ROM_READ_MODE                   defined where the ROM sets flash up (RP2350): for quad reads at half the core's clock
 */
#include "registers.h"

#define CLK_REF_CTRL (CLOCKS + 0x30)
#define CLK_REF_SELECTED (CLOCKS + 0x38)
#define CLK_SYS_CTRL (CLOCKS + 0x3C)
#define CLK_SYS_DIV (CLOCKS + 0x40)
#define CLK_SYS_SELECTED (CLOCKS + 0x44)
#define CLK_PERI_CTRL (CLOCKS + 0x48)
#define XOSC_CTRL (XOSC + 0x00)
#define XOSC_STATUS (XOSC + 0x04)
#define XOSC_STARTUP (XOSC + 0x0C)
#define PLL_CS (PLL_SYS + 0x00)
#define PLL_PWR (PLL_SYS + 0x04)
#define PLL_FBDIV (PLL_SYS + 0x08)
#define PLL_PRIM (PLL_SYS + 0x0C)
#define RESET_DONE (RESETS + 0x08)

#define TO_CLEAR 0x3000 /* writes there clear bits (RP2040 2.1.2, RP2350 2.1.3) */
#define XOSC_ON (0xFABu << 12 | 0xAA0u)
#define STABLE (1u << 31)
#define LOCKED (1u << 31)
#define POWER_DOWN (1u | 1u << 5)  /* PD, VCOPD */
#define POSTDIV_DOWN (1u << 3)
#define MICROSECOND (BOARD_CRYSTAL_HERTZ / 1000000u)
#define MULTIPLIER (BOARD_HERTZ / 1000000u * POSTDIV1 * POSTDIV2 / MICROSECOND)

static void start_crystal(void)
{
    REGISTER(XOSC_STARTUP) = (BOARD_CRYSTAL_HERTZ / 1000u + 128u) / 256u; /* a millisecond */
    REGISTER(XOSC_CTRL) = XOSC_ON;
    wait_for(XOSC_STATUS, STABLE, STABLE);
}

static void start_pll(void)
{
    REGISTER(RESETS + TO_CLEAR) = 1u << RESET_PLL_SYS;
    wait_for(RESET_DONE, 1u << RESET_PLL_SYS, 1u << RESET_PLL_SYS);
    REGISTER(PLL_CS) = 1;
    REGISTER(PLL_FBDIV) = MULTIPLIER;
    REGISTER(PLL_PWR + TO_CLEAR) = POWER_DOWN;
    wait_for(PLL_CS, LOCKED, LOCKED);
    REGISTER(PLL_PRIM) = (uint32_t)POSTDIV1 << 16 | (uint32_t)POSTDIV2 << 12;
    REGISTER(PLL_PWR + TO_CLEAR) = POSTDIV_DOWN;
}

static void start_microseconds(void)
{
#if defined(TICKS)
    REGISTER(TICKS + 0x04) = MICROSECOND; /* PROC0, for SysTick */
    REGISTER(TICKS + 0x00) = 1;
    REGISTER(TICKS + 0x1C) = MICROSECOND; /* TIMER0 */
    REGISTER(TICKS + 0x18) = 1;
#else
    REGISTER(WATCHDOG + 0x2C) = MICROSECOND | 1u << 9;
#endif
}

#if defined(ROM_READ_MODE)

#define ROM_TABLE_LOOKUP 0x16u /* RP2350 Datasheet 5.4.1 */
#define ARM_SECURE 4u
#define CODE(first, second) ((first) | (second) << 8)
#define QUAD_CONTINUOUS 3u /* EBh; 5.4.8.12 */

typedef void *(*lookup)(uint32_t code, uint32_t mask);
typedef void (*select_read_mode)(uint32_t mode, uint32_t divider);

static void speed_flash_up(void)
{
    uintptr_t place = ROM_TABLE_LOOKUP;
    __asm__("" : "+r"(place)); /* compilers take an address so low for that of no object */
    const lookup find = (lookup)(uintptr_t)*(const uint16_t *)place;
    ((select_read_mode)find(CODE('X', 'M'), ARM_SECURE))(QUAD_CONTINUOUS, 2);
}

#endif

void board_clock(void)
{
    REGISTER(CLK_SYS_CTRL) = 0; /* from the reference, where a PLL ran before */
    wait_for(CLK_SYS_SELECTED, 1, 1);
    start_crystal();
    REGISTER(CLK_REF_CTRL) = 2;
    wait_for(CLK_REF_SELECTED, 1u << 2, 1u << 2);
    start_pll();
#if defined(ROM_READ_MODE)
    speed_flash_up();
#endif
    REGISTER(CLK_SYS_CTRL) = 1;
    wait_for(CLK_SYS_SELECTED, 1u << 1, 1u << 1);
    REGISTER(CLK_PERI_CTRL) = 1u << 11;
    start_microseconds();
}

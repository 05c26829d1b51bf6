/* MCXN947 at 150 MHz from PLL0, LPUART4 at 115200 baud from FRO 12 MHz, CTIMER0 at 1 MHz with a match interrupt (31). */
#include "board.h"

#define SYSCON 0x40000000
#define CTIMER 0x4000C000
#define FMU 0x40043000
#define SCG 0x40044000
#define SPC 0x40045000
#define UART 0x400B4000

volatile uint32_t interrupts;

void IRQ31_Handler(void)
{
    REGISTER(CTIMER) = 1;
    interrupts++;
}

static void set_up_clocks(void)
{
    REGISTER(SCG + 0x14) = 2u << 24;
    while (REGISTER(SCG + 0x10) != 2u << 24) {
    }
    REGISTER(FMU + 8) = (REGISTER(FMU + 8) & ~0xFu) | 3;
    REGISTER(SPC + 0x40) = 1u << 30 | 2;
    wait_for_set(SPC + 0x40, 1u << 31);
    REGISTER(SYSCON + 0x824) &= ~1u; /* code cache on */
    REGISTER(SCG + 0x504) = 1 << 25 | 27 << 4 | 13 << 10;
    REGISTER(SCG + 0x50C) = 8;
    REGISTER(SCG + 0x514) = 1;
    REGISTER(SCG + 0x510) = 50;
    REGISTER(SCG + 0x518) = 3300;
    REGISTER(SCG + 0x500) = 3;
    wait_for_set(SCG + 0x500, 1 << 24);
    REGISTER(SCG + 0x14) = 5u << 24;
    while (REGISTER(SCG + 0x10) != 5u << 24) {
    }
}

static void set_up_uart(void)
{
    REGISTER(SYSCON + 0x2C0) = 2; /* FRO 12 MHz to FLEXCOMM4 */
    REGISTER(UART + 0xFF8) = 1;
    REGISTER(UART + 0x10) = 12u << 24 | 8;
    REGISTER(UART + 0x28) = 0x88;
    REGISTER(UART + 0x18) = 3 << 18;
}

void board_put(char character)
{
    wait_for_set(UART + 0x14, 1 << 23);
    REGISTER(UART + 0x1C) = (uint32_t)character;
}

int main(void)
{
    set_up_clocks();
    set_up_uart();
    board_puts("hello from mcx\r\n");
    start_cycles();
    REGISTER(SYSCON + 0x26C) = 4;
    REGISTER(CTIMER + 0x0C) = 11;
    REGISTER(CTIMER + 0x04) = 1;
    while (!REGISTER(CTIMER + 0x08)) {
    }
    uint32_t before = cycles();
    while (REGISTER(CTIMER + 0x08) <= 1000) {
    }
    board_print("cycles in a millisecond ", cycles() - before);
    REGISTER(CTIMER + 0x18) = REGISTER(CTIMER + 0x08) + 50;
    REGISTER(CTIMER + 0x14) = 1;
    enable_interrupt(31);
    while (!interrupts) {
    }
    board_puts("done\r\n");
    wait_for_set(UART + 0x14, 1 << 22);
    return 0;
}

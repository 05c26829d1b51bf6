/* RP2040 at 125 MHz from the 12 MHz crystal, UART0 at 115200 baud, TIMER alarm 0 (interrupt 0). */
#include "board.h"

#define SET 0x2000
#define CLEAR 0x3000
#define CLOCKS 0x40008000
#define RESETS 0x4000C000
#define XOSC 0x40024000
#define PLL_SYS 0x40028000
#define UART 0x40034000
#define TIMER 0x40054000
#define WATCHDOG 0x40058000

volatile uint32_t interrupts;

void IRQ0_Handler(void)
{
    REGISTER(TIMER + 0x34) = 1;
    interrupts++;
}

static void release(uint32_t blocks)
{
    REGISTER(RESETS + CLEAR) = blocks;
    wait_for_set(RESETS + 8, blocks);
}

static void set_up_clocks(void)
{
    REGISTER(XOSC + 0x0C) = 47;
    REGISTER(XOSC) = 0xFABAA0;
    wait_for_set(XOSC + 4, 1u << 31);
    release(1u << 12);
    REGISTER(PLL_SYS) = 1;
    REGISTER(PLL_SYS + 8) = 125;
    REGISTER(PLL_SYS + 4 + CLEAR) = 0x21;
    wait_for_set(PLL_SYS, 1u << 31);
    REGISTER(PLL_SYS + 0xC) = 6 << 16 | 2 << 12;
    REGISTER(PLL_SYS + 4 + CLEAR) = 8;
    REGISTER(CLOCKS + 0x30) = 2;
    wait_for_set(CLOCKS + 0x38, 1 << 2);
    REGISTER(CLOCKS + 0x3C) = 1;
    wait_for_set(CLOCKS + 0x44, 1 << 1);
    REGISTER(CLOCKS + 0x48) = 1 << 11;
    REGISTER(WATCHDOG + 0x2C) = 12 | 1 << 9;
}

static void set_up_uart(void)
{
    REGISTER(UART + 0x24) = 67;
    REGISTER(UART + 0x28) = 52;
    REGISTER(UART + 0x2C) = 0x70;
    REGISTER(UART + 0x30) = 0x301;
}

void board_put(char character)
{
    while (REGISTER(UART + 0x18) & 1 << 5) {
    }
    REGISTER(UART) = (uint32_t)character;
}

int main(void)
{
    set_up_clocks();
    release(1 << 21 | 1 << 22);
    set_up_uart();
    board_puts("hello from pico\r\n");
    start_cycles();
    uint32_t start = REGISTER(TIMER + 0x28);
    while (REGISTER(TIMER + 0x28) == start) {
    }
    uint32_t before = cycles();
    while (REGISTER(TIMER + 0x28) - start <= 1000) {
    }
    board_print("cycles in a millisecond ", cycles() - before);
    REGISTER(TIMER + 0x38) = 1;
    enable_interrupt(0);
    REGISTER(TIMER + 0x10) = REGISTER(TIMER + 0x28) + 50;
    while (!interrupts) {
    }
    REGISTER(0xD0000060) = 1000003;
    REGISTER(0xD0000064) = 17;
    wait_for_set(0xD0000078, 1);
    uint32_t remainder = REGISTER(0xD0000074);
    board_print("quotient ", REGISTER(0xD0000070));
    board_print("remainder ", remainder);
    board_puts("done\r\n");
    while (REGISTER(UART + 0x18) & 1 << 3) {
    }
    return 0;
}

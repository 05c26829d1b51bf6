/* RP2350 at 150 MHz from the 12 MHz crystal, UART0 at 115200 baud, TIMER0 alarm 0 (interrupt 0), GPIO by coprocessor. */
#include "board.h"

#define SET 0x2000
#define CLEAR 0x3000
#define CLOCKS 0x40010000
#define RESETS 0x40020000
#define XOSC 0x40048000
#define PLL_SYS 0x40050000
#define UART 0x40070000
#define TIMER 0x400B0000
#define TICKS 0x40108000

volatile uint32_t interrupts;

void IRQ0_Handler(void)
{
    REGISTER(TIMER + 0x3C) = 1;
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
    release(1u << 14);
    REGISTER(PLL_SYS) = 1;
    REGISTER(PLL_SYS + 8) = 125;
    REGISTER(PLL_SYS + 4 + CLEAR) = 0x21;
    wait_for_set(PLL_SYS, 1u << 31);
    REGISTER(PLL_SYS + 0xC) = 5 << 16 | 2 << 12;
    REGISTER(PLL_SYS + 4 + CLEAR) = 8;
    REGISTER(CLOCKS + 0x30) = 2;
    wait_for_set(CLOCKS + 0x38, 1 << 2);
    REGISTER(CLOCKS + 0x3C) = 1;
    wait_for_set(CLOCKS + 0x44, 1 << 1);
    REGISTER(CLOCKS + 0x48) = 1 << 11;
    REGISTER(TICKS + 0x1C) = 12;
    REGISTER(TICKS + 0x18) = 1;
}

static void set_up_uart(void)
{
    /* 150 MHz / (16 * 115200) = 81.38: 81 and 24/64 */
    REGISTER(UART + 0x24) = 81;
    REGISTER(UART + 0x28) = 24;
    REGISTER(UART + 0x2C) = 0x70;
    REGISTER(UART + 0x30) = 0x301;
}

void board_put(char character)
{
    while (REGISTER(UART + 0x18) & 1 << 5) {
    }
    REGISTER(UART) = (uint32_t)character;
}

static uint32_t drive_pin_by_coprocessor(uint32_t pin)
{
    uint32_t levels;
    REGISTER(0xE000ED88) |= 3; /* CPACR: CP0 */
    __asm volatile("isb\n\tmcrr p0, #4, %0, %1, c4" ::"r"(pin), "r"(1) : "memory");
    __asm volatile("mcrr p0, #4, %0, %1, c0" ::"r"(pin), "r"(1));
    __asm volatile("mrc p0, #0, %0, c0, c8" : "=r"(levels));
    return levels >> pin & 1;
}

int main(void)
{
    set_up_clocks();
    release(1 << 23 | 1 << 26);
    set_up_uart();
    board_puts("hello from pico 2\r\n");
    start_cycles();
    uint32_t start = REGISTER(TIMER + 0x28);
    while (REGISTER(TIMER + 0x28) == start) {
    }
    uint32_t before = cycles();
    while (REGISTER(TIMER + 0x28) - start <= 1000) {
    }
    board_print("cycles in a millisecond ", cycles() - before);
    REGISTER(TIMER + 0x40) = 1;
    enable_interrupt(0);
    REGISTER(TIMER + 0x10) = REGISTER(TIMER + 0x28) + 50;
    while (!interrupts) {
    }
    board_print("pin ", drive_pin_by_coprocessor(25));
    board_puts("done\r\n");
    while (REGISTER(UART + 0x18) & 1 << 3) {
    }
    return 0;
}

/* nRF5340 application core at 128 MHz, UARTE0 at 115200 baud, TIMER0 at 1 MHz, compare interrupt (interrupt 15), cache on. */
#include "board.h"

#define CACHE 0x50001000
#define CLOCK 0x50005000
#define UART 0x50008000
#define TIMER 0x5000F000

volatile uint32_t interrupts;
static volatile uint8_t out;

void IRQ15_Handler(void)
{
    REGISTER(TIMER + 0x144) = 0;
    interrupts++;
}

static void set_up_clocks(void)
{
    REGISTER(CLOCK) = 1;
    wait_for_set(CLOCK + 0x100, 1);
    REGISTER(CLOCK + 0x558) = 0;
    REGISTER(CACHE + 0x500) = 1;
}

static void set_up_uart(void)
{
    REGISTER(UART + 0x50C) = 20;
    REGISTER(UART + 0x524) = 0x01D7E000;
    REGISTER(UART + 0x500) = 8;
}

void board_put(char character)
{
    out = (uint8_t)character;
    REGISTER(UART + 0x544) = (uint32_t)(uintptr_t)&out;
    REGISTER(UART + 0x548) = 1;
    REGISTER(UART + 0x120) = 0;
    REGISTER(UART + 0x008) = 1;
    wait_for_set(UART + 0x120, 1);
}

static uint32_t microseconds(void)
{
    REGISTER(TIMER + 0x40) = 1;
    return REGISTER(TIMER + 0x540);
}

int main(void)
{
    set_up_clocks();
    set_up_uart();
    board_puts("hello from nrf5340\r\n");
    start_cycles();
    REGISTER(TIMER + 0x508) = 3;
    REGISTER(TIMER + 0x510) = 4;
    REGISTER(TIMER) = 1;
    while (!microseconds()) {
    }
    uint32_t before = cycles();
    while (microseconds() <= 1000) {
    }
    board_print("cycles in a millisecond ", cycles() - before);
    REGISTER(TIMER + 0x304) = 1 << 17;
    enable_interrupt(15);
    REGISTER(TIMER + 0x544) = microseconds() + 50;
    while (!interrupts) {
    }
    board_puts("done\r\n");
    return 0;
}

/* i.MX RT1062 at 600 MHz from PLL1, LPUART6 at 115200 baud from the oscillator, GPT1 at 1 MHz. */
#include "board.h"

#define DCDC 0x40080000
#define ANALOG 0x400D8000
#define CCM 0x400FC000
#define UART 0x40198000
#define GPT 0x401EC000
#define CBCDR (CCM + 0x14)

static void set_up_clocks(void)
{
    REGISTER(DCDC + 0xC) = (REGISTER(DCDC + 0xC) & ~0x1Fu) | 18; /* 1.25 V */
    wait_for_set(DCDC, 1u << 31);
    REGISTER(CBCDR) |= 3u << 27 | 1u << 25; /* over PLL3 / 4 */
    while (REGISTER(CCM + 0x48)) {
    }
    REGISTER(ANALOG) = 1 << 12;
    REGISTER(ANALOG) = 1 << 13 | 100;
    wait_for_set(ANALOG, 1u << 31);
    REGISTER(CCM + 0x10) = 1;
    REGISTER(CBCDR) |= 3 << 8;
    REGISTER(CBCDR) &= ~(1u << 25);
    while (REGISTER(CCM + 0x48)) {
    }
    REGISTER(CCM + 0x24) |= 1 << 6; /* UART from the oscillator */
}

static void set_up_uart(void)
{
    REGISTER(UART + 0x10) = 25u << 24 | 8;
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
    board_puts("hello from teensy\r\n");
    start_cycles();
    REGISTER(GPT + 0x04) = 23;
    REGISTER(GPT) = 1 | 1 << 1 | 5 << 6 | 1 << 9 | 1 << 10;
    while (!REGISTER(GPT + 0x24)) {
    }
    uint32_t before = cycles();
    while (REGISTER(GPT + 0x24) <= 1000) {
    }
    board_print("cycles in a millisecond ", cycles() - before);
    board_puts("done\r\n");
    wait_for_set(UART + 0x14, 1 << 22);
    return 0;
}

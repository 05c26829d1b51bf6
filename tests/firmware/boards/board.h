/* What the programs of tests/firmware/boards share: each sets up its chip's clocks and a UART as the vendor's SDK does, says
 * hello through that UART, counts core cycles over a millisecond of the chip's own timer, and takes one timer interrupt. */
#ifndef BOARD_H
#define BOARD_H

#include "cortex_m.h"


void board_put(char character);

static inline void board_puts(const char *text)
{
    while (*text) {
        board_put(*text++);
    }
}

static inline void board_print(const char *name, uint32_t value)
{
    char digits[10];
    int count = 0;
    board_puts(name);
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (count) {
        board_put(digits[--count]);
    }
    board_puts("\r\n");
}

static inline void wait_for_set(uintptr_t address, uint32_t bits)
{
    while ((REGISTER(address) & bits) != bits) {
    }
}

/* Cycles that SysTick, at the core clock, has counted since start_cycles(): up to 2^24. */
static inline void start_cycles(void)
{
    REGISTER(0xE000E014) = 0xFFFFFF;
    REGISTER(0xE000E018) = 0;
    REGISTER(0xE000E010) = 5;
}

static inline uint32_t cycles(void)
{
    return 0xFFFFFF - REGISTER(0xE000E018);
}

static inline void enable_interrupt(unsigned number)
{
    REGISTER(0xE000E100 + 4 * (number / 32)) = 1u << (number % 32);
}

extern volatile uint32_t interrupts;

#endif

/* How the board's sources write registers: by address, from the register maps of the reference manuals. */
#ifndef REGISTERS_H
#define REGISTERS_H

#include <stdint.h>

#include "board.h"
#include "cortex_m.h"

static inline void set_bits(uintptr_t address, uint32_t bits)
{
    REGISTER(address) |= bits;
}

static inline void clear_bits(uintptr_t address, uint32_t bits)
{
    REGISTER(address) &= ~bits;
}

static inline void set_field(uintptr_t address, uint32_t mask, uint32_t value)
{
    REGISTER(address) = (REGISTER(address) & ~mask) | value;
}

static inline void wait_for(uintptr_t address, uint32_t mask, uint32_t value)
{
    while ((REGISTER(address) & mask) != value) {
    }
}

/* At least this many cycles of the core. */
static inline void wait_cycles(uint32_t cycles)
{
    for (uint32_t left = cycles / 2 + 1; left; left--) {
        __asm__ volatile("" ::: "memory");
    }
}

/* A bit at the serial port's rate, in cycles. */
#define BIT_CYCLES (BOARD_HERTZ / 115200u)

/*
 * Wait for a serial port, which takes thousands of cycles a character, and look only now and then: a model of the chip runs its
 * own code for every look.
 */
static inline void wait_for_port(uintptr_t address, uint32_t mask, uint32_t value)
{
    while ((REGISTER(address) & mask) != value) {
        wait_cycles(BIT_CYCLES / 4);
    }
}

#endif

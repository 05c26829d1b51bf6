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
    for (volatile uint32_t left = cycles / 4; left; left--) {
    }
}

#endif

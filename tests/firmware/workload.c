/* Work that no clock steers: it reads no counter, takes no interrupt and says its result by semihosting. WAIT_STATES sets up the
 * flash of the board as its vendor's start-up code does; ACR is the address of its access control register. COUNTER: it
 * also reads what its cycles were, so that time reaches the program. */
#include "cortex_m.h"
#include "semihosting.h"

#ifndef ROUNDS
#define ROUNDS 40
#endif

static uint32_t table[256];
static const uint32_t factors[64] = {3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41};

static uint32_t __attribute__((noinline)) mix(uint32_t value, uint32_t index)
{
    return (value ^ factors[index & 63]) * 2654435761u + (value >> 7);
}

static uint32_t __attribute__((noinline)) fill(uint32_t seed)
{
    for (uint32_t i = 0; i < 256; i++) {
        seed = mix(seed, i);
        table[i] = seed;
    }
    return seed;
}

static uint32_t __attribute__((noinline)) sort(void)
{
    uint32_t swaps = 0;
    for (uint32_t i = 1; i < 64; i++) {
        uint32_t value = table[i], j = i;
        for (; j && table[j - 1] > value; j--) {
            table[j] = table[j - 1];
            swaps++;
        }
        table[j] = value;
    }
    return swaps;
}

int main(void)
{
#ifdef ACR
    REGISTER(ACR) = WAIT_STATES;
#endif
#ifdef CACHES
    REGISTER(0xE000ED14) |= 3u << 16;
#endif
#ifdef COUNTER
    REGISTER(0xE000E014) = 0xFFFFFF;
    REGISTER(0xE000E010) = 5;
    while ((REGISTER(0xE000E018) & 0xFFFFFF) > 0xFFFFFF - 1000) {
    }
#endif
    uint32_t sum = 1;
    for (int round = 0; round < ROUNDS; round++) {
        sum = fill(sum) + sort();
    }
    return sum == 0;
}

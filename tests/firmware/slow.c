/*
 * Work that a board does slowly until each piece of advice is followed; the defines follow it one by one.
 *
 *     ACR, ACR_VALUE  address and value of the flash controller's access control register (none: left as after reset)
 *     CACHES          1: the Cortex-M7's L1 caches are on
 *     PLL_L4          1: STM32L4+: 120 MHz from the MSI through the PLL
 *     HOT             attributes of the hot function, such as __attribute__((section(".ramcode")))
 *     TABLE           attributes of the constant table
 *     SHIFT           bytes by which the data lie off a word
 *     ROUNDS          how often the integer work is done
 *     FLOATS          1: floating-point work too
 */
#include <stdint.h>

#include "cortex_m.h"
#include "uart.h"

#ifndef CACHES
#define CACHES 0
#endif
#ifndef PLL_L4
#define PLL_L4 0
#endif
#ifndef HOT
#define HOT
#endif
#ifndef TABLE
#define TABLE
#endif
#ifndef SHIFT
#define SHIFT 0
#endif
#ifndef FLOATS
#define FLOATS 0
#endif

#ifndef ROUNDS
#define ROUNDS 60
#endif

enum { WORDS = 512 };

static uint8_t bytes[4 * WORDS + 4] __attribute__((aligned(8)));
static const uint16_t factors[64] TABLE = {
    3, 14, 15, 92, 65, 35, 89, 79, 32, 38, 46, 26, 43, 38, 32, 79, 50, 28, 84, 19, 71, 69, 39, 93, 75, 10, 58, 20, 97, 49, 44, 59,
    23, 7, 81, 64, 6, 28, 62, 8, 99, 86, 28, 3, 48, 25, 34, 21, 17, 6, 79, 82, 14, 80, 86, 51, 32, 82, 30, 66, 47, 9, 38, 44,
};

static uint32_t HOT __attribute__((noinline)) mix(const uint8_t *start, uint32_t state)
{
    for (int i = 0; i < WORDS; i++) {
        const uint32_t word = *(const volatile uint32_t *)(start + 4 * i);
        if (state & 1) {
            state = (state >> 1) ^ (word * factors[i & 63]);
        } else if (state & 2) {
            state = (state >> 2) + (word ^ 0x5bd1e995u) + factors[word & 63];
        } else {
            state = state * 3 + word;
        }
        state ^= state << 7;
        state += factors[state & 63];
    }
    return state;
}

static float __attribute__((noinline)) smooth(float value, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        value = value * 0.5f + (float)i;
        value = value / (value + 3.0f);
    }
    return value;
}

static void start_clock(void)
{
#if PLL_L4
    REGISTER(0x40022000) = 0x0605;                         /* FLASH_ACR: caches on, 5 wait states */
    REGISTER(0x4002100C) = 1 | 60u << 8 | 1u << 24;        /* PLLCFGR: MSI (4 MHz) / 1 x 60 / 2 */
    REGISTER(0x40021000) |= 1u << 24;                      /* CR.PLLON */
    while (!(REGISTER(0x40021000) >> 25 & 1)) {
    }
    REGISTER(0x40021008) = 3;                              /* CFGR.SW: PLL */
    while ((REGISTER(0x40021008) >> 2 & 3) != 3) {
    }
#endif
#ifdef ACR
    REGISTER(ACR) = ACR_VALUE;
#endif
#if CACHES
    barrier_sync();
    SCB_CCR |= 1u << 16 | 1u << 17;
    barrier_sync();
#endif
}

int main(void)
{
    start_clock();
    uint32_t state = 1;
    for (int round = 0; round < ROUNDS; round++) {
        state = mix(bytes + SHIFT, state + round);
    }
#if FLOATS
    state += (uint32_t)smooth(1.0f, 4000);
#endif
    uart_put_hex(state);
    uart_puts("\n");
    return 0;
}

/*
 * Products of two taps are added before they are taken apart: 128 * 128 + 128 * 127 still fits 16 bits. In assembly for the small
 * cores, whose compilers do not keep sums in the high registers: 24 cycles on Cortex-M0+ for 8 multiplications, 8 for loads.
 */
#include "nn_fours.h"

#include "nn_dsp.h"
#include "nn_high_registers.h"

#if defined(__thumb__)

#pragma GCC diagnostic ignored "-Wunused-parameter"

/* r4 to r7: weights, then products, of two taps; r2, r3: their inputs; r8 to r11: sums. */
#define STEP                \
    "ldm r1!, {r4-r7}\n"    \
    "ldm r0!, {r2, r3}\n"   \
    "muls r4, r2, r4\n"     \
    "muls r6, r3, r6\n"     \
    "adds r4, r4, r6\n"     \
    "muls r5, r2, r5\n"     \
    "muls r7, r3, r7\n"     \
    "adds r5, r5, r7\n"     \
    "sxth r6, r4\n"         \
    "add r8, r6\n"          \
    "subs r4, r4, r6\n"     \
    "asrs r4, r4, #16\n"    \
    "add r9, r4\n"          \
    "sxth r7, r5\n"         \
    "add r10, r7\n"         \
    "subs r5, r5, r7\n"     \
    "asrs r5, r5, #16\n"    \
    "add r11, r5\n"

__attribute__((naked, noinline)) void nn_fours(const int32_t *inputs, const uint32_t *panel, int32_t count, int32_t *sums)
{
    __asm__ volatile(
        ".syntax unified\n"
        "push {r4-r7, lr}\n"
        NN_FROM_HIGH
        "push {r3-r7}\n"
        "lsls r2, r2, #2\n"
        "adds r2, r2, r0\n"
        "mov r12, r2\n"
        "ldm r3!, {r4-r7}\n"
        NN_TO_HIGH
        "1:\n"
        STEP STEP
        "cmp r0, r12\n"
        "bne 1b\n"
        NN_FROM_HIGH
        "pop {r3}\n"
        "stm r3!, {r4-r7}\n"
        "pop {r4-r7}\n"
        NN_TO_HIGH
        "pop {r4-r7, pc}\n");
}

#else

void nn_fours(const int32_t *inputs, const uint32_t *panel, int32_t count, int32_t *sums)
{
    for (const int32_t *end = inputs + count; inputs < end; inputs++, panel += 2) {
        for (int32_t i = 0; i < 4; i += 2) {
            const int32_t low = (int16_t)panel[i / 2];
            sums[i] += *inputs * low;
            sums[i + 1] += *inputs * ((int32_t)(panel[i / 2] - (uint32_t)low) >> 16);
        }
    }
}

#endif

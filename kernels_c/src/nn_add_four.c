/*
 * In assembly for the small cores, whose compilers do not keep sums in the high registers: 21.5 cycles on Cortex-M0+ for four
 * multiplications, 10 for loads.
 */
#include "nn_convolve_s16.h"
#include "nn_high_registers.h"

#if !NN_DSP && defined(__thumb__)

#pragma GCC diagnostic ignored "-Wunused-parameter"

/* r0: inputs, up to r12; r1: weights; r2 to r4: from there to the other rows; r5, r6: operands; r7: 0; r8 to r11: sums. */
#define PRODUCT(row, sum)         \
    "ldrsb r5, [r1, " row "]\n"   \
    "muls r5, r6, r5\n"           \
    "add " sum ", r5\n"
#define STEP                      \
    "ldrsh r6, [r0, r7]\n"        \
    PRODUCT("r7", "r8") PRODUCT("r2", "r9") PRODUCT("r3", "r10") PRODUCT("r4", "r11") \
    "adds r0, #2\n"               \
    "adds r1, #1\n"

__attribute__((naked, noinline)) void nn_add_four(int32_t sums[4], const int16_t *input, const int8_t *weights, int32_t step,
                                                  int32_t count)
{
    __asm__ volatile(
        ".syntax unified\n"
        "push {r0, r4-r7, lr}\n"
        NN_FROM_HIGH
        "push {r4-r7}\n"
        "ldm r0!, {r4-r7}\n"
        NN_TO_HIGH
        "movs r0, r1\n"
        "movs r1, r2\n"
        "movs r2, r3\n"
        "adds r3, r2, r2\n"
        "adds r4, r3, r2\n"
        "ldr r5, [sp, #40]\n"
        "lsls r6, r5, #1\n"
        "adds r6, r0, r6\n"
        "mov r12, r6\n"
        "movs r7, #0\n"
        "lsls r5, r5, #31\n" /* odd counts begin with the second step */
        "bne 2f\n"
        "1:\n"
        STEP
        "2:\n"
        STEP
        "cmp r0, r12\n"
        "bne 1b\n"
        "ldr r0, [sp, #16]\n"
        NN_FROM_HIGH
        "stm r0!, {r4-r7}\n"
        "pop {r4-r7}\n"
        NN_TO_HIGH
        "pop {r0, r4-r7, pc}\n");
}

#elif !NN_DSP

void nn_add_four(int32_t sums[4], const int16_t *input, const int8_t *weights, int32_t step, int32_t count)
{
    for (const int16_t *end = input + count; input < end; input++, weights++) {
        for (int32_t i = 0; i < 4; i++) {
            sums[i] += *input * weights[i * step];
        }
    }
}

#endif

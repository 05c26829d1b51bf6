/*
 * In assembly: 24 cycles on Cortex-M4 for 16 multiplications, 8 for the two runs of loads, 8 to spread weights, 8 SMLAD.
 *
 * Weights are met once, so that what flash takes to deliver them counts. Rows often begin at the same place of a line of
 * the flash's cache; four misses in a row would wait for each other. So the main loop asks for the four lines that come
 * next one by one, some steps apart, and the flash fetches each while the core multiplies.
 */
#include "nn_dsp.h"
#include "nn_four_rows.h"

#if NN_DSP

#pragma GCC diagnostic ignored "-Wunused-parameter"

/*
 * r0: inputs; r1: row 0; r2, r3, lr: from there to rows 1, 2, 3, less 4; r4, r5: inputs; r6, r7: weights; r8 to r11: sums.
 */
#define PRODUCT(word, sum)           \
    "sxtb16 r12, " word "\n"         \
    "smlad " sum ", r12, r4, " sum "\n" \
    "sxtb16 r12, " word ", ror #8\n" \
    "smlad " sum ", r12, r5, " sum "\n"
#define STEP                         \
    "ldr.w r5, [r0, #4]\n"           \
    "ldr.w r6, [r1], #4\n"           \
    "ldr.w r4, [r0], #8\n"           \
    "ldr.w r7, [r1, r2]\n"           \
    PRODUCT("r6", "r8")              \
    PRODUCT("r7", "r9")              \
    "ldr.w r6, [r1, r3]\n"           \
    "ldr.w r7, [r1, lr]\n"           \
    PRODUCT("r6", "r10")             \
    PRODUCT("r7", "r11")
/* Asks for what the row needs 8 steps after the begin of the loop; `ahead` is from where r1 is, for r2, r3, lr are 4 short. */
#define ASK(row, ahead)              \
    "add r12, r1, #" ahead "\n"      \
    "ldr.w r12, [r12, " row "]\n"

__attribute__((naked, noinline)) void nn_four_rows(const uint32_t *inputs, const int8_t *weights, int32_t depth,
                                                   int32_t count, int32_t *sums)
{
    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "ldr r12, [sp, #36]\n"
        "ldm r12, {r8-r11}\n"
        "add r4, r0, r3, lsl #1\n" /* end of the inputs */
        "push {r4, r12}\n"
        "sub r5, r3, #1\n"
        "bic r5, r5, #31\n"        /* steps with a whole line behind them */
        "add r5, r0, r5, lsl #1\n"
        "push {r5, r12}\n"
        "mov r4, r2\n"
        "sub r2, r4, #4\n"
        "add r3, r2, r4\n"
        "add lr, r3, r4\n"
        "cmp r0, r5\n"
        "beq 2f\n"
        ".balign 4\n"
        "1:\n"
        "ldr.w r12, [r1, #32]\n"
        STEP STEP
        ASK("r2", "28")
        STEP STEP
        ASK("r3", "20")
        STEP STEP
        ASK("lr", "12")
        STEP
        "ldr r12, [sp]\n"
        "sub r12, #8\n"
        "cmp r0, r12\n"
        STEP
        "bne.w 1b\n"
        "2:\n"
        STEP
        "ldr r12, [sp, #8]\n"
        "cmp r0, r12\n"
        "bne.w 2b\n"
        "add sp, #16\n"
        "ldr r12, [sp, #36]\n"
        "stm r12, {r8-r11}\n"
        "pop {r4-r11, pc}\n");
}

#endif

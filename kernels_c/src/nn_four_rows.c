/*
 * In assembly: 24 cycles on Cortex-M4 for 16 multiplications, 8 for the two runs of loads, 8 to spread weights, 8 SMLAD.
 * Weights are met once, so that the time flash takes to deliver them comes on top.
 */
#include "nn_dsp.h"
#include "nn_four_rows.h"

#if NN_DSP

#pragma GCC diagnostic ignored "-Wunused-parameter"

/*
 * r0: inputs; r1: row 0; r2, r3, lr: from there to rows 1, 2, 3, less 4; r4, r5: inputs; r6, r7: weights; r8 to r11: sums.
 */
#define PRODUCT(word, sum)              \
    "sxtb16 r12, " word "\n"            \
    "smlad " sum ", r12, r4, " sum "\n" \
    "sxtb16 r12, " word ", ror #8\n"    \
    "smlad " sum ", r12, r5, " sum "\n"
#define FIRST_LOADS                     \
    "ldr.w r5, [r0, #4]\n"              \
    "ldr.w r6, [r1], #4\n"              \
    "ldr.w r4, [r0], #8\n"              \
    "ldr.w r7, [r1, r2]\n"
#define THE_REST                        \
    PRODUCT("r6", "r8")                 \
    PRODUCT("r7", "r9")                 \
    "ldr.w r6, [r1, r3]\n"              \
    "ldr.w r7, [r1, lr]\n"              \
    PRODUCT("r6", "r10")                \
    PRODUCT("r7", "r11")
#define STEP FIRST_LOADS THE_REST
#define STEP_BYTES "88"

#define RESULT(sum)                     \
    "add r12, r5, " sum ", asr #31\n"   \
    "smmlar " sum ", " sum ", r4, r12\n"
#define RESULT_ROUNDED_ONCE(sum) "smmla " sum ", " sum ", r4, r5\n"

/* The stack: the walk as it was given from DEPTH on, and what changes. */
#define END "#0"
#define ENTRY "#4"
#define INPUTS "#8"
#define SKIP "#12"
#define DEPTH "#16"
#define STEPS "#20"
#define COUNT "#24"
#define BIAS "#28"
#define BIAS_STEP "#32"
#define MULTIPLIER "#36"
#define ADD "#40"
#define SHIFT "#44"
#define OUTPUT "#48"
#define ROUNDS_ONCE "#52"
#define FRAME "#56"

NN_ASSEMBLY void nn_four_rows(const uint32_t *inputs, const int8_t *weights, const struct nn_rows_walk *walk)
{
    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "sub sp, " FRAME "\n"
        "str r0, [sp, " INPUTS "]\n"
        "ldm r2, {r3-r12}\n"
        "add r2, sp, " DEPTH "\n"
        "stm r2, {r3-r12}\n"
        "add r5, r0, r4, lsl #3\n"
        "str r5, [sp, " END "]\n"
        "sub r5, r3, r4\n"
        "lsl r5, #2\n"
        "str r5, [sp, " SKIP "]\n"
        "sub r2, r3, #4\n"
        "add lr, r2, r3, lsl #1\n"
        "add r3, r2\n"
        /* Steps that are no multiple of four begin inside the loop. */
        "rsb r4, r4, #0\n"
        "and r4, r4, #3\n"
        "mov r5, #" STEP_BYTES "\n"
        "adr r6, 2f\n"
        "mla r4, r4, r5, r6\n"
        "orr r4, r4, #1\n"
        "str r4, [sp, " ENTRY "]\n"

        /* Four rows. */
        "1:\n"
        "ldr r7, [sp, " BIAS "]\n"
        "ldr r6, [sp, " BIAS_STEP "]\n"
        "ldr r5, [sp, " ENTRY "]\n"
        "ldr r0, [sp, " INPUTS "]\n"
        "ldm r7, {r8-r11}\n"
        "add r7, r6\n"
        "str r7, [sp, " BIAS "]\n"
        "lsl r8, #1\n"
        "lsl r9, #1\n"
        "lsl r10, #1\n"
        "lsl r11, #1\n"
        "bx r5\n"
        ".balign 4\n"
        "2:\n"
        STEP STEP STEP
        FIRST_LOADS
        "ldr.w r12, [sp, " END "]\n"
        "cmp.w r0, r12\n"
        THE_REST
        "bne.w 2b\n"

        "ldr r4, [sp, " MULTIPLIER "]\n"
        "ldr r5, [sp, " ADD "]\n"
        "ldr r6, [sp, " ROUNDS_ONCE "]\n"
        "ldr r7, [sp, " OUTPUT "]\n"
        "cmp r6, #0\n"
        "ldr r6, [sp, " SHIFT "]\n"
        "bne 3f\n"
        RESULT("r8") RESULT("r9") RESULT("r10") RESULT("r11")
        "b 4f\n"
        "3:\n"
        RESULT_ROUNDED_ONCE("r8") RESULT_ROUNDED_ONCE("r9") RESULT_ROUNDED_ONCE("r10") RESULT_ROUNDED_ONCE("r11")
        "4:\n"
        "asr r8, r6\n"
        "asr r9, r6\n"
        "asr r10, r6\n"
        "asr r11, r6\n"
        "ldr r4, [sp, " SKIP "]\n"
        "ldr r5, [sp, " COUNT "]\n"
        "ssat r8, #8, r8\n"
        "ssat r9, #8, r9\n"
        "ssat r10, #8, r10\n"
        "ssat r11, #8, r11\n"
        "strb.w r9, [r7, #1]\n"
        "strb.w r10, [r7, #2]\n"
        "strb.w r11, [r7, #3]\n"
        "strb.w r8, [r7], #4\n"
        "add r1, r4\n"
        "subs r5, #1\n"
        "str r7, [sp, " OUTPUT "]\n"
        "str r5, [sp, " COUNT "]\n"
        "bne 1b\n"
        "add sp, " FRAME "\n"
        "pop {r4-r11, pc}\n");
}

/* r0: inputs; r1, r2: rows; r3: end of the inputs; r4: offset; r5, r6: sums. */
#define TWO_PRODUCTS(input, a, b)                 \
    "sxtab16 lr, r4, " input "\n"                 \
    "sxtab16 " input ", r4, " input ", ror #8\n"  \
    "sxtb16 r12, " a "\n"                         \
    "smlad r5, r12, lr, r5\n"                     \
    "sxtb16 r12, " a ", ror #8\n"                 \
    "smlad r5, r12, " input ", r5\n"              \
    "sxtb16 r12, " b "\n"                         \
    "smlad r6, r12, lr, r6\n"                     \
    "sxtb16 r12, " b ", ror #8\n"                 \
    "smlad r6, r12, " input ", r6\n"

NN_ASSEMBLY void nn_two_rows(const int8_t *input, const int8_t *row_a, const int8_t *row_b, int32_t count,
                             uint32_t offset, int32_t *sums)
{
    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "ldr r4, [sp, #36]\n"
        "ldr r7, [sp, #40]\n"
        "add r3, r0\n"
        "ldr r5, [r7]\n"
        "ldr r6, [r7, #4]\n"
        ".balign 4\n"
        "1:\n"
        "ldr.w r7, [r0], #4\n"
        "ldr.w r8, [r1], #4\n"
        "ldr.w r9, [r2], #4\n"
        "ldr.w r10, [r0], #4\n"
        "ldr.w r11, [r1], #4\n"
        TWO_PRODUCTS("r7", "r8", "r9")
        "ldr.w r9, [r2], #4\n"
        "cmp.w r0, r3\n"
        TWO_PRODUCTS("r10", "r11", "r9")
        "bne.w 1b\n"
        "ldr r7, [sp, #40]\n"
        "str r5, [r7]\n"
        "str r6, [r7, #4]\n"
        "pop {r4-r11, pc}\n");
}

#endif

/*
 * In assembly, because no compiler keeps four sums, three pointers and seven operands in the 14 registers of the core.
 * Cycles on Cortex-M4: 19 for 4 weights of 2 channels and 2 pixels, 16 multiplications: 7 for the run of 6 loads, 4 to
 * spread activations, 8 SMLAD. Instructions of the loop are all wide and aligned, so that loads overlap.
 */
#include "nn_dsp.h"
#include "nn_quads.h"

#if NN_DSP

#pragma GCC diagnostic ignored "-Wunused-parameter"

/* r0, r1: pixels; r2: panel; r8, r9: sums of pixel 0, channels a and b; r10, r11: of pixel 1; the rest: operands. */
#define LOADS                     \
    "ldr.w r6, [r2, #4]\n"        \
    "ldr.w r7, [r2, #8]\n"        \
    "ldr.w lr, [r2, #12]\n"       \
    "ldr.w r5, [r2], #16\n"       \
    "ldr.w r3, [r0], #4\n"        \
    "ldr.w r4, [r1], #4\n"
#define PRODUCTS                  \
    "sxtb16.w r12, r3\n"          \
    "sxtb16.w r3, r3, ror #8\n"   \
    "smlad r8, r12, r5, r8\n"     \
    "smlad r9, r12, r6, r9\n"     \
    "smlad r8, r3, r7, r8\n"      \
    "smlad r9, r3, lr, r9\n"      \
    "sxtb16.w r12, r4\n"          \
    "sxtb16.w r4, r4, ror #8\n"   \
    "smlad r10, r12, r5, r10\n"   \
    "smlad r11, r12, r6, r11\n"   \
    "smlad r10, r4, r7, r10\n"    \
    "smlad r11, r4, lr, r11\n"
#define STEP LOADS PRODUCTS
#define STEP_BYTES "72"

/* The stack: the walk as it was given from WALK on, and what changes. */
#define END "#0"
#define ROWS_LEFT "#4"
#define ENTRY "#8"
#define PAIR "#12"
#define WALK "#16"
#define ROW_BYTES "#16"
#define ROWS "#20"
#define INPUT_SKIP "#24"
#define PANEL_SKIP "#28"
#define INPUT_NEXT "#32"
#define OUTPUT "#36"
#define OUTPUT_DELTA "#40"
#define OUTPUT_STEP "#44"
#define COUNT "#48"
#define PAIR_STEP "#52"
#define CLAMP "#56"
#define LOW "#60"
#define HIGH "#64"
#define FRAME "#68"

#define BOUND(sum)               \
    "cmp " sum ", r3\n"          \
    "it lt\n"                    \
    "movlt " sum ", r3\n"        \
    "cmp " sum ", r4\n"          \
    "it gt\n"                    \
    "movgt " sum ", r4\n"

__attribute__((naked, noinline)) void nn_quads(const int8_t *pixel_0, const int8_t *pixel_1,
                                               const struct nn_walk *walk, const struct nn_pair *pair)
{
    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "sub sp, " FRAME "\n"
        "str r3, [sp, " PAIR "]\n"
        "ldm r2!, {r3-r9}\n"
        "add r12, sp, " WALK "\n"
        "stm r12!, {r3-r9}\n"
        "ldm r2, {r4-r9}\n"
        "stm r12, {r4-r9}\n"
        /* Rows that are no multiple of eight steps begin inside the loop. */
        "lsr r4, r3, #2\n"
        "rsb r4, r4, #0\n"
        "and r4, r4, #7\n"
        "mov r5, #" STEP_BYTES "\n"
        "adr r6, 3f\n"
        "mla r4, r4, r5, r6\n"
        "orr r4, r4, #1\n"
        "str r4, [sp, " ENTRY "]\n"

        /* A quad. */
        "1:\n"
        "ldr r12, [sp, " PAIR "]\n"
        "ldr r3, [sp, " ROW_BYTES "]\n"
        "ldr r4, [sp, " ENTRY "]\n"
        "ldr r5, [sp, " ROWS "]\n"
        "ldm r12, {r2, r8, r9}\n"
        "mov r10, r8\n"
        "mov r11, r9\n"
        /* A row. */
        "2:\n"
        "str r5, [sp, " ROWS_LEFT "]\n"
        "add r3, r0\n"
        "str r3, [sp, " END "]\n"
        "bx r4\n"
        ".balign 4\n"
        "3:\n"
        STEP STEP STEP STEP STEP STEP STEP
        LOADS
        "ldr.w r12, [sp, " END "]\n"
        "cmp.w r0, r12\n"
        PRODUCTS
        "bne.w 3b\n"
        "ldr r5, [sp, " ROWS_LEFT "]\n"
        "ldr r6, [sp, " INPUT_SKIP "]\n"
        "ldr r7, [sp, " PANEL_SKIP "]\n"
        "ldr r3, [sp, " ROW_BYTES "]\n"
        "ldr r4, [sp, " ENTRY "]\n"
        "subs r5, #1\n"
        "beq 4f\n"
        "add r0, r6\n"
        "add r1, r6\n"
        "add r2, r7\n"
        "b 2b\n"

        /* Sums to outputs. */
        "4:\n"
        "ldr r12, [sp, " PAIR "]\n"
        "ldr.w lr, [sp, " OUTPUT "]\n"
        "add r12, #12\n"
        "ldm r12, {r2-r7, r12}\n"
        "smmulr r8, r8, r2\n"
        "smmulr r9, r9, r5\n"
        "smmulr r10, r10, r2\n"
        "smmulr r11, r11, r5\n"
        "add r8, r8, r8, asr #31\n"
        "add r9, r9, r9, asr #31\n"
        "add r10, r10, r10, asr #31\n"
        "add r11, r11, r11, asr #31\n"
        "add r8, r3\n"
        "add r9, r6\n"
        "add r10, r3\n"
        "add r11, r6\n"
        "asr r8, r4\n"
        "asr r9, r7\n"
        "asr r10, r4\n"
        "asr r11, r7\n"
        "ssat r8, #8, r8\n"
        "ssat r9, #8, r9\n"
        "ssat r10, #8, r10\n"
        "ssat r11, #8, r11\n"
        "ldr r2, [sp, " CLAMP "]\n"
        "cbnz r2, 6f\n"
        "5:\n"
        "ldr r2, [sp, " OUTPUT_DELTA "]\n"
        "ldr r3, [sp, " OUTPUT_STEP "]\n"
        "ldr r4, [sp, " INPUT_NEXT "]\n"
        "ldr r5, [sp, " PAIR_STEP "]\n"
        "ldr r6, [sp, " COUNT "]\n"
        "ldr r7, [sp, " PAIR "]\n"
        "add r2, lr\n"
        "strb.w r8, [lr]\n"
        "strb.w r9, [lr, r12]\n"
        "strb.w r10, [r2]\n"
        "strb.w r11, [r2, r12]\n"
        "add lr, r3\n"
        "str.w lr, [sp, " OUTPUT "]\n"
        "add r7, r5\n"
        "str r7, [sp, " PAIR "]\n"
        "add r0, r4\n"
        "add r1, r4\n"
        "subs r6, #1\n"
        "str r6, [sp, " COUNT "]\n"
        "bne 1b\n"
        "add sp, " FRAME "\n"
        "pop {r4-r11, pc}\n"
        "6:\n"
        "ldr r3, [sp, " LOW "]\n"
        "ldr r4, [sp, " HIGH "]\n"
        BOUND("r8") BOUND("r9") BOUND("r10") BOUND("r11")
        "b 5b\n");
}

#endif

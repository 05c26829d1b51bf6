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
    "sxtb16 r12, r3\n"          \
    "sxtb16 r3, r3, ror #8\n"   \
    "smlad r8, r12, r5, r8\n"     \
    "smlad r9, r12, r6, r9\n"     \
    "smlad r8, r3, r7, r8\n"      \
    "smlad r9, r3, lr, r9\n"      \
    "sxtb16 r12, r4\n"          \
    "sxtb16 r4, r4, ror #8\n"   \
    "smlad r10, r12, r5, r10\n"   \
    "smlad r11, r12, r6, r11\n"   \
    "smlad r10, r4, r7, r10\n"    \
    "smlad r11, r4, lr, r11\n"
#define STEP LOADS PRODUCTS
#define STEP_BYTES "72"

/* The stack: the walk as it was given from ROW_BYTES on, and what changes. */
#define END "#0"
#define ROWS_LEFT "#4"
#define ENTRY "#8"
#define PAIR "#12"
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
#define FRAME "#56"

/* The members of struct nn_pair behind those of the result. */
#define PANEL "#28"
#define START_A "#32"
#define START_B "#36"

NN_ASSEMBLY void nn_quads(const int8_t *pixel_0, const int8_t *pixel_1,
                                               const struct nn_walk *walk, const struct nn_pair *pair)
{
    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "sub sp, " FRAME "\n"
        "mov r7, r3\n"
        "str r3, [sp, " PAIR "]\n"
        "ldm r2, {r3-r6, r8-r12, lr}\n"
        "add r2, sp, " ROW_BYTES "\n"
        "stm r2, {r3-r6, r8-r12, lr}\n"
        /* Rows that are no multiple of four steps begin inside the loop. */
        "lsr r4, r3, #2\n"
        "rsb r4, r4, #0\n"
        "and r4, r4, #3\n"
        "mov r5, #" STEP_BYTES "\n"
        "adr r6, 3f\n"
        "mla r4, r4, r5, r6\n"
        "orr r4, r4, #1\n"
        "str r4, [sp, " ENTRY "]\n"

        /* A quad; r7: its pair. */
        "1:\n"
        "ldr r3, [sp, " ROW_BYTES "]\n"
        "ldr r4, [sp, " ENTRY "]\n"
        "ldr r5, [sp, " ROWS "]\n"
        "ldr r2, [r7, " PANEL "]\n"
        "ldr.w r8, [r7, " START_A "]\n"
        "ldr.w r9, [r7, " START_B "]\n"
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
        STEP STEP STEP
        LOADS
        "ldr.w r12, [sp, " END "]\n"
        "cmp.w r0, r12\n"
        PRODUCTS
        "bne.w 3b\n"
        "ldr r5, [sp, " ROWS_LEFT "]\n"
        "subs r5, #1\n"
        "bne 5f\n"

        /* Sums to outputs. */
        "ldr r12, [sp, " PAIR "]\n"
        "ldm r12, {r2-r7, r12}\n"
        "add lr, r3, r8, asr #31\n"
        "smmlar r8, r8, r2, lr\n"
        "add lr, r6, r9, asr #31\n"
        "smmlar r9, r9, r5, lr\n"
        "add lr, r3, r10, asr #31\n"
        "smmlar r10, r10, r2, lr\n"
        "add lr, r6, r11, asr #31\n"
        "smmlar r11, r11, r5, lr\n"
        "asr r8, r4\n"
        "asr r9, r7\n"
        "asr r10, r4\n"
        "asr r11, r7\n"
        "ssat r8, #8, r8\n"
        "ssat r9, #8, r9\n"
        "ssat r10, #8, r10\n"
        "ssat r11, #8, r11\n"
        "ldr r2, [sp, " OUTPUT_DELTA "]\n"
        "ldr r3, [sp, " OUTPUT_STEP "]\n"
        "ldr r4, [sp, " INPUT_NEXT "]\n"
        "ldr r5, [sp, " PAIR_STEP "]\n"
        "ldr r6, [sp, " COUNT "]\n"
        "ldr r7, [sp, " PAIR "]\n"
        "ldr.w lr, [sp, " OUTPUT "]\n"
        "add r0, r4\n"
        "add r1, r4\n"
        "add r7, r5\n"
        "add r2, lr\n"
        "strb.w r8, [lr]\n"
        "strb.w r9, [lr, r12]\n"
        "strb.w r10, [r2]\n"
        "strb.w r11, [r2, r12]\n"
        "add lr, r3\n"
        "subs r6, #1\n"
        "str.w lr, [sp, " OUTPUT "]\n"
        "str r7, [sp, " PAIR "]\n"
        "str r6, [sp, " COUNT "]\n"
        "bne 1b\n"
        "add sp, " FRAME "\n"
        "pop {r4-r11, pc}\n"

        "5:\n"
        "ldr r6, [sp, " INPUT_SKIP "]\n"
        "ldr r7, [sp, " PANEL_SKIP "]\n"
        "ldr r3, [sp, " ROW_BYTES "]\n"
        "ldr r4, [sp, " ENTRY "]\n"
        "add r0, r6\n"
        "add r1, r6\n"
        "add r2, r7\n"
        "b 2b\n");
}

#endif

/* In assembly: 14 cycles on Cortex-M4 for a tap of four channels, 4 for the run of loads, 2 to spread inputs, 4 SMLAxy. */
#include "nn_depthwise_taps.h"
#include "nn_dsp.h"

#if NN_DSP

#pragma GCC diagnostic ignored "-Wunused-parameter"

/* The stack: the walk as it was given from TAPS on, and what changes. */
#define PANEL "#0"
#define CHANNELS "#4"
#define TAPS "#8"
#define ROWS "#12"
#define INPUT_SKIP "#16"
#define PANEL_SKIP "#20"
#define INPUT_NEXT "#24"
#define OUTPUT_STEP "#28"
#define PANEL_STEP "#32"
#define CHANNELS_STEP "#36"
#define COUNT "#40"
#define FRAME "#44"
#define OUTPUT "#80" /* the caller's fifth argument */

#define RESULT(sum)                         \
    "ldm r1!, {r4, r5, r6}\n"               \
    "add r5, r5, " sum ", asr #31\n"        \
    "smmlar " sum ", " sum ", r4, r5\n"     \
    "asr " sum ", " sum ", r6\n"            \
    "ssat " sum ", #8, " sum "\n"

/* r0: inputs; r1: panel; r2: tap step; r3: offset; r4, r5: inputs; r6, r7: weights; r8 to r11: sums of channels 0 to 3. */
NN_ASSEMBLY void nn_depthwise_taps(const int8_t *input, const uint32_t *panel,
                                                        const struct nn_taps_walk *walk,
                                                        const struct nn_taps_channels *channels, int8_t *output)
{
    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "sub sp, " FRAME "\n"
        "str r1, [sp, " PANEL "]\n"
        "str r3, [sp, " CHANNELS "]\n"
        "ldm r2!, {r4-r12}\n"
        "add lr, sp, " TAPS "\n"
        "stm lr, {r4-r12}\n"
        "ldm r2, {r2, r3}\n"

        /* An output. */
        "1:\n"
        "ldr r4, [sp, " CHANNELS "]\n"
        "ldr r1, [sp, " PANEL "]\n"
        "ldr.w lr, [sp, " ROWS "]\n"
        "ldr.w r12, [sp, " TAPS "]\n"
        "ldm r4, {r8-r11}\n"
        ".balign 4\n"
        "2:\n"
        "ldr.w r6, [r1], #8\n"
        "ldr.w r4, [r0]\n"
        "ldr r7, [r1, #-4]\n"
        "add.w r0, r0, r2\n"
        "subs.w r12, r12, #1\n"
        "sxtab16 r5, r3, r4\n"
        "sxtab16 r4, r3, r4, ror #8\n"
        "smlabb r8, r5, r6, r8\n"
        "smlatt r10, r5, r6, r10\n"
        "smlabb r9, r4, r7, r9\n"
        "smlatt r11, r4, r7, r11\n"
        "bne.w 2b\n"
        "ldr r5, [sp, " INPUT_SKIP "]\n"
        "ldr r6, [sp, " PANEL_SKIP "]\n"
        "ldr.w r12, [sp, " TAPS "]\n"
        "subs.w lr, lr, #1\n"
        "beq 3f\n"
        "add r0, r5\n"
        "add r1, r6\n"
        "b 2b\n"

        "3:\n"
        "ldr r1, [sp, " CHANNELS "]\n"
        "add r1, #16\n"
        RESULT("r8") RESULT("r9") RESULT("r10") RESULT("r11")
        "ldr r7, [sp, " OUTPUT "]\n"
        "ldr r4, [sp, " OUTPUT_STEP "]\n"
        "ldr r5, [sp, " INPUT_NEXT "]\n"
        "ldr r6, [sp, " COUNT "]\n"
        "ldr r1, [sp, " PANEL "]\n"
        "ldr.w r12, [sp, " PANEL_STEP "]\n"
        "ldr.w lr, [sp, " CHANNELS_STEP "]\n"
        "strb.w r8, [r7]\n"
        "strb.w r9, [r7, #1]\n"
        "strb.w r10, [r7, #2]\n"
        "strb.w r11, [r7, #3]\n"
        "ldr.w r8, [sp, " CHANNELS "]\n"
        "add r7, r4\n"
        "add r0, r5\n"
        "add r1, r12\n"
        "add r8, lr\n"
        "str r1, [sp, " PANEL "]\n"
        "str.w r8, [sp, " CHANNELS "]\n"
        "subs r6, #1\n"
        "str r7, [sp, " OUTPUT "]\n"
        "str r6, [sp, " COUNT "]\n"
        "bne 1b\n"
        "add sp, " FRAME "\n"
        "pop {r4-r11, pc}\n");
}

#endif

/*
 * In assembly, because no compiler keeps eight sums, two pointers and four operands in the 14 registers of the core.
 * Cycles on Cortex-M4: 16 a step of 16 multiplications, 8 for the two runs of loads and 8 SMLAD.
 */
#include "nn_dsp.h"
#include "nn_octets.h"

#if NN_DSP

#pragma GCC diagnostic ignored "-Wunused-parameter"

/* r0: inputs; r1: panel; r4, r5: sums of channel a, pixels 0 and 1; r6, r7: b; r8, r9: c; r10, r11: d. */
#define STEP_BEGIN                \
    "ldr.w lr, [r0, #4]\n"        \
    "ldr.w r3, [r1, #4]\n"        \
    "ldr.w r12, [r0], #8\n"       \
    "ldr.w r2, [r1], #16\n"       \
    "smlad r4, r12, r2, r4\n"     \
    "smlad r5, lr, r2, r5\n"      \
    "smlad r6, r12, r3, r6\n"     \
    "smlad r7, lr, r3, r7\n"      \
    "ldr r2, [r1, #-8]\n"       \
    "ldr r3, [r1, #-4]\n"       \
    "smlad r8, r12, r2, r8\n"     \
    "smlad r9, lr, r2, r9\n"
#define STEP_END                  \
    "smlad r10, r12, r3, r10\n"   \
    "smlad r11, lr, r3, r11\n"
#define STEP STEP_BEGIN STEP_END
#define STEP_BYTES "56"

#define RESULT(sum_0, sum_1)                                \
    "ldm r0!, {r2, r3, r12}\n"                              \
    "add lr, r3, " sum_0 ", asr #31\n"                      \
    "smmlar " sum_0 ", " sum_0 ", r2, lr\n"                 \
    "add lr, r3, " sum_1 ", asr #31\n"                      \
    "smmlar " sum_1 ", " sum_1 ", r2, lr\n"                 \
    "asr " sum_0 ", r12\n"                                  \
    "asr " sum_1 ", r12\n"                                  \
    "ssat " sum_0 ", #8, " sum_0 "\n"                       \
    "ssat " sum_1 ", #8, " sum_1 "\n"

#define END "#0"
#define ENTRY "#4"
#define INPUTS "#8"
#define CHANNELS "#12"
#define COUNT "#16"
#define OUTPUT_0 "#20"
#define OUTPUT_1 "#24"
#define FRAME "#28"

NN_ASSEMBLY void nn_octets(const uint32_t *inputs, const uint32_t *panel,
                                                const struct nn_octet_channels *channels,
                                                const struct nn_octet_walk *walk)
{
    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "sub sp, " FRAME "\n"
        "ldm r3, {r4, r5, r6, r7}\n"
        "str r0, [sp, " INPUTS "]\n"
        "str r5, [sp, " COUNT "]\n"
        "str r6, [sp, " OUTPUT_0 "]\n"
        "str r7, [sp, " OUTPUT_1 "]\n"
        "add r5, r0, r4, lsl #3\n"
        "str r5, [sp, " END "]\n"
        /* Steps that are no multiple of four begin inside the loop. */
        "rsb r4, r4, #0\n"
        "and r4, r4, #3\n"
        "mov r5, #" STEP_BYTES "\n"
        "adr r6, 2f\n"
        "mla r4, r4, r5, r6\n"
        "orr r4, r4, #1\n"
        "str r4, [sp, " ENTRY "]\n"

        /* An octet; r2: its channels. */
        "1:\n"
        "ldr r3, [sp, " ENTRY "]\n"
        "ldr r0, [sp, " INPUTS "]\n"
        "ldm r2!, {r4, r6, r8, r10}\n"
        "mov r5, r4\n"
        "mov r7, r6\n"
        "mov r9, r8\n"
        "mov r11, r10\n"
        "str r2, [sp, " CHANNELS "]\n"
        "bx r3\n"
        ".balign 4\n"
        "2:\n"
        STEP STEP STEP
        STEP_BEGIN
        "ldr.w r2, [sp, " END "]\n"
        "cmp.w r0, r2\n"
        STEP_END
        "bne.w 2b\n"

        "ldr r0, [sp, " CHANNELS "]\n"
        RESULT("r4", "r5") RESULT("r6", "r7") RESULT("r8", "r9") RESULT("r10", "r11")
        "ldr r2, [sp, " OUTPUT_0 "]\n"
        "ldr r3, [sp, " OUTPUT_1 "]\n"
        "ldr.w r12, [sp, " COUNT "]\n"
        "strb r6, [r2, #1]\n"
        "strb.w r8, [r2, #2]\n"
        "strb.w r10, [r2, #3]\n"
        "strb.w r4, [r2], #4\n"
        "strb r7, [r3, #1]\n"
        "strb.w r9, [r3, #2]\n"
        "strb.w r11, [r3, #3]\n"
        "strb.w r5, [r3], #4\n"
        "str r2, [sp, " OUTPUT_0 "]\n"
        "str r3, [sp, " OUTPUT_1 "]\n"
        "mov r2, r0\n"
        "subs.w r12, r12, #1\n"
        "str.w r12, [sp, " COUNT "]\n"
        "bne 1b\n"
        "add sp, " FRAME "\n"
        "pop {r4-r11, pc}\n");
}

#define SPREAD(word_0, word_1)              \
    "sxtab16 r3, r4, " word_0 "\n"          \
    "sxtab16 lr, r4, " word_1 "\n"          \
    "str.w r3, [r0]\n"                      \
    "str.w lr, [r0, #4]\n"                  \
    "sxtab16 r3, r4, " word_0 ", ror #8\n"  \
    "sxtab16 lr, r4, " word_1 ", ror #8\n"  \
    "str.w r3, [r0, #8]\n"                  \
    "str.w lr, [r0, #12]\n"                 \
    "add.w r0, r0, #16\n"

NN_ASSEMBLY uint32_t *nn_spread_inputs(uint32_t *to, const int8_t *pixel_0, const int8_t *pixel_1,
                                                            int32_t count, uint32_t offset)
{
    __asm__ volatile(
        "push {r4-r8, lr}\n"
        "ldr r4, [sp, #24]\n"
        "add r12, r1, r3\n"
        "lsls r3, r3, #29\n"
        "bpl 1f\n"
        "ldr r5, [r1], #4\n"
        "ldr r6, [r2], #4\n"
        SPREAD("r5", "r6")
        "cmp r1, r12\n"
        "beq 2f\n"
        ".balign 4\n"
        "1:\n"
        "ldr.w r5, [r1], #4\n"
        "ldr.w r6, [r2], #4\n"
        "ldr.w r7, [r1], #4\n"
        "ldr.w r8, [r2], #4\n"
        SPREAD("r5", "r6")
        SPREAD("r7", "r8")
        "cmp r1, r12\n"
        "bne 1b\n"
        "2:\n"
        "pop {r4-r8, pc}\n");
}

#endif

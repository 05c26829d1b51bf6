/*
 * In assembly, because no compiler keeps six pairs of weights, four sums and two pointers in the 14 registers of the core.
 * Cycles on Cortex-M4: 80 a tile of 4 outputs at stride 1, 36 multiplications: 24 SMLAD and SMLAxy, 13 for 8 loads.
 */
#include "nn_depthwise_tiles.h"
#include "nn_dsp.h"

#if NN_DSP

#pragma GCC diagnostic ignored "-Wunused-parameter"

/* r0, r1: a row of the strip and of the next one; r2, r3: operands; r4 to r9: weights; r10, r11, r12, lr: sums. */

/* Three taps of a row, for the left and for the right output of a tile. */
#define LEFT(sum, w01, w12)                       \
    "smlad " sum ", r2, " w01 ", " sum "\n"       \
    "smlabt " sum ", r3, " w12 ", " sum "\n"
#define RIGHT(sum, w01, w12)                      \
    "smlatb " sum ", r2, " w01 ", " sum "\n"      \
    "smlad " sum ", r3, " w12 ", " sum "\n"
#define ROW(offset)                               \
    "ldr.w r2, [r0, #" offset "]\n"               \
    "ldr.w r3, [r1, #" offset "]\n"
#define HIGH(sum)                                 \
    "add r1, r3, " sum ", asr #31\n"              \
    "smmlar " sum ", " sum ", r2, r1\n"

/* The stack: channel, walk, and what changes. */
#define START "#0"
#define MULTIPLIER "#4"
#define ADD "#8"
#define SHIFT "#12"
#define STRIP_BYTES "#16"
#define COLUMN_STEP "#20"
#define ROW_STEP "#24"
#define STRIP_STEP "#28"
#define WHOLE_TILES "#32"
#define ODD "#36"
#define STRIPS "#40"
#define TILES_LEFT "#44"
#define ODD_LEFT "#48"
#define OUTPUT "#52"
#define STRIP "#56"
#define STRIP_OUTPUT "#60"
#define FRAME "#64"

#define PROLOGUE                                  \
    "push {r4-r11, lr}\n"                         \
    "sub sp, " FRAME "\n"                         \
    "str r0, [sp, " STRIP "]\n"                   \
    "str r3, [sp, " STRIP_OUTPUT "]\n"            \
    "ldm r1, {r3-r9}\n"                           \
    "add r12, sp, " STRIP_BYTES "\n"              \
    "stm r12, {r3-r9}\n"                          \
    "mov r1, r2\n"                                \
    "ldm r1!, {r4-r9}\n"                          \
    "ldm r1, {r1, r2, r3, r12}\n"                 \
    "stm sp, {r1, r2, r3, r12}\n"

/* Label 1: a strip; 2: its next tile, count in r3. */
#define STRIP_BEGIN                               \
    "1:\n"                                        \
    "ldr r0, [sp, " STRIP "]\n"                   \
    "ldr r1, [sp, " STRIP_BYTES "]\n"             \
    "ldr r2, [sp, " STRIP_OUTPUT "]\n"            \
    "ldr r3, [sp, " WHOLE_TILES "]\n"             \
    "ldr.w r12, [sp, " ODD "]\n"                  \
    "add r1, r0\n"                                \
    "str r2, [sp, " OUTPUT "]\n"                  \
    "str.w r12, [sp, " ODD_LEFT "]\n"             \
    "2:\n"                                        \
    "str r3, [sp, " TILES_LEFT "]\n"

/* `back`: from behind the last whole tile to the one that begins a row of outputs earlier. */
#define TILE_END(back)                            \
    "ldr r3, [sp, " TILES_LEFT "]\n"              \
    "ldr r1, [sp, " STRIP_BYTES "]\n"             \
    "subs r3, #1\n"                               \
    "add.w r1, r1, r0\n"                          \
    "bne 2b\n"                                    \
    "ldr r3, [sp, " ODD_LEFT "]\n"                \
    "cbz r3, 3f\n"                                \
    "ldr r10, [sp, " ROW_STEP "]\n"               \
    "movs r11, #0\n"                              \
    "str.w r11, [sp, " ODD_LEFT "]\n"             \
    "sub r2, r2, r10\n"                           \
    "str r2, [sp, " OUTPUT "]\n"                  \
    "sub r0, #" back "\n"                         \
    "sub r1, #" back "\n"                         \
    "b 2b\n"                                      \
    "3:\n"                                        \
    "ldr r0, [sp, " STRIP "]\n"                   \
    "ldr r1, [sp, " STRIP_BYTES "]\n"             \
    "ldr r2, [sp, " STRIP_OUTPUT "]\n"            \
    "ldr r10, [sp, " STRIP_STEP "]\n"             \
    "ldr r3, [sp, " STRIPS "]\n"                  \
    "add r0, r1\n"                                \
    "add r2, r10\n"                               \
    "subs r3, #1\n"                               \
    "str r0, [sp, " STRIP "]\n"                   \
    "str r2, [sp, " STRIP_OUTPUT "]\n"            \
    "str r3, [sp, " STRIPS "]\n"                  \
    "bne 1b\n"                                    \
    "add sp, " FRAME "\n"                         \
    "pop {r4-r11, pc}\n"

#define TILES_1(RESULTS)                          \
    PROLOGUE                                      \
    STRIP_BEGIN                                   \
    "ldr.w r10, [sp, " START "]\n"                \
    "ldr.w r3, [r1]\n"                            \
    "ldr.w r2, [r0], #32\n"                       \
    "mov r11, r10\n"                              \
    "mov r12, r10\n"                              \
    "mov lr, r10\n"                               \
    LEFT("r10", "r4", "r5") RIGHT("r11", "r4", "r5")\
    "ldr r2, [r0, #-16]\n"                        \
    "ldr.w r3, [r1, #16]\n"                       \
    LEFT("r10", "r6", "r7") RIGHT("r11", "r6", "r7")\
    LEFT("r12", "r4", "r5") RIGHT("lr", "r4", "r5")\
    "ldr.w r2, [r0]\n"                            \
    "ldr.w r3, [r1, #32]\n"                       \
    LEFT("r10", "r8", "r9") RIGHT("r11", "r8", "r9")\
    LEFT("r12", "r6", "r7") RIGHT("lr", "r6", "r7")\
    "ldr.w r2, [r0, #16]\n"                       \
    "ldr.w r3, [r1, #48]\n"                       \
    LEFT("r12", "r8", "r9") RIGHT("lr", "r8", "r9")\
    RESULTS                                       \
    TILE_END("16")

#define TILES_HALF(RESULTS)                       \
    PROLOGUE                                      \
    STRIP_BEGIN                                   \
    "ldr.w r2, [r0], #32\n"                       \
    "ldr.w r10, [sp, " START "]\n"                \
    "ldr.w r3, [r1]\n"                            \
    "ldr r11, [r0, #-16]\n"                       \
    "ldr.w r12, [r1, #16]\n"                      \
    "mov lr, r10\n"                               \
    LEFT("r10", "r4", "r5")                       \
    "smlad r10, r11, r6, r10\n"                   \
    "smlabt r10, r12, r7, r10\n"                  \
    "smlad lr, r11, r4, lr\n"                     \
    "smlabt lr, r12, r5, lr\n"                    \
    "ldr.w r2, [r0]\n"                            \
    "ldr.w r3, [r1, #32]\n"                       \
    "ldr.w r11, [r0, #16]\n"                      \
    "ldr.w r12, [r1, #48]\n"                      \
    LEFT("r10", "r8", "r9")                       \
    LEFT("lr", "r6", "r7")                        \
    "smlad lr, r11, r8, lr\n"                     \
    "smlabt lr, r12, r9, lr\n"                    \
    "ldr.w r11, [sp, " MULTIPLIER "]\n"           \
    "ldr.w r12, [sp, " ADD "]\n"                  \
    RESULTS                                       \
    TILE_END("16")

#define TILES_2(RESULTS)                          \
    PROLOGUE                                      \
    STRIP_BEGIN                                   \
    "ldr.w r2, [r0], #64\n"                       \
    "ldr.w r10, [sp, " START "]\n"                \
    "ldr.w r3, [r1]\n"                            \
    "ldr r11, [r0, #-48]\n"                       \
    "ldr.w r12, [r1, #16]\n"                      \
    "mov lr, r10\n"                               \
    LEFT("r10", "r4", "r5")                       \
    "smlad r10, r11, r6, r10\n"                   \
    "smlabt r10, r12, r7, r10\n"                  \
    "ldr r2, [r0, #-32]\n"                        \
    "ldr.w r3, [r1, #32]\n"                       \
    "ldr r11, [r0, #-16]\n"                       \
    "ldr.w r12, [r1, #48]\n"                      \
    LEFT("r10", "r8", "r9")                       \
    LEFT("lr", "r4", "r5")                        \
    "smlad lr, r11, r6, lr\n"                     \
    "smlabt lr, r12, r7, lr\n"                    \
    "ldr.w r2, [r0]\n"                            \
    "ldr.w r3, [r1, #64]\n"                       \
    "ldr.w r11, [sp, " MULTIPLIER "]\n"           \
    "ldr.w r12, [sp, " ADD "]\n"                  \
    LEFT("lr", "r8", "r9")                        \
    RESULTS                                       \
    TILE_END("32")

/* Results of int8; in the second, r11: multiplier; r12: add. */
#define FOUR_RESULTS                              \
    "ldr r2, [sp, " MULTIPLIER "]\n"              \
    "ldr r3, [sp, " ADD "]\n"                     \
    HIGH("r10") HIGH("r11") HIGH("r12") HIGH("lr")\
    "ldr r1, [sp, " SHIFT "]\n"                   \
    "ldr r2, [sp, " OUTPUT "]\n"                  \
    "ldr r3, [sp, " ROW_STEP "]\n"                \
    "asr r10, r1\n"                               \
    "asr r11, r1\n"                               \
    "asr r12, r1\n"                               \
    "asr lr, lr, r1\n"                            \
    "ldr r1, [sp, " COLUMN_STEP "]\n"             \
    "ssat r10, #8, r10\n"                         \
    "ssat r11, #8, r11\n"                         \
    "ssat r12, #8, r12\n"                         \
    "ssat lr, #8, lr\n"                           \
    "strb.w r11, [r2, r1]\n"                      \
    "strb.w r10, [r2]\n"                          \
    "add r2, r3\n"                                \
    "strb.w lr, [r2, r1]\n"                       \
    "strb.w r12, [r2]\n"                          \
    "add r2, r3\n"                                \
    "str r2, [sp, " OUTPUT "]\n"

#define TWO_RESULTS                               \
    "add r1, r12, r10, asr #31\n"                 \
    "smmlar r10, r10, r11, r1\n"                  \
    "add r1, r12, lr, asr #31\n"                  \
    "smmlar lr, lr, r11, r1\n"                    \
    "ldr r1, [sp, " SHIFT "]\n"                   \
    "ldr r2, [sp, " OUTPUT "]\n"                  \
    "ldr r3, [sp, " ROW_STEP "]\n"                \
    "asr r10, r10, r1\n"                          \
    "asr lr, lr, r1\n"                            \
    "ssat r10, #8, r10\n"                         \
    "ssat lr, #8, lr\n"                           \
    "strb.w r10, [r2]\n"                          \
    "add r2, r3\n"                                \
    "strb.w lr, [r2]\n"                           \
    "add r2, r3\n"                                \
    "str r2, [sp, " OUTPUT "]\n"

/* Results of int16; in the second, r11: multiplier. */
#define FOUR_RESULTS_S16                          \
    "ldr r1, [sp, " MULTIPLIER "]\n"              \
    "ldr r2, [sp, " OUTPUT "]\n"                  \
    "ldr r3, [sp, " COLUMN_STEP "]\n"             \
    "smmulr r10, r10, r1\n"                       \
    "smmulr r11, r11, r1\n"                       \
    "smmulr r12, r12, r1\n"                       \
    "smmulr lr, lr, r1\n"                         \
    "ldr r1, [sp, " ROW_STEP "]\n"                \
    "ssat r10, #16, r10\n"                        \
    "ssat r11, #16, r11\n"                        \
    "ssat r12, #16, r12\n"                        \
    "ssat lr, #16, lr\n"                          \
    "strh.w r11, [r2, r3]\n"                      \
    "strh.w r10, [r2]\n"                          \
    "add r2, r1\n"                                \
    "strh.w lr, [r2, r3]\n"                       \
    "strh.w r12, [r2]\n"                          \
    "add r2, r1\n"                                \
    "str r2, [sp, " OUTPUT "]\n"

#define TWO_RESULTS_S16                           \
    "ldr r2, [sp, " OUTPUT "]\n"                  \
    "ldr r3, [sp, " ROW_STEP "]\n"                \
    "smmulr r10, r10, r11\n"                      \
    "smmulr lr, lr, r11\n"                        \
    "ssat r10, #16, r10\n"                        \
    "ssat lr, #16, lr\n"                          \
    "strh.w r10, [r2]\n"                          \
    "add r2, r3\n"                                \
    "strh.w lr, [r2]\n"                           \
    "add r2, r3\n"                                \
    "str r2, [sp, " OUTPUT "]\n"

#define TILES(name, text)                                                                                   \
    NN_ASSEMBLY void name(const uint32_t *strip, const struct nn_tile_walk *walk, const struct nn_tile_channel *channel, \
                          void *output)                                                                     \
    {                                                                                                       \
        __asm__ volatile(text);                                                                             \
    }

TILES(nn_depthwise_tiles_1, TILES_1(FOUR_RESULTS))
TILES(nn_depthwise_tiles_half, TILES_HALF(TWO_RESULTS))
TILES(nn_depthwise_tiles_2, TILES_2(TWO_RESULTS))
TILES(nn_depthwise_tiles_1_s16, TILES_1(FOUR_RESULTS_S16))
TILES(nn_depthwise_tiles_half_s16, TILES_HALF(TWO_RESULTS_S16))
TILES(nn_depthwise_tiles_2_s16, TILES_2(TWO_RESULTS_S16))

#endif

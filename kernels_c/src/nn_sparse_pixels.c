/*
 * Sums of one row and four pixels, and all channels of those. Cycles on Cortex-M4 for an entry and four pixels: 11.
 * Without the DSP extension a multiplication makes two products, and products of two entries are added before they are taken
 * apart, as nn_fours.c does: 41 cycles on Cortex-M0+ for two entries and four pixels.
 */
#include "nn_dsp.h"
#include "nn_high_registers.h"
#include "nn_sparse.h"

/* Scales of all channels, without a way there. */
struct scales {
    const int32_t *multiplier, *shift, *bias;
    int32_t offset;
};

static inline struct scales scales_of(const struct nn_convolution *layer)
{
    return (struct scales){layer->quant->multiplier, layer->quant->shift, layer->bias, layer->params->output_offset};
}

/* Rare, and out of the way of registers that loops need. */
static __attribute__((noinline)) void requantize(const struct nn_convolution *layer, int32_t channel, const int32_t sums[4],
                                                 int8_t *const outputs[4])
{
    for (int32_t i = 0; i < 4; i++) {
        outputs[i][channel] = nn_sparse_requantized(layer, channel, sums[i]);
    }
}

#if NN_DSP

/*
 * Four entries. Operands: 0 to 3: sums, 4: place, 5: values, then every other one of them, 6: those between, 7, 8: inputs of a
 * place, 9: steps, 10: pixels. A place is worked out while the inputs before it are multiplied.
 */
#define ENTRY(rotation, b, t)                   \
    "ldr %7, [%10, %4, lsl #2]\n"               \
    rotation                                    \
    "sxtb16 %8, %7\n"                           \
    "sxtb16 %7, %7, ror #8\n"                   \
    "smlab" b " %0, %8, " t ", %0\n"            \
    "smlab" b " %1, %7, " t ", %1\n"            \
    "smlat" b " %2, %8, " t ", %2\n"            \
    "smlat" b " %3, %7, " t ", %3\n"
#define FOUR_ENTRIES                            \
    "uxtab %4, %4, %9\n"                        \
    "sxtb16 %6, %5\n"                           \
    "sxtb16 %5, %5, ror #8\n"                   \
    ENTRY("uxtab %4, %4, %9, ror #8\n", "b", "%6")  \
    ENTRY("uxtab %4, %4, %9, ror #16\n", "b", "%5") \
    ENTRY("uxtab %4, %4, %9, ror #24\n", "t", "%6") \
    ENTRY("", "t", "%5")

NN_HOT void nn_sparse_channels(const struct nn_convolution *layer, const nn_sparse_weights *weights, int fits,
                               const uint32_t *pixels, int8_t *const outputs[4])
{
    const struct scales of = scales_of(layer);
    const uint16_t *counts = weights->counts;
    const uint8_t *steps = weights->steps;
    const int8_t *values = weights->values;
    const int32_t channels = layer->output.c;
    for (int32_t channel = 0; channel < channels; channel++) {
        const uint8_t *const end = steps + *counts++;
        int32_t a = of.bias[channel], b = a, c = a, d = a;
        uint32_t place = 0;
#ifdef __OPTIMIZE__ /* else compilers have too few registers */
        for (const uint8_t *const last = end - 3; steps < last; steps += 4, values += 4) {
            const uint32_t step = nn_load_word((const int8_t *)steps);
            uint32_t value = nn_load_word(values), between, first, other;
            __asm__(FOUR_ENTRIES
                    : "+&r"(a), "+&r"(b), "+&r"(c), "+&r"(d), "+&r"(place), "+&r"(value), "=&r"(between), "=&r"(first),
                      "=&r"(other)
                    : "r"(step), "r"(pixels)
                    : "memory");
        }
#endif
        for (; steps < end; steps++, values++) {
            place += *steps;
            const int32_t value = *values, even = (int32_t)nn_even_bytes(pixels[place]);
            const int32_t odd = (int32_t)nn_odd_bytes(pixels[place]);
            a = __smlabb(even, value, a);
            b = __smlabb(odd, value, b);
            c = __smlatb(even, value, c);
            d = __smlatb(odd, value, d);
        }
        if (fits) {
            const struct nn_scale scale = nn_scale_of(of.multiplier[channel], of.shift[channel], of.offset);
            outputs[0][channel] = nn_sparse_scaled(a, &scale);
            outputs[1][channel] = nn_sparse_scaled(b, &scale);
            outputs[2][channel] = nn_sparse_scaled(c, &scale);
            outputs[3][channel] = nn_sparse_scaled(d, &scale);
            continue;
        }
        requantize(layer, channel, (const int32_t[4]){a, b, c, d}, outputs);
    }
}

#else

static __attribute__((noinline)) void scale_four(struct nn_scale scale, const int32_t sums[4], int8_t *const outputs[4],
                                                 int32_t channel)
{
    for (int32_t i = 0; i < 4; i++) {
        outputs[i][channel] = nn_sparse_scaled(sums[i], &scale);
    }
}

void nn_sparse_channels(const struct nn_convolution *layer, const nn_sparse_weights *weights, int fits,
                        const uint32_t *pixels, int8_t *const outputs[4])
{
    const struct scales of = scales_of(layer);
    const uint8_t *steps = weights->steps;
    const int8_t *values = weights->values;
    for (int32_t channel = 0; channel < layer->output.c; channel++) {
        const int32_t entries = weights->counts[channel], start = of.bias[channel];
        int32_t sums[4] = {start, start, start, start};
        nn_sparse_pixels(pixels, steps, values, entries, sums);
        if (fits) {
            scale_four(nn_scale_of(of.multiplier[channel], of.shift[channel], of.offset), sums, outputs, channel);
        } else {
            requantize(layer, channel, sums, outputs);
        }
        steps += entries;
        values += entries;
    }
}

#if defined(__thumb__)

#pragma GCC diagnostic ignored "-Wunused-parameter"

/* r0: pixels; r1: behind the steps; r2: behind the values; r3: entries left, negative; r4, r5: products; r8 to r11: sums. */
#define NEXT                \
    "ldrb r7, [r1, r3]\n"   \
    "lsls r7, r7, #3\n"     \
    "adds r0, r0, r7\n"     \
    "ldrsb r7, [r2, r3]\n"  \
    "adds r3, r3, #1\n"
#define FIRST               \
    NEXT                    \
    "ldr r4, [r0]\n"        \
    "ldr r5, [r0, #4]\n"    \
    "muls r4, r7, r4\n"     \
    "muls r5, r7, r5\n"
#define SECOND              \
    NEXT                    \
    "ldr r6, [r0]\n"        \
    "muls r6, r7, r6\n"     \
    "adds r4, r4, r6\n"     \
    "ldr r6, [r0, #4]\n"    \
    "muls r6, r7, r6\n"     \
    "adds r5, r5, r6\n"
#define APART(products, low, high)     \
    "sxth r6, " products "\n"          \
    "add " low ", r6\n"                \
    "subs " products ", " products ", r6\n" \
    "asrs " products ", " products ", #16\n" \
    "add " high ", " products "\n"
#define BOTH_APART APART("r4", "r8", "r9") APART("r5", "r10", "r11")

__attribute__((naked, noinline)) void nn_sparse_pixels(const uint32_t *pixels, const uint8_t *steps, const int8_t *values,
                                                       int32_t count, int32_t *sums)
{
    __asm__ volatile(
        ".syntax unified\n"
        "push {r4-r7, lr}\n"
        NN_FROM_HIGH
        "push {r4-r7}\n"
        "adds r1, r1, r3\n"
        "adds r2, r2, r3\n"
        "rsbs r3, r3, #0\n"
        "ldr r7, [sp, #36]\n"
        "ldr r4, [r7]\n"
        "ldr r5, [r7, #4]\n"
        "mov r8, r4\n"
        "mov r9, r5\n"
        "ldr r4, [r7, #8]\n"
        "ldr r5, [r7, #12]\n"
        "mov r10, r4\n"
        "mov r11, r5\n"
        "lsls r4, r3, #31\n"
        "beq 1f\n"
        FIRST BOTH_APART
        "1:\n"
        "cmp r3, #0\n"
        "beq 3f\n"
        "2:\n"
        FIRST SECOND BOTH_APART
        "cmp r3, #0\n"
        "bne 2b\n"
        "3:\n"
        "ldr r3, [sp, #36]\n"
        NN_FROM_HIGH
        "stm r3!, {r4-r7}\n"
        "pop {r4-r7}\n"
        NN_TO_HIGH
        "pop {r4-r7, pc}\n");
}

#else

void nn_sparse_pixels(const uint32_t *pixels, const uint8_t *steps, const int8_t *values, int32_t count, int32_t *sums)
{
    for (; count > 0; count--, steps++, values++) {
        pixels += 2 * *steps;
        for (int32_t i = 0; i < 4; i += 2) {
            const int32_t low = (int16_t)pixels[i / 2];
            sums[i] += *values * low;
            sums[i + 1] += *values * ((int32_t)(pixels[i / 2] - (uint32_t)low) >> 16);
        }
    }
}

#endif

#endif

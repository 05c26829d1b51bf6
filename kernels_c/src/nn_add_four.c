#include "nn_convolve_s16.h"

#if !NN_DSP

/* Two rows share an input; four would not stay in the registers of small cores. */
static void add_two(int32_t sums[2], const int16_t *input, const int8_t *weights, int32_t step, int32_t count)
{
    int32_t first = sums[0], second = sums[1];
    for (const int16_t *end = input + count; input < end; input++, weights++) {
        const int32_t value = *input;
        first += value * weights[0];
        second += value * weights[step];
    }
    sums[0] = first;
    sums[1] = second;
}

void nn_add_four(int32_t sums[4], const int16_t *input, const int8_t *weights, int32_t step, int32_t count)
{
    add_two(sums, input, weights, step, count);
    add_two(sums + 2, input, weights + 2 * step, step, count);
}

#endif

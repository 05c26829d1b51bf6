/* Sums of int16 times int8 that have 32 bits. */
#include "nn_wide.h"

enum { LARGEST_INPUT_BITS = 15, LARGEST_WEIGHT = 128 };

/* Of the weights' sizes. */
static int32_t sum_of_sizes(const int8_t *weights, int32_t count)
{
    int32_t sum = 0;
#if NN_DSP
    for (; count >= 4; count -= 4, weights += 4) {
        sum = (int32_t)__usada8(nn_load_word(weights) ^ 0x80808080u, 0x80808080u, (uint32_t)sum);
    }
#endif
    for (; count > 0; count--, weights++) {
        sum += *weights < 0 ? -*weights : *weights;
    }
    return sum;
}

int nn_is_narrow(const int8_t *weights, int32_t count, int64_t bias, int32_t shift)
{
    if (shift > -1 || shift < -17 || bias > INT32_MAX || bias < -INT32_MAX) {
        return 0;
    }
    const int32_t size = bias < 0 ? (int32_t)-bias : (int32_t)bias, room = (INT32_MAX - size) >> LARGEST_INPUT_BITS;
    return count <= room / LARGEST_WEIGHT || (weights && sum_of_sizes(weights, count) <= room);
}

void nn_clamp_outputs(int16_t *outputs, int32_t count, cmsis_nn_activation bounds)
{
    if (bounds.min <= INT16_MIN && bounds.max >= INT16_MAX) {
        return;
    }
    for (const int16_t *end = outputs + count; outputs < end; outputs++) {
        *outputs = (int16_t)nn_clamp(*outputs, bounds.min, bounds.max);
    }
}

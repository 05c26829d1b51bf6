/* Sums of products of vectors. */
#ifndef NN_PRODUCTS_H
#define NN_PRODUCTS_H

#include "nn_lanes.h"

#if NN_DSP

/* The products of two pairs, added to a sum. */
NN_INLINE int32_t nn_pair_multiply(uint32_t left, uint32_t right, int32_t sum)
{
    int32_t result;
    __asm__("smlad %0, %1, %2, %3" : "=r"(result) : "r"(left), "r"(right), "r"(sum));
    return result;
}

#endif

/* weights * (input + offset) */
static inline int32_t nn_dot_s8(const int8_t *weights, const int8_t *input, int32_t offset, int32_t count)
{
    int32_t sum = 0;
#if NN_DSP
    const uint32_t offsets = ((uint32_t)offset & 0xFFFF) | (uint32_t)offset << 16;
    for (; count >= 4; count -= 4, weights += 4, input += 4) {
        const uint32_t w = nn_lanes_load(weights), x = nn_lanes_load(input);
        sum = nn_pair_multiply(nn_pair_add_even(0, w), nn_pair_add_even(offsets, x), sum);
        sum = nn_pair_multiply(nn_pair_add_odd(0, w), nn_pair_add_odd(offsets, x), sum);
    }
#endif
    for (; count > 0; count--) {
        sum += *weights++ * (*input++ + offset);
    }
    return sum;
}

static inline int32_t nn_dot_s16(const int16_t *left, const int16_t *right, int32_t count)
{
    int32_t sum = 0;
#if NN_DSP
    for (; count >= 2; count -= 2, left += 2, right += 2) {
        sum = nn_pair_multiply(nn_lanes_load(left), nn_lanes_load(right), sum);
    }
#endif
    for (; count > 0; count--) {
        sum += *left++ * *right++;
    }
    return sum;
}

#endif

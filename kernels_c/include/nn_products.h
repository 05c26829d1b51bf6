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
        sum = nn_pair_multiply(nn_even_bytes(w), nn_pair_add_even(offsets, x), sum);
        sum = nn_pair_multiply(nn_odd_bytes(w), nn_pair_add_odd(offsets, x), sum);
    }
#endif
    for (; count > 0; count--) {
        sum += *weights++ * (*input++ + offset);
    }
    return sum;
}

/* Of two rows of weights, `count` apart; the inputs are spread once. */
static inline void nn_two_dots_s8(int32_t sums[2], const int8_t *weights, const int8_t *input, int32_t offset, int32_t count)
{
#if NN_DSP
    const int8_t *other = weights + count;
    const uint32_t offsets = ((uint32_t)offset & 0xFFFF) | (uint32_t)offset << 16;
    int32_t first = 0, second = 0;
    for (; count >= 4; count -= 4, weights += 4, other += 4, input += 4) {
        const uint32_t x = nn_lanes_load(input), v = nn_lanes_load(weights), w = nn_lanes_load(other);
        const uint32_t even = nn_pair_add_even(offsets, x), odd = nn_pair_add_odd(offsets, x);
        first = nn_pair_multiply(nn_even_bytes(v), even, first);
        second = nn_pair_multiply(nn_even_bytes(w), even, second);
        first = nn_pair_multiply(nn_odd_bytes(v), odd, first);
        second = nn_pair_multiply(nn_odd_bytes(w), odd, second);
    }
    sums[0] = first + nn_dot_s8(weights, input, offset, count);
    sums[1] = second + nn_dot_s8(other, input, offset, count);
#else
    sums[0] = nn_dot_s8(weights, input, offset, count);
    sums[1] = nn_dot_s8(weights + count, input, offset, count);
#endif
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

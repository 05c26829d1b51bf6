/* The mean of a window from its sum: rounded to nearest, halves away from zero. */
#ifndef NN_AVERAGE_H
#define NN_AVERAGE_H

#include <stdint.h>

/*
 * A division by `count`. For |sum| <= 128 * count and count <= 361, ceil(2^24 / count) in place of the divisor is
 * exact: its error times the dividend, at most count * 128.5 * count, stays below 2^24, and the product below 2^32.
 */
struct nn_divisor {
    uint32_t count;
    uint32_t reciprocal; /* 0: too many for it */
};

static inline struct nn_divisor nn_divisor_of(int32_t count)
{
    const uint32_t divisor = (uint32_t)count;
    const struct nn_divisor result = {divisor, divisor <= 361 ? ((1u << 24) + divisor - 1) / divisor : 0};
    return result;
}

static inline int32_t nn_average(int32_t sum, struct nn_divisor divisor)
{
    const uint32_t size = (sum < 0 ? 0u - (uint32_t)sum : (uint32_t)sum) + divisor.count / 2;
    const uint32_t mean = divisor.reciprocal ? (size * divisor.reciprocal) >> 24 : size / divisor.count;
    return sum < 0 ? -(int32_t)mean : (int32_t)mean;
}

#endif

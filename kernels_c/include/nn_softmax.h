/* The softmax of int8 rows, for outputs of 8 and 16 bits. */
#ifndef NN_SOFTMAX_H
#define NN_SOFTMAX_H

#include "nn_exponential.h"
#include "nn_lanes.h"

enum {
    NN_SUM_BITS = 12,  /* of the sum of exponentials, before the point */
    NN_SOFTMAX_KEPT = 64 /* exponentials kept from the first pass for the second */
};

struct nn_softmax {
    int32_t multiplier;
    int32_t shift;
    int32_t diff_min;
    int32_t greatest;
};

/* e^(value - greatest) in Q0.31; 0 where it is too small to count, which no other value gives. */
NN_INLINE int32_t nn_softmax_exponential(const struct nn_softmax *s, int32_t value)
{
    const int32_t difference = value - s->greatest;
    if (difference < s->diff_min) {
        return 0;
    }
    const int32_t shifted = (int32_t)((uint32_t)difference << s->shift);
    return nn_exponential(nn_doubling_high_multiply(shifted, s->multiplier));
}

/* The greatest of a row of one element at least. */
NN_INLINE int32_t nn_greatest(const int8_t *input, int32_t count)
{
    int32_t greatest = input[0];
    for (int32_t i = 1; i < count; i++) {
        greatest = input[i] > greatest ? input[i] : greatest;
    }
    return greatest;
}

/* Rows of int8 in; `bits` is 8 or 16: int8 or int16 out, whose least value stands for 0. */
NN_INLINE void nn_softmax_rows(const int8_t *input, int32_t rows, int32_t count, struct nn_softmax s, int32_t bits,
                               void *output)
{
    const int32_t least = -(1 << (bits - 1));
    int32_t kept[NN_SOFTMAX_KEPT];
    for (int32_t row = 0; row < rows; row++, input += count) {
        int32_t sum = 0;
        s.greatest = nn_greatest(input, count);
        for (int32_t i = 0; i < count; i++) {
            const int32_t exponential = nn_softmax_exponential(&s, input[i]);
            sum += nn_divide_by_power_of_two(exponential, NN_SUM_BITS);
            if (i < NN_SOFTMAX_KEPT) {
                kept[i] = exponential;
            }
        }
        const int32_t headroom = nn_leading_zeros((uint32_t)sum);
        const int32_t scale = nn_one_over_one_plus((int32_t)(((uint32_t)sum << headroom) - ((uint32_t)1 << 31)));
        const int32_t exponent = nn_clamp(NN_SUM_BITS - headroom + 31 - bits, 0, 31);
        for (int32_t i = 0; i < count; i++) {
            const int32_t exponential = i < NN_SOFTMAX_KEPT ? kept[i] : nn_softmax_exponential(&s, input[i]);
            const int32_t share = nn_divide_by_power_of_two(nn_doubling_high_multiply(scale, exponential), exponent);
            const int32_t result = nn_clamp(share + least, least, -least - 1);
            if (bits == 8) {
                ((int8_t *)output)[row * count + i] = (int8_t)result;
            } else {
                ((int16_t *)output)[row * count + i] = (int16_t)result;
            }
        }
    }
}

#endif

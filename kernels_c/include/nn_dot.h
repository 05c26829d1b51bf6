/* The product of inputs, an offset added, and weights. */
#ifndef NN_DOT_H
#define NN_DOT_H

#include <stdint.h>

#include "nn_dsp.h"

static inline int32_t nn_dot(const int8_t *input, const int8_t *weights, int32_t count, int32_t offset)
{
    int32_t sum = 0;
#if NN_DSP
    const uint32_t offsets = nn_pair_of(offset);
    for (; count >= 4; count -= 4, input += 4, weights += 4) {
        const uint32_t inputs = nn_load_word(input), four = nn_load_word(weights);
        sum = nn_multiply_pairs(nn_even_bytes_plus(offsets, inputs), nn_even_bytes(four), sum);
        sum = nn_multiply_pairs(nn_odd_bytes_plus(offsets, inputs), nn_odd_bytes(four), sum);
    }
#endif
    for (; count > 0; count--) {
        sum += (*input++ + offset) * *weights++;
    }
    return sum;
}

#endif

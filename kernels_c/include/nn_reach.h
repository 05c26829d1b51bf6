/* Which taps of a transposed convolution reach an output; not for users. */
#ifndef NN_REACH_H
#define NN_REACH_H

#include <stdint.h>

/* Taps first, first + stride, ... below end, along one axis, that reach an output; the first meets input `input`. */
struct nn_reach {
    int32_t first, end, input;
};

/* `place`: the output's, padding added. */
static inline struct nn_reach nn_reach_of(int32_t place, int32_t stride, int32_t taps, int32_t size)
{
    int32_t first = place % stride, input = place / stride;
    if (input >= size) {
        first += (input - size + 1) * stride;
        input = size - 1;
    }
    const int32_t last = first + input * stride; /* the tap of input 0 */
    return (struct nn_reach){first, taps < last + 1 ? taps : last + 1, input};
}

#endif

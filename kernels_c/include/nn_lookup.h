/* Tables of 513 entries for functions of int16, with straight lines in between. */
#ifndef NN_LOOKUP_H
#define NN_LOOKUP_H

#include <stdint.h>

static inline int16_t nn_interpolated(const int16_t *table, int32_t value)
{
    const int32_t index = 256 + (value >> 7), here = table[index];
    const int32_t slope = (int16_t)(table[index + 1] - here);
    return (int16_t)(here + ((slope * (value & 127) + 64) >> 7));
}

#endif

/*
 * Sigmoid and hyperbolic tangent by a table of the sigmoid, as TensorFlow Lite interpolates it. The input is in units of
 * 1 / (3 * 4096), the output Q0.15.
 */
#ifndef NN_SIGMOID_H
#define NN_SIGMOID_H

#include <stdint.h>

extern const uint16_t nn_sigmoid_table[256];

/* Between two entries: `bits` below the index. */
static inline uint32_t nn_sigmoid_line(uint32_t value, uint32_t bits)
{
    const uint32_t index = value >> bits, rest = value & ((1u << bits) - 1);
    const uint32_t here = nn_sigmoid_table[index];
    return (here << bits) + rest * (nn_sigmoid_table[index + 1] - here);
}

static inline int32_t nn_absolute(int32_t value)
{
    return value < 0 ? -value : value;
}

static inline int16_t nn_sigmoid_s16(int32_t value)
{
    const uint32_t size = (uint32_t)nn_absolute(value);
    const uint32_t above = size >> 9 >= 255 ? 0x7FFFu << 10 : nn_sigmoid_line(size, 9);
    const uint32_t rounded = value >= 0 ? above + (1 << 9) : (1u << 25) - above + (1 << 9) - 1;
    return (int16_t)(rounded >> 10);
}

static inline int16_t nn_tanh_s16(int32_t value)
{
    const uint32_t size = (uint32_t)nn_absolute(value);
    const int32_t above = (int32_t)(size >> 8 >= 255 ? 0xFFFFu << 8 : nn_sigmoid_line(size, 8)) - (1 << 23);
    return (int16_t)((value >= 0 ? above + (1 << 7) : -above + (1 << 7) - 1) >> 8);
}

#endif

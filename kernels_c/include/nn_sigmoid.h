/* One sigmoid, one hyperbolic tangent; the input in units of 1 / (3 * 4096), the output Q0.15. */
#ifndef NN_SIGMOID_H
#define NN_SIGMOID_H

#include <stdint.h>

extern const uint16_t nn_sigmoid_table[256];

int16_t nn_sigmoid_s16(int32_t value);
int16_t nn_tanh_s16(int32_t value);

#endif

/* Elements of float32 in a window, in the order of rows and columns: what pooling and reductions share. */
#ifndef NN_FLOAT_WINDOW_H
#define NN_FLOAT_WINDOW_H

#include "nn_float_order.h"
#include "nn_window.h"

NN_INLINE float nn_float_window_sum(const struct nn_window *window, const float *row)
{
    float sum = 0.0f;
    for (int32_t i = window->rows; i > 0; i--, row += window->row) {
        const float *value = row;
        for (int32_t j = window->columns; j > 0; j--, value += window->pixel) {
            sum += *value;
        }
    }
    return sum;
}

NN_INLINE float nn_float_window_extreme(const struct nn_window *window, const float *row, int greater)
{
    float found = *row;
    for (int32_t i = window->rows; i > 0; i--, row += window->row) {
        const float *value = row;
        for (int32_t j = window->columns; j > 0; j--, value += window->pixel) {
            found = (greater ? nn_float_less(found, *value) : nn_float_less(*value, found)) ? *value : found;
        }
    }
    return found;
}

#endif

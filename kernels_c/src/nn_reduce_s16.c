/* The greatest and the least of int16 along axes. */
#include "nn_extra.h"
#include "nn_lanes.h"
#include "nn_reduce.h"

NN_INLINE void extreme(const struct nn_window *window, const void *input, int32_t channels, void *output, int greater)
{
    for (int32_t channel = 0; channel < channels; channel++) {
        const int16_t *row = (const int16_t *)input + channel;
        int32_t found = *row;
        for (int32_t i = 0; i < window->rows; i++, row += window->row) {
            for (int32_t j = 0; j < window->columns; j++) {
                const int32_t value = row[j * window->pixel];
                found = (value > found) == greater ? value : found;
            }
        }
        ((int16_t *)output)[channel] = (int16_t)found;
    }
}

static void greatest(const struct nn_window *window, const void *input, int32_t channels, const void *params, void *output)
{
    (void)params;
    extreme(window, input, channels, output, 1);
}

static void least(const struct nn_window *window, const void *input, int32_t channels, const void *params, void *output)
{
    (void)params;
    extreme(window, input, channels, output, 0);
}

arm_cmsis_nn_status nn_reduce_max_s16(const int16_t *input, const cmsis_nn_dims *input_dims, const cmsis_nn_dims *axes,
                                      int16_t *output)
{
    return nn_reduce(input, input_dims, axes, greatest, 0, 2, 2, output);
}

arm_cmsis_nn_status nn_reduce_min_s16(const int16_t *input, const cmsis_nn_dims *input_dims, const cmsis_nn_dims *axes,
                                      int16_t *output)
{
    return nn_reduce(input, input_dims, axes, least, 0, 2, 2, output);
}

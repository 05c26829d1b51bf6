#include "nn_extra.h"
#include "nn_reduce.h"
#include "nn_requantize.h"

static void mean(const struct nn_window *window, const void *input, int32_t channels, const void *params, void *output)
{
    const nn_reduce_params *p = params;
    for (int32_t channel = 0; channel < channels; channel++) {
        const int16_t *row = (const int16_t *)input + channel;
        int32_t sum = p->input_offset * window->rows * window->columns;
        for (int32_t i = 0; i < window->rows; i++, row += window->row) {
            for (int32_t j = 0; j < window->columns; j++) {
                sum += row[j * window->pixel];
            }
        }
        const int32_t scaled = nn_requantize(sum, p->multiplier, p->shift) + p->output_offset;
        ((int16_t *)output)[channel] = (int16_t)nn_clamp(scaled, INT16_MIN, INT16_MAX);
    }
}

arm_cmsis_nn_status nn_mean_s16(const nn_reduce_params *params, const int16_t *input, const cmsis_nn_dims *input_dims,
                                const cmsis_nn_dims *axes, int16_t *output)
{
    return nn_reduce(input, input_dims, axes, mean, params, 2, 2, output);
}

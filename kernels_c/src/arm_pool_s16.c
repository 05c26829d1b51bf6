/* Average and max pooling of int16. */
#include "arm_nnfunctions.h"
#include "nn_requantize.h"
#include "nn_window.h"

static void average(const struct nn_window *window, const void *input, int32_t channels, const void *params, void *output)
{
    const cmsis_nn_activation *bounds = params;
    const int32_t count = window->rows * window->columns, half = count / 2;
    for (int32_t channel = 0; channel < channels; channel++) {
        const int16_t *row = (const int16_t *)input + channel;
        int32_t sum = 0;
        for (int32_t i = 0; i < window->rows; i++, row += window->row) {
            for (int32_t j = 0; j < window->columns; j++) {
                sum += row[j * window->pixel];
            }
        }
        const int32_t mean = (sum > 0 ? sum + half : sum - half) / count;
        ((int16_t *)output)[channel] = (int16_t)nn_clamp(mean, bounds->min, bounds->max);
    }
}

static void greatest(const struct nn_window *window, const void *input, int32_t channels, const void *params,
                     void *output)
{
    const cmsis_nn_activation *bounds = params;
    for (int32_t channel = 0; channel < channels; channel++) {
        const int16_t *row = (const int16_t *)input + channel;
        int32_t most = INT16_MIN;
        for (int32_t i = 0; i < window->rows; i++, row += window->row) {
            for (int32_t j = 0; j < window->columns; j++) {
                const int32_t value = row[j * window->pixel];
                most = value > most ? value : most;
            }
        }
        ((int16_t *)output)[channel] = (int16_t)nn_clamp(most, bounds->min, bounds->max);
    }
}

arm_cmsis_nn_status arm_avgpool_s16(const cmsis_nn_context *ctx, const cmsis_nn_pool_params *pool_params,
                                    const cmsis_nn_dims *input_dims, const int16_t *input_data,
                                    const cmsis_nn_dims *filter_dims, const cmsis_nn_dims *output_dims,
                                    int16_t *output_data)
{
    (void)ctx;
    return nn_pool(pool_params, input_dims, (const char *)input_data, filter_dims, output_dims, (char *)output_data, 2,
                   average);
}

int32_t arm_avgpool_s16_get_buffer_size(const int output_x, const int ch_src)
{
    (void)output_x, (void)ch_src;
    return 0;
}

arm_cmsis_nn_status arm_max_pool_s16(const cmsis_nn_context *ctx, const cmsis_nn_pool_params *pool_params,
                                     const cmsis_nn_dims *input_dims, const int16_t *input_data,
                                     const cmsis_nn_dims *filter_dims, const cmsis_nn_dims *output_dims,
                                     int16_t *output_data)
{
    (void)ctx;
    return nn_pool(pool_params, input_dims, (const char *)input_data, filter_dims, output_dims, (char *)output_data, 2,
                   greatest);
}

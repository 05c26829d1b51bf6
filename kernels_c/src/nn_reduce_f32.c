/* Mean, sum, the greatest and the least of float32 along axes. */
#include "nn_float_window.h"
#include "nn_reduce.h"

static void mean(const struct nn_window *window, const void *input, int32_t channels, const void *params, void *output)
{
    (void)params;
    const float count = (float)(window->rows * window->columns);
    for (int32_t channel = 0; channel < channels; channel++) {
        ((float *)output)[channel] = nn_float_window_sum(window, (const float *)input + channel) / count;
    }
}

static void sum(const struct nn_window *window, const void *input, int32_t channels, const void *params, void *output)
{
    (void)params;
    for (int32_t channel = 0; channel < channels; channel++) {
        ((float *)output)[channel] = nn_float_window_sum(window, (const float *)input + channel);
    }
}

static void greatest(const struct nn_window *window, const void *input, int32_t channels, const void *params, void *output)
{
    (void)params;
    for (int32_t channel = 0; channel < channels; channel++) {
        ((float *)output)[channel] = nn_float_window_extreme(window, (const float *)input + channel, 1);
    }
}

static void least(const struct nn_window *window, const void *input, int32_t channels, const void *params, void *output)
{
    (void)params;
    for (int32_t channel = 0; channel < channels; channel++) {
        ((float *)output)[channel] = nn_float_window_extreme(window, (const float *)input + channel, 0);
    }
}

arm_cmsis_nn_status nn_mean_f32(const float *input, const cmsis_nn_dims *input_dims, const cmsis_nn_dims *axes,
                                float *output)
{
    return nn_reduce(input, input_dims, axes, mean, 0, sizeof(float), sizeof(float), output);
}

arm_cmsis_nn_status nn_sum_f32(const float *input, const cmsis_nn_dims *input_dims, const cmsis_nn_dims *axes,
                               float *output)
{
    return nn_reduce(input, input_dims, axes, sum, 0, sizeof(float), sizeof(float), output);
}

arm_cmsis_nn_status nn_reduce_max_f32(const float *input, const cmsis_nn_dims *input_dims, const cmsis_nn_dims *axes,
                                      float *output)
{
    return nn_reduce(input, input_dims, axes, greatest, 0, sizeof(float), sizeof(float), output);
}

arm_cmsis_nn_status nn_reduce_min_f32(const float *input, const cmsis_nn_dims *input_dims, const cmsis_nn_dims *axes,
                                      float *output)
{
    return nn_reduce(input, input_dims, axes, least, 0, sizeof(float), sizeof(float), output);
}

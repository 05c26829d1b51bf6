/* Average and max pooling of float32. */
#include "nn_float_window.h"

static void average(const struct nn_window *window, const void *input, int32_t channels, const void *bounds, void *output)
{
    const float count = (float)(window->rows * window->columns);
    for (int32_t channel = 0; channel < channels; channel++) {
        const float sum = nn_float_window_sum(window, (const float *)input + channel);
        ((float *)output)[channel] = nn_float_bounded(sum / count, *(const nn_activation_f32 *)bounds);
    }
}

static void greatest(const struct nn_window *window, const void *input, int32_t channels, const void *bounds, void *output)
{
    for (int32_t channel = 0; channel < channels; channel++) {
        const float found = nn_float_window_extreme(window, (const float *)input + channel, 1);
        ((float *)output)[channel] = nn_float_bounded(found, *(const nn_activation_f32 *)bounds);
    }
}

static arm_cmsis_nn_status pool(const nn_pool_params_f32 *params, const cmsis_nn_dims *input_dims, const float *input,
                                const cmsis_nn_dims *filter_dims, const cmsis_nn_dims *output_dims, float *output,
                                nn_window_kernel *kernel)
{
    const cmsis_nn_pool_params windows = {.stride = params->stride, .padding = params->padding};
    return nn_pool_within(&windows, &params->activation, input_dims, (const char *)input, filter_dims, output_dims,
                          (char *)output, sizeof(float), kernel);
}

arm_cmsis_nn_status nn_average_pool_f32(const nn_pool_params_f32 *params, const cmsis_nn_dims *input_dims,
                                        const float *input, const cmsis_nn_dims *filter_dims,
                                        const cmsis_nn_dims *output_dims, float *output)
{
    return pool(params, input_dims, input, filter_dims, output_dims, output, average);
}

arm_cmsis_nn_status nn_max_pool_f32(const nn_pool_params_f32 *params, const cmsis_nn_dims *input_dims, const float *input,
                                    const cmsis_nn_dims *filter_dims, const cmsis_nn_dims *output_dims, float *output)
{
    return pool(params, input_dims, input, filter_dims, output_dims, output, greatest);
}

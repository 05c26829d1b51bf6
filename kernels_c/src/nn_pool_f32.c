/* Average and max pooling of float32. */
#include "nn_float_window.h"

#if NN_FPU

/* `join` (found, value) over a window of four channels, which begin with `start`. */
#define FOUR(join, start)                                                             \
    float a = start(0), b = start(1), c = start(2), d = start(3);                     \
    for (int32_t i = window->rows; i > 0; i--, row += window->row) {                  \
        const float *value = row;                                                     \
        for (int32_t j = window->columns; j > 0; j--, value += window->pixel) {       \
            a = join(a, value[0]), b = join(b, value[1]);                             \
            c = join(c, value[2]), d = join(d, value[3]);                             \
        }                                                                             \
    }                                                                                 \
    found[0] = a, found[1] = b, found[2] = c, found[3] = d;
#define GREATER(found, value) ((found) < (value) ? (value) : (found))
#define SUM(found, value) ((found) + (value))
#define FIRST(channel) row[channel]
#define ZERO(channel) 0.0f

static void sums_of_four(const struct nn_window *window, const float *row, float found[4])
{
    FOUR(SUM, ZERO)
}

static void greatest_of_four(const struct nn_window *window, const float *row, float found[4])
{
    FOUR(GREATER, FIRST)
}

#endif

static void average(const struct nn_window *window, const void *input, int32_t channels, const void *params, void *output)
{
    const nn_activation_f32 bounds = *(const nn_activation_f32 *)params;
    const float count = (float)(window->rows * window->columns), *from = input;
    float *to = output;
#if NN_FPU
    for (; channels >= 4; channels -= 4, from += 4) {
        float sums[4];
        sums_of_four(window, from, sums);
        for (int32_t i = 0; i < 4; i++) {
            *to++ = nn_float_bounded(sums[i] / count, bounds);
        }
    }
#endif
    for (; channels > 0; channels--) {
        *to++ = nn_float_bounded(nn_float_window_sum(window, from++) / count, bounds);
    }
}

static void greatest(const struct nn_window *window, const void *input, int32_t channels, const void *params, void *output)
{
    const nn_activation_f32 bounds = *(const nn_activation_f32 *)params;
    const float *from = input;
    float *to = output;
#if NN_FPU
    for (; channels >= 4; channels -= 4, from += 4) {
        float found[4];
        greatest_of_four(window, from, found);
        for (int32_t i = 0; i < 4; i++) {
            *to++ = nn_float_bounded(found[i], bounds);
        }
    }
#endif
    for (; channels > 0; channels--) {
        *to++ = nn_float_bounded(nn_float_window_extreme(window, from++, 1), bounds);
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

#include "arm_nnfunctions.h"
#include "nn_window_extreme.h"

static void greatest(const struct nn_window *window, const void *input, int32_t channels, const void *activation,
                     void *output)
{
    nn_extreme_pixel(window, input, channels, activation, output, 1);
}

arm_cmsis_nn_status arm_max_pool_s8(const cmsis_nn_context *ctx, const cmsis_nn_pool_params *pool_params,
                                    const cmsis_nn_dims *input_dims, const int8_t *input_data,
                                    const cmsis_nn_dims *filter_dims, const cmsis_nn_dims *output_dims,
                                    int8_t *output_data)
{
    (void)ctx;
    return nn_pool(pool_params, input_dims, (const char *)input_data, filter_dims, output_dims, (char *)output_data, 1,
                   greatest);
}

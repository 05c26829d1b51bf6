/* Average pooling: one channel at a time, or four with the DSP extension. */
#include "arm_nnfunctions.h"
#include "nn_average.h"
#include "nn_requantize.h"
#include "nn_window_sum.h"

static void average_pixel(const struct nn_window *window, const void *input_data, int32_t channels,
                          const void *params, void *output_data)
{
    const cmsis_nn_activation *activation = params;
    const int8_t *input = input_data;
    int8_t *output = output_data;
    const struct nn_divisor divisor = nn_divisor_of(window->rows * window->columns);
    const int32_t low = activation->min, high = activation->max;
#if NN_DSP
    const uint32_t lows = nn_lanes_all(low), highs = nn_lanes_all(high);
    for (; channels >= 4; channels -= 4, input += 4, output += 4) {
        int32_t sum[4];
        nn_window_sum_four(sum, window, input);
        const uint32_t averages = nn_lanes_of(nn_average(sum[0], divisor), nn_average(sum[1], divisor),
                                              nn_average(sum[2], divisor), nn_average(sum[3], divisor));
        nn_lanes_store(output, nn_lanes_min(nn_lanes_max(averages, lows), highs));
    }
#endif
    for (; channels > 0; channels--, input++) {
        *output++ = (int8_t)nn_clamp(nn_average(nn_window_sum(window, input), divisor), low, high);
    }
}

arm_cmsis_nn_status arm_avgpool_s8(const cmsis_nn_context *ctx, const cmsis_nn_pool_params *pool_params,
                                   const cmsis_nn_dims *input_dims, const int8_t *input_data,
                                   const cmsis_nn_dims *filter_dims, const cmsis_nn_dims *output_dims,
                                   int8_t *output_data)
{
    (void)ctx;
    return nn_pool(pool_params, input_dims, (const char *)input_data, filter_dims, output_dims, (char *)output_data, 1,
                   average_pixel);
}

int32_t arm_avgpool_s8_get_buffer_size(const int output_x, const int ch_src)
{
    (void)output_x, (void)ch_src;
    return 0;
}

#include "nn_extra.h"
#include "nn_reduce.h"
#include "nn_requantize.h"
#include "nn_window_sum.h"

static int8_t scaled(int32_t sum, int32_t offset, const nn_reduce_params *p)
{
    return (int8_t)nn_clamp(nn_requantize(sum + offset, p->multiplier, p->shift) + p->output_offset, -128, 127);
}

static void mean(const struct nn_window *window, const void *input_data, int32_t channels, const void *params,
                 void *output_data)
{
    const nn_reduce_params *p = params;
    const int8_t *input = input_data;
    int8_t *output = output_data;
    const int32_t offset = p->input_offset * window->rows * window->columns;
#if NN_DSP
    for (; channels >= 4; channels -= 4, input += 4, output += 4) {
        int32_t sum[4];
        nn_window_sum_four(sum, window, input);
        for (int32_t i = 0; i < 4; i++) {
            output[i] = scaled(sum[i], offset, p);
        }
    }
#endif
    for (; channels > 0; channels--, input++) {
        *output++ = scaled(nn_window_sum(window, input), offset, p);
    }
}

arm_cmsis_nn_status nn_mean_s8(const nn_reduce_params *params, const int8_t *input, const cmsis_nn_dims *input_dims,
                               const cmsis_nn_dims *axes, int8_t *output)
{
    return nn_reduce(input, input_dims, axes, mean, params, 1, 1, output);
}

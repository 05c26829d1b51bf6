#include "nn_extra.h"
#include "nn_reduce.h"
#include "nn_window_extreme.h"

static const cmsis_nn_activation all = {-128, 127};

static void greatest(const struct nn_window *window, const void *input, int32_t channels, const void *params, void *output)
{
    nn_extreme_pixel(window, input, channels, params, output, 1);
}

arm_cmsis_nn_status nn_reduce_max_s8(const int8_t *input, const cmsis_nn_dims *input_dims, const cmsis_nn_dims *axes,
                                     int8_t *output)
{
    return nn_reduce(input, input_dims, axes, greatest, &all, 1, 1, output);
}

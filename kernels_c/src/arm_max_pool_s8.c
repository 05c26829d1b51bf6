/* Max pooling: one channel at a time, or four and eight with the DSP extension. */
#include "arm_nnfunctions.h"
#include "nn_requantize.h"
#include "nn_window.h"

static int32_t channel_max(const struct nn_window *window, const int8_t *input)
{
    int32_t greatest = -128;
    for (int32_t row = 0; row < window->rows; row++, input += window->row) {
        const int8_t *from = input;
        for (int32_t left = window->columns; left > 0; left--, from += window->pixel) {
            greatest = *from > greatest ? *from : greatest;
        }
    }
    return greatest;
}

#if NN_DSP

static inline uint32_t max_four(const struct nn_window *window, const int8_t *input)
{
    const int32_t step = window->pixel;
    uint32_t greatest = nn_lanes_load(input);
    for (int32_t row = 0; row < window->rows; row++, input += window->row) {
        const int8_t *from = input;
        int32_t left = window->columns;
        for (; left >= 2; left -= 2, from += 2 * step) {
            const uint32_t a = nn_lanes_load(from), b = nn_lanes_load(from + step);
            greatest = nn_lanes_max(nn_lanes_max(greatest, a), b);
        }
        if (left > 0) {
            greatest = nn_lanes_max(greatest, nn_lanes_load(from));
        }
    }
    return greatest;
}

struct eight {
    uint32_t first;
    uint32_t second;
};

static inline struct eight max_eight(const struct nn_window *window, const int8_t *input)
{
    struct eight greatest = {nn_lanes_load(input), nn_lanes_load(input + 4)};
    for (int32_t row = 0; row < window->rows; row++, input += window->row) {
        const int8_t *from = input;
        for (int32_t left = window->columns; left > 0; left--, from += window->pixel) {
            const uint32_t a = nn_lanes_load(from), b = nn_lanes_load(from + 4);
            greatest.first = nn_lanes_max(greatest.first, a);
            greatest.second = nn_lanes_max(greatest.second, b);
        }
    }
    return greatest;
}

#endif

static void max_pixel(const struct nn_window *window, const void *input_data, int32_t channels,
                      const cmsis_nn_activation *activation, void *output_data)
{
    const int8_t *input = input_data;
    int8_t *output = output_data;
    const int32_t low = activation->min, high = activation->max;
#if NN_DSP
    const uint32_t lows = nn_lanes_all(low), highs = nn_lanes_all(high);
    for (; channels >= 8; channels -= 8, input += 8, output += 8) {
        const struct eight greatest = max_eight(window, input);
        nn_lanes_store(output, nn_lanes_min(nn_lanes_max(greatest.first, lows), highs));
        nn_lanes_store(output + 4, nn_lanes_min(nn_lanes_max(greatest.second, lows), highs));
    }
    for (; channels >= 4; channels -= 4, input += 4, output += 4) {
        nn_lanes_store(output, nn_lanes_min(nn_lanes_max(max_four(window, input), lows), highs));
    }
#endif
    for (; channels > 0; channels--, input++) {
        *output++ = (int8_t)nn_clamp(channel_max(window, input), low, high);
    }
}

arm_cmsis_nn_status arm_max_pool_s8(const cmsis_nn_context *ctx, const cmsis_nn_pool_params *pool_params,
                                    const cmsis_nn_dims *input_dims, const int8_t *input_data,
                                    const cmsis_nn_dims *filter_dims, const cmsis_nn_dims *output_dims,
                                    int8_t *output_data)
{
    (void)ctx;
    return nn_pool(pool_params, input_dims, (const char *)input_data, filter_dims, output_dims, (char *)output_data, 1,
                   max_pixel);
}

/*
 * Average pooling. The plain version sums one channel at a time; with the DSP extension four channels are summed in two
 * pairs of int16, which hold 256 elements.
 */
#include "arm_nnfunctions.h"
#include "nn_average.h"
#include "nn_requantize.h"
#include "nn_window.h"

static int32_t channel_sum(const struct nn_window *window, const int8_t *input)
{
    int32_t sum = 0;
    for (int32_t row = 0; row < window->rows; row++, input += window->row) {
        const int8_t *from = input;
        for (int32_t left = window->columns; left > 0; left--, from += window->pixel) {
            sum += *from;
        }
    }
    return sum;
}

#if NN_DSP

enum { PAIR_HOLDS = 256 };

struct sums {
    uint32_t even;
    uint32_t odd;
};

/* `count` elements, `step` apart, of four channels. */
static inline struct sums sum_row(struct sums sums, const int8_t *from, int32_t count, int32_t step)
{
    for (; count >= 4; count -= 4, from += 4 * step) {
        const uint32_t a = nn_lanes_load(from), b = nn_lanes_load(from + step);
        const uint32_t c = nn_lanes_load(from + 2 * step), d = nn_lanes_load(from + 3 * step);
        sums.even = nn_pair_add_even(nn_pair_add_even(sums.even, a), b);
        sums.odd = nn_pair_add_odd(nn_pair_add_odd(sums.odd, a), b);
        sums.even = nn_pair_add_even(nn_pair_add_even(sums.even, c), d);
        sums.odd = nn_pair_add_odd(nn_pair_add_odd(sums.odd, c), d);
    }
    for (; count > 0; count--, from += step) {
        const uint32_t a = nn_lanes_load(from);
        sums.even = nn_pair_add_even(sums.even, a);
        sums.odd = nn_pair_add_odd(sums.odd, a);
    }
    return sums;
}

static void add_to(int32_t total[4], struct sums sums)
{
    total[0] += (int16_t)sums.even;
    total[1] += (int16_t)sums.odd;
    total[2] += (int32_t)sums.even >> 16;
    total[3] += (int32_t)sums.odd >> 16;
}

static void sum_large(int32_t total[4], const struct nn_window *window, const int8_t *input)
{
    for (int32_t row = 0; row < window->rows; row++, input += window->row) {
        const int8_t *from = input;
        for (int32_t left = window->columns; left > 0; left -= PAIR_HOLDS, from += PAIR_HOLDS * window->pixel) {
            const struct sums none = {0, 0};
            add_to(total, sum_row(none, from, nn_at_most(left, PAIR_HOLDS), window->pixel));
        }
    }
}

static inline uint32_t average_four(const struct nn_window *window, const int8_t *input, struct nn_divisor divisor)
{
    int32_t total[4] = {0, 0, 0, 0};
    if (divisor.count > PAIR_HOLDS) {
        sum_large(total, window, input);
    } else {
        struct sums sums = {0, 0};
        for (int32_t row = 0; row < window->rows; row++, input += window->row) {
            sums = sum_row(sums, input, window->columns, window->pixel);
        }
        add_to(total, sums);
    }
    return nn_lanes_of(nn_average(total[0], divisor), nn_average(total[1], divisor), nn_average(total[2], divisor),
                       nn_average(total[3], divisor));
}

#endif

static void average_pixel(const struct nn_window *window, const void *input_data, int32_t channels,
                          const cmsis_nn_activation *activation, void *output_data)
{
    const int8_t *input = input_data;
    int8_t *output = output_data;
    const struct nn_divisor divisor = nn_divisor_of(window->rows * window->columns);
    const int32_t low = activation->min, high = activation->max;
#if NN_DSP
    const uint32_t lows = nn_lanes_all(low), highs = nn_lanes_all(high);
    for (; channels >= 4; channels -= 4, input += 4, output += 4) {
        const uint32_t averages = average_four(window, input, divisor);
        nn_lanes_store(output, nn_lanes_min(nn_lanes_max(averages, lows), highs));
    }
#endif
    for (; channels > 0; channels--, input++) {
        *output++ = (int8_t)nn_clamp(nn_average(channel_sum(window, input), divisor), low, high);
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

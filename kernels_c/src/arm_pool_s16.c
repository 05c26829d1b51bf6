/* Average and max pooling of int16. */
#include "arm_nnfunctions.h"
#include "nn_requantize.h"
#include "nn_window.h"

static int32_t sum_of(const struct nn_window *window, const int16_t *row)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < window->rows; i++, row += window->row) {
        const int16_t *from = row;
        for (int32_t left = window->columns; left > 0; left--, from += window->pixel) {
            sum += *from;
        }
    }
    return sum;
}

/* Of four channels. */
static void sums_of(int32_t sums[4], const struct nn_window *window, const int16_t *row)
{
    int32_t a = 0, b = 0, c = 0, d = 0;
    for (int32_t i = 0; i < window->rows; i++, row += window->row) {
        const int16_t *from = row;
        for (int32_t left = window->columns; left > 0; left--, from += window->pixel) {
            a += from[0];
            b += from[1];
            c += from[2];
            d += from[3];
        }
    }
    sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d;
}

static int16_t mean_of(int32_t sum, int32_t count, const cmsis_nn_activation *bounds)
{
    const int32_t mean = (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
    return (int16_t)nn_clamp(mean, bounds->min, bounds->max);
}

static void average(const struct nn_window *window, const void *input_data, int32_t channels, const void *bounds,
                    void *output_data)
{
    const int32_t count = window->rows * window->columns;
    const int16_t *input = input_data;
    int16_t *output = output_data;
    for (; channels >= 4; channels -= 4, input += 4) {
        int32_t sums[4];
        sums_of(sums, window, input);
        for (int32_t i = 0; i < 4; i++) {
            *output++ = mean_of(sums[i], count, bounds);
        }
    }
    for (; channels > 0; channels--) {
        *output++ = mean_of(sum_of(window, input++), count, bounds);
    }
}

static int32_t greatest_of(const struct nn_window *window, const int16_t *row)
{
    int32_t most = INT16_MIN;
    for (int32_t i = 0; i < window->rows; i++, row += window->row) {
        const int16_t *from = row;
        for (int32_t left = window->columns; left > 0; left--, from += window->pixel) {
            most = nn_at_least(*from, most);
        }
    }
    return most;
}

/* Of four channels. */
static void greatest_of_four(int32_t most[4], const struct nn_window *window, const int16_t *row)
{
    int32_t a = INT16_MIN, b = INT16_MIN, c = INT16_MIN, d = INT16_MIN;
    for (int32_t i = 0; i < window->rows; i++, row += window->row) {
        const int16_t *from = row;
        for (int32_t left = window->columns; left > 0; left--, from += window->pixel) {
            a = nn_at_least(from[0], a);
            b = nn_at_least(from[1], b);
            c = nn_at_least(from[2], c);
            d = nn_at_least(from[3], d);
        }
    }
    most[0] = a, most[1] = b, most[2] = c, most[3] = d;
}

static void greatest(const struct nn_window *window, const void *input_data, int32_t channels, const void *params,
                     void *output_data)
{
    const cmsis_nn_activation *bounds = params;
    const int16_t *input = input_data;
    int16_t *output = output_data;
    for (; channels >= 4; channels -= 4, input += 4) {
        int32_t most[4];
        greatest_of_four(most, window, input);
        for (int32_t i = 0; i < 4; i++) {
            *output++ = (int16_t)nn_clamp(most[i], bounds->min, bounds->max);
        }
    }
    for (; channels > 0; channels--) {
        *output++ = (int16_t)nn_clamp(greatest_of(window, input++), bounds->min, bounds->max);
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

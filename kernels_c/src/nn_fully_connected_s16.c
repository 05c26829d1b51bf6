/* The fully connected layer of int16, rounded once, in double precision. */
#include "nn_extra.h"
#include "nn_wide.h"

/* To nearest, halves away from zero, within the bounds. */
static int16_t rounded(double value, const cmsis_nn_activation *bounds)
{
    if (value >= bounds->max) {
        return (int16_t)bounds->max;
    }
    if (value <= bounds->min) {
        return (int16_t)bounds->min;
    }
    const int32_t whole = (int32_t)value;
    const double rest = value - whole;
    return (int16_t)(whole + (rest >= 0.5) - (rest <= -0.5));
}

static double with_bias(int64_t sum, const cmsis_nn_bias_data *bias, int32_t row)
{
    if (!bias || !bias->data) {
        return (double)sum;
    }
    if (bias->is_int32_bias) {
        return (int32_t)(sum + ((const int32_t *)bias->data)[row]);
    }
    return (double)(sum + ((const int64_t *)bias->data)[row]);
}

arm_cmsis_nn_status nn_fully_connected_s16(const cmsis_nn_fc_params *params, const double *factors, int32_t is_per_channel,
                                           const int16_t *input, const cmsis_nn_dims *filter_dims, const int8_t *filter,
                                           const cmsis_nn_bias_data *bias, const cmsis_nn_dims *output_dims, int16_t *output)
{
    const int32_t depth = filter_dims->n, rows = filter_dims->c;
    if (!nn_wide_dense_is_sound(params, output_dims->n, depth, rows)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (int32_t vector = 0; vector < output_dims->n; vector++, input += depth) {
        for (int32_t row = 0; row < rows; row += 4) {
            struct nn_wide_sums sums;
            nn_begin_sums(&sums, nn_four_at_most(rows - row), depth);
            nn_add_runs(&sums, input, filter + row * depth, depth);
            for (int32_t i = row; i < row + sums.count; i++) {
                const double real = with_bias(nn_sum_of(&sums, i - row), bias, i);
                *output++ = rounded(real * factors[is_per_channel ? i : 0], &params->activation);
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

/* The fully connected layer of int16, rounded once, in double precision. */
#include "nn_extra.h"
#include "nn_wide.h"

enum { LARGE = 1 << 30 };

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

/*
 * The same in fixed point, for nearly all sums: the factor is cut to 31 bits, which together with the product's own rounding is off
 * by less than two of its last places. 0 where that may matter, and where factor or sum are of other sizes.
 */
static int round_quickly(int64_t sum, double factor, int32_t *result)
{
    uint64_t bits;
    __builtin_memcpy(&bits, &factor, sizeof bits);
    const int32_t places = 1022 - (int32_t)(bits >> 52); /* of the product behind the point; a sign makes them negative */
    if (places < 3 || places > 30 || sum >= LARGE || sum <= -LARGE) {
        return 0;
    }
    const int32_t multiplier = (int32_t)((uint32_t)(bits >> 22) & 0x3FFFFFFFu) | 0x40000000;
    const int32_t shifted = nn_doubling_high_multiply((int32_t)sum, multiplier) + (1 << (places - 1));
    const int32_t mask = (1 << places) - 1, rest = shifted & mask;
    *result = shifted >> places;
    return rest >= 2 && rest < mask;
}

static int64_t with_bias(int64_t sum, const cmsis_nn_bias_data *bias, int32_t row)
{
    if (!bias || !bias->data) {
        return sum;
    }
    if (bias->is_int32_bias) {
        return (int32_t)(sum + ((const int32_t *)bias->data)[row]);
    }
    return sum + ((const int64_t *)bias->data)[row];
}

static int16_t scaled(int64_t sum, double factor, const cmsis_nn_activation *bounds)
{
    int32_t result;
    if (round_quickly(sum, factor, &result)) {
        return (int16_t)nn_clamp(result, bounds->min, bounds->max);
    }
    return rounded((double)sum * factor, bounds);
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
                const int64_t sum = with_bias(nn_sum_of(&sums, i - row), bias, i);
                *output++ = scaled(sum, factors[is_per_channel ? i : 0], &params->activation);
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

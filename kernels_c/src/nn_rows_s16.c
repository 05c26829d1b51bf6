/* Rows of int16: sum, difference, product, least and greatest. */
#include "nn_lanes.h"
#include "nn_requantize.h"
#include "nn_rows.h"

static int32_t scaled(int32_t value, int32_t offset, int32_t mult, int32_t shift, int32_t left_shift)
{
    return nn_requantize((value + offset) * (1 << left_shift), mult, shift);
}

static void sum_row(const nn_add_params *params, const struct nn_operands *o, void *output, int32_t count, int32_t sign)
{
    const nn_add_params p = *params;
    const int16_t *left = (const int16_t *)(const void *)o->left, *right = (const int16_t *)(const void *)o->right;
    int16_t *to = output;
    for (; count > 0; count--, left += o->left_step, right += o->right_step) {
        const int32_t a = scaled(*left, p.input_1_offset, p.input_1_mult, p.input_1_shift, p.left_shift);
        const int32_t b = scaled(*right, p.input_2_offset, p.input_2_mult, p.input_2_shift, p.left_shift);
        const int32_t sum = nn_requantize(a + sign * b, p.output_mult, p.output_shift) + p.output_offset;
        *to++ = (int16_t)nn_clamp(sum, p.activation.min, p.activation.max);
    }
}

void nn_add_row_s16(const void *params, const struct nn_operands *operands, int8_t *output, int32_t count)
{
    sum_row(params, operands, output, count, 1);
}

void nn_sub_row_s16(const void *params, const struct nn_operands *operands, int8_t *output, int32_t count)
{
    sum_row(params, operands, output, count, -1);
}

/* Where nothing is shifted to the left: the division's parts are worked out once. */
NN_INLINE void small_products(nn_mul_params p, const int16_t *left, int32_t left_step, const int16_t *right,
                              int32_t right_step, int16_t *output, int32_t count)
{
    const int32_t exponent = -p.output_shift, half = (1 << exponent) >> 1, signs = exponent ? -1 : 0;
    for (; count > 0; count--, left += left_step, right += right_step) {
        const int32_t product = (*left + p.input_1_offset) * (*right + p.input_2_offset);
        const int32_t high = nn_doubling_high_multiply(product, p.output_mult);
        const int32_t result = ((high + ((high >> 31) & signs) + half) >> exponent) + p.output_offset;
        *output++ = (int16_t)nn_clamp(result, p.activation.min, p.activation.max);
    }
}

void nn_mul_row_s16(const void *params, const struct nn_operands *o, int8_t *output, int32_t count)
{
    const nn_mul_params p = *(const nn_mul_params *)params;
    const int16_t *left = (const int16_t *)(const void *)o->left, *right = (const int16_t *)(const void *)o->right;
    int16_t *to = (int16_t *)(void *)output;
    if (p.output_shift <= 0 && p.output_shift > -30 && o->left_step == 1 && o->right_step == 1) {
        small_products(p, left, 1, right, 1, to, count);
        return;
    }
    for (; count > 0; count--, left += o->left_step, right += o->right_step) {
        const int32_t product = (*left + p.input_1_offset) * (*right + p.input_2_offset);
        const int32_t result = nn_requantize(product, p.output_mult, p.output_shift) + p.output_offset;
        *to++ = (int16_t)nn_clamp(result, p.activation.min, p.activation.max);
    }
}

NN_INLINE void extreme_row(const struct nn_operands *o, void *output, int32_t count, int greater)
{
    const int16_t *left = (const int16_t *)(const void *)o->left, *right = (const int16_t *)(const void *)o->right;
    int16_t *to = output;
    for (; count > 0; count--, left += o->left_step, right += o->right_step) {
        *to++ = (*left > *right) == greater ? *left : *right;
    }
}

void nn_minimum_row_s16(const void *params, const struct nn_operands *operands, int8_t *output, int32_t count)
{
    (void)params;
    extreme_row(operands, output, count, 0);
}

void nn_maximum_row_s16(const void *params, const struct nn_operands *operands, int8_t *output, int32_t count)
{
    (void)params;
    extreme_row(operands, output, count, 1);
}

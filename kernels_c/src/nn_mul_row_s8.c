/* Product of rows of int8. */
#include "nn_lanes.h"
#include "nn_requantize.h"
#include "nn_rows.h"

static void plain_row(const nn_mul_params *params, const int8_t *left, int32_t left_step, const int8_t *right,
                      int32_t right_step, int8_t *output, int32_t count)
{
    const nn_mul_params p = *params; /* a copy that the output cannot overlap */
    for (; count > 0; count--, left += left_step, right += right_step) {
        const int32_t product = (*left + p.input_1_offset) * (*right + p.input_2_offset);
        const int32_t scaled = nn_requantize(product, p.output_mult, p.output_shift) + p.output_offset;
        *output++ = (int8_t)nn_clamp(scaled, p.activation.min, p.activation.max);
    }
}

#if NN_DSP

static void fours(const nn_mul_params *p, const int8_t *left, int32_t left_step, const int8_t *right,
                  int32_t right_step, int8_t *output, int32_t count)
{
    const int32_t left_offset = p->input_1_offset, right_offset = p->input_2_offset, multiplier = p->output_mult;
    const int32_t exponent = -p->output_shift;
    const int32_t half = (1 << (exponent - 1)) + p->output_offset * (1 << exponent);
    const uint32_t lows = nn_lanes_all(p->activation.min), highs = nn_lanes_all(p->activation.max);
    const int bounded = nn_bounds_int8(p->activation.min, p->activation.max);
    for (; count >= 4; count -= 4, left += 4 * left_step, right += 4 * right_step, output += 4) {
        const uint32_t lefts = nn_lanes_load(left), rights = nn_lanes_load(right);
        int32_t result[4];
#define ELEMENT(lane)                                                                                           \
    {                                                                                                           \
        const int32_t a = nn_lane_plus(lefts, lane, left_offset), b = nn_lane_plus(rights, lane, right_offset); \
        const int32_t high = nn_high_multiply(2 * (a * b), multiplier);                                         \
        result[lane] = nn_saturate_int8((high + (high >> 31) + half) >> exponent);                              \
    }
        ELEMENT(0)
        ELEMENT(1)
        ELEMENT(2)
        ELEMENT(3)
#undef ELEMENT
        uint32_t products = nn_lanes_of(result[0], result[1], result[2], result[3]);
        if (bounded) {
            products = nn_lanes_min(nn_lanes_max(products, lows), highs);
        }
        nn_lanes_store(output, products);
    }
}

#endif

void nn_mul_row_s8(const void *params, const struct nn_operands *o, int8_t *output, int32_t count)
{
    const nn_mul_params *p = params;
    int32_t done = 0;
#if NN_DSP
    if (p->output_shift < 0 && p->output_shift > -22) {
        NN_SPREAD(left, o->left, o->left_step)
        NN_SPREAD(right, o->right, o->right_step)
        done = count & ~3;
        fours(p, left, o->left_step, right, o->right_step, output, done);
    }
#endif
    plain_row(p, o->left + done * o->left_step, o->left_step, o->right + done * o->right_step, o->right_step,
              output + done, count - done);
}

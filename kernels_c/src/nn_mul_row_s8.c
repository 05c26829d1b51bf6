/* Product of rows of int8. */
#include "nn_rows.h"
#include "nn_ratio.h"

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

#if NN_DSP || NN_NARROW

enum { PRODUCT_BITS = 17 };

#if NN_DSP

/* Four at a time. */
static int32_t fast_row(const nn_mul_params *p, struct nn_shrink scale, const struct nn_operands *o, int8_t *output,
                        int32_t count)
{
    NN_SPREAD(left, o->left, o->left_step)
    NN_SPREAD(right, o->right, o->right_step)
    const int32_t left_step = 4 * o->left_step, right_step = 4 * o->right_step;
    const int32_t left_offset = p->input_1_offset, right_offset = p->input_2_offset;
    const uint32_t lows = nn_lanes_all(p->activation.min), highs = nn_lanes_all(p->activation.max);
    const int bounded = nn_bounds_int8(p->activation.min, p->activation.max);
    for (int32_t rest = count; rest >= 4; rest -= 4, left += left_step, right += right_step, output += 4) {
        const uint32_t lefts = nn_lanes_load(left), rights = nn_lanes_load(right);
#define PRODUCT(lane) \
    nn_saturate_int8( \
        nn_shrunk(nn_lane_plus(lefts, lane, left_offset) * nn_lane_plus(rights, lane, right_offset), scale))
        uint32_t products = nn_lanes_of(PRODUCT(0), PRODUCT(1), PRODUCT(2), PRODUCT(3));
#undef PRODUCT
        if (bounded) {
            products = nn_lanes_min(nn_lanes_max(products, lows), highs);
        }
        nn_lanes_store(output, products);
    }
    return count & ~3;
}

#else

static int32_t fast_row(const nn_mul_params *params, struct nn_shrink scale, const struct nn_operands *o, int8_t *output,
                        int32_t count)
{
    const nn_mul_params p = *params;
    const int8_t *left = o->left, *right = o->right;
    const int32_t left_step = o->left_step, right_step = o->right_step;
    for (int32_t rest = count; rest > 0; rest--, left += left_step, right += right_step) {
        const int32_t product = (*left + p.input_1_offset) * (*right + p.input_2_offset);
        *output++ = (int8_t)nn_clamp(nn_shrunk(product, scale), p.activation.min, p.activation.max);
    }
    return count;
}

#endif
#endif

void nn_mul_row_s8(const void *params, const struct nn_operands *o, int8_t *output, int32_t count)
{
    const nn_mul_params *p = params;
    int32_t done = 0;
#if NN_DSP || NN_NARROW
    struct nn_shrink scale;
    if (p->output_shift < 0 && nn_shrink_of(&scale, p->output_mult, p->output_shift, p->output_offset, 0, PRODUCT_BITS)) {
        done = fast_row(p, scale, o, output, count);
    }
#endif
    plain_row(p, o->left + done * o->left_step, o->left_step, o->right + done * o->right_step, o->right_step,
              output + done, count - done);
}

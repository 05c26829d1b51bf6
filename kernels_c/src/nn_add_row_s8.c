/*
 * Sum and difference of rows of int8. TensorFlow Lite's multipliers make one of the inputs exactly half (the one of the
 * greater scale), so that the DSP code spends a multiplication on the other one only.
 */
#include "nn_lanes.h"
#include "nn_requantize.h"
#include "nn_rows.h"

static inline int32_t scaled(int32_t value, int32_t offset, int32_t mult, int32_t shift, int32_t left_shift)
{
    return nn_requantize((value + offset) * (1 << left_shift), mult, shift);
}

/* `sign`: 1 for the sum, -1 for the difference. */
NN_INLINE void plain_row(const nn_add_params *params, const int8_t *left, int32_t left_step, const int8_t *right,
                         int32_t right_step, int8_t *output, int32_t count, int32_t sign)
{
    const nn_add_params p = *params; /* a copy that the output cannot overlap */
    for (; count > 0; count--, left += left_step, right += right_step) {
        const int32_t a = scaled(*left, p.input_1_offset, p.input_1_mult, p.input_1_shift, p.left_shift);
        const int32_t b = scaled(*right, p.input_2_offset, p.input_2_mult, p.input_2_shift, p.left_shift);
        const int32_t sum = nn_requantize(a + sign * b, p.output_mult, p.output_shift) + p.output_offset;
        *output++ = (int8_t)nn_clamp(sum, p.activation.min, p.activation.max);
    }
}

#if NN_DSP

enum { HALF = 1 << 30, LEFT_SHIFT = 20 };

/* value * 2^shift * multiplier, rounded, then divided by 2^exponent (not 0), halves away from zero; `half`: 2^(exponent-1). */
struct scale {
    int32_t offset;
    int32_t multiplier;
    int32_t shift;
    int32_t exponent;
    int32_t half;
};

/* 0: no such form. An exact half is value << 21 at exponent 1: nothing is lost before the division. */
static int scale_of(struct scale *scale, int32_t offset, int32_t mult, int32_t shift)
{
    const int exact = mult == HALF && shift == 0;
    scale->offset = offset;
    scale->multiplier = mult;
    scale->shift = LEFT_SHIFT + 1 + exact;
    scale->exponent = exact ? 1 : -shift;
    scale->half = 1 << (scale->exponent - 1);
    return exact || (shift < 0 && shift > -31);
}

NN_INLINE int32_t divided(int32_t value, int32_t half, int32_t exponent)
{
    return (value + (value >> 31) + half) >> exponent;
}

/* A whole number of fours. `exact_left`: the left input counts exactly half, so that value << 19 is what is added. */
NN_INLINE void fours(const nn_add_params *p, struct scale other, int exact_left, const int8_t *left, int32_t left_step,
                     const int8_t *right, int32_t right_step, int8_t *output, int32_t count, int32_t sign)
{
    const int32_t left_offset = p->input_1_offset, right_offset = p->input_2_offset, multiplier = p->output_mult;
    const int32_t exponent = -p->output_shift;
    const int32_t half = (1 << (exponent - 1)) + p->output_offset * (1 << exponent);
    const uint32_t lows = nn_lanes_all(p->activation.min), highs = nn_lanes_all(p->activation.max);
    const int bounded = nn_bounds_int8(p->activation.min, p->activation.max);
    for (; count >= 4; count -= 4, left += 4 * left_step, right += 4 * right_step, output += 4) {
        const uint32_t lefts = nn_lanes_load(left), rights = nn_lanes_load(right);
        int32_t result[4];
#define ELEMENT(lane)                                                                                                    \
    {                                                                                                                    \
        const int32_t a = nn_lane_plus(lefts, lane, left_offset), b = nn_lane_plus(rights, lane, right_offset);          \
        const int32_t scale = exact_left ? b : a, exact = (exact_left ? a : b) * (1 << 19);                              \
        const int32_t high = nn_high_multiply(scale * (1 << other.shift), other.multiplier);                             \
        const int32_t general = divided(high, other.half, other.exponent);                                               \
        const int32_t sum = exact_left ? exact + sign * general : general + sign * exact;                                \
        result[lane] = nn_saturate_int8(divided(nn_high_multiply(2 * sum, multiplier), half, exponent));                 \
    }
        ELEMENT(0)
        ELEMENT(1)
        ELEMENT(2)
        ELEMENT(3)
#undef ELEMENT
        uint32_t sums = nn_lanes_of(result[0], result[1], result[2], result[3]);
        if (bounded) {
            sums = nn_lanes_min(nn_lanes_max(sums, lows), highs);
        }
        nn_lanes_store(output, sums);
    }
}

/* Elements done: a multiple of four, or 0 where the parameters are none of TensorFlow Lite's. */
NN_INLINE int32_t fast_row(const nn_add_params *p, const struct nn_operands *o, int8_t *output, int32_t count, int32_t sign)
{
    const int exact_1 = p->input_1_mult == HALF && p->input_1_shift == 0;
    const int exact_2 = p->input_2_mult == HALF && p->input_2_shift == 0;
    struct scale other;
    const int known = exact_1 ? scale_of(&other, p->input_2_offset, p->input_2_mult, p->input_2_shift)
                              : scale_of(&other, p->input_1_offset, p->input_1_mult, p->input_1_shift);
    if (!known || !(exact_1 || exact_2) || p->left_shift != LEFT_SHIFT || p->output_shift > -1 || p->output_shift < -21) {
        return 0;
    }
    NN_SPREAD(left, o->left, o->left_step)
    NN_SPREAD(right, o->right, o->right_step)
    const int32_t done = count & ~3;
    if (exact_1) {
        fours(p, other, 1, left, o->left_step, right, o->right_step, output, done, sign);
    } else {
        fours(p, other, 0, left, o->left_step, right, o->right_step, output, done, sign);
    }
    return done;
}

#endif

NN_INLINE void row(const nn_add_params *p, const struct nn_operands *o, int8_t *output, int32_t count, int32_t sign)
{
    int32_t done = 0;
#if NN_DSP
    done = fast_row(p, o, output, count, sign);
#endif
    plain_row(p, o->left + done * o->left_step, o->left_step, o->right + done * o->right_step, o->right_step,
              output + done, count - done, sign);
}

void nn_add_row_s8(const void *params, const struct nn_operands *operands, int8_t *output, int32_t count)
{
    row(params, operands, output, count, 1);
}

void nn_sub_row_s8(const void *params, const struct nn_operands *operands, int8_t *output, int32_t count)
{
    row(params, operands, output, count, -1);
}

/*
 * Sum and difference of rows of int8. TensorFlow Lite's multipliers make one of the inputs exactly half (the one of the
 * greater scale), so that the fast versions spend a multiplication on the other one only.
 */
#include "nn_rows.h"
#include "nn_ratio.h"

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

#if NN_DSP || NN_NARROW

enum { HALF = 1 << 30, LEFT_SHIFT = 20 };

/* What a row adds up: one input at exactly half its value, the other one scaled. */
struct terms {
    struct nn_shrink other;
    struct nn_shrink sum;
    int32_t left_offset;
    int32_t right_offset;
    int32_t low;
    int32_t high;
};

/* 0 where the parameters are none of TensorFlow Lite's, or ask for too much. */
NN_INLINE int terms_of(struct terms *t, const nn_add_params *p, int exact_left)
{
    t->left_offset = p->input_1_offset;
    t->right_offset = p->input_2_offset;
    t->low = p->activation.min;
    t->high = p->activation.max;
    const int32_t other_mult = exact_left ? p->input_2_mult : p->input_1_mult;
    const int32_t other_shift = exact_left ? p->input_2_shift : p->input_1_shift;
    return p->left_shift == LEFT_SHIFT && nn_shrink_of(&t->other, other_mult, other_shift, 0, LEFT_SHIFT, 28) &&
           nn_shrink_of(&t->sum, p->output_mult, p->output_shift, p->output_offset, 0, 29);
}

/* Before it is brought into the range of int8. */
NN_INLINE int32_t sum_of(struct terms t, int32_t left, int32_t right, int exact_left, int32_t sign)
{
    const int32_t exact = (exact_left ? left : right) * (1 << (LEFT_SHIFT - 1));
    const int32_t other = nn_shrunk((exact_left ? right : left) * (1 << t.other.left), t.other);
    return nn_shrunk(exact_left ? exact + sign * other : other + sign * exact, t.sum);
}

#if NN_DSP

/* Four at a time. */
NN_INLINE int32_t fast_row(struct terms t, const struct nn_operands *o, int exact_left, int8_t *output, int32_t count,
                           int32_t sign)
{
    NN_SPREAD(left, o->left, o->left_step)
    NN_SPREAD(right, o->right, o->right_step)
    const int32_t left_step = 4 * o->left_step, right_step = 4 * o->right_step;
    const uint32_t lows = nn_lanes_all(t.low), highs = nn_lanes_all(t.high);
    const int bounded = nn_bounds_int8(t.low, t.high);
    for (int32_t rest = count; rest >= 4; rest -= 4, left += left_step, right += right_step, output += 4) {
        const uint32_t lefts = nn_lanes_load(left), rights = nn_lanes_load(right);
#define SUM(lane)                                                                                                   \
    nn_saturate_int8(sum_of(t, nn_lane_plus(lefts, lane, t.left_offset), nn_lane_plus(rights, lane, t.right_offset), \
                            exact_left, sign))
        uint32_t sums = nn_lanes_of(SUM(0), SUM(1), SUM(2), SUM(3));
#undef SUM
        if (bounded) {
            sums = nn_lanes_min(nn_lanes_max(sums, lows), highs);
        }
        nn_lanes_store(output, sums);
    }
    return count & ~3;
}

#else

NN_INLINE int32_t fast_row(struct terms t, const struct nn_operands *o, int exact_left, int8_t *output, int32_t count,
                           int32_t sign)
{
    const int8_t *left = o->left, *right = o->right;
    const int32_t left_step = o->left_step, right_step = o->right_step;
    for (int32_t rest = count; rest > 0; rest--, left += left_step, right += right_step) {
        const int32_t sum = sum_of(t, *left + t.left_offset, *right + t.right_offset, exact_left, sign);
        *output++ = (int8_t)nn_clamp(sum, t.low, t.high);
    }
    return count;
}

#endif

/* Elements done: 0 where there is no fast way. */
NN_INLINE int32_t try_fast_row(const nn_add_params *p, const struct nn_operands *o, int8_t *output, int32_t count,
                               int32_t sign)
{
    struct terms terms;
    if (p->input_1_mult == HALF && p->input_1_shift == 0 && terms_of(&terms, p, 1)) {
        return fast_row(terms, o, 1, output, count, sign);
    }
    if (p->input_2_mult == HALF && p->input_2_shift == 0 && terms_of(&terms, p, 0)) {
        return fast_row(terms, o, 0, output, count, sign);
    }
    return 0;
}

#endif

NN_INLINE void row(const nn_add_params *p, const struct nn_operands *o, int8_t *output, int32_t count, int32_t sign)
{
    int32_t done = 0;
#if NN_DSP || NN_NARROW
    done = try_fast_row(p, o, output, count, sign);
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

/* The lesser and the greater of rows of int8. */
#include "nn_lanes.h"
#include "nn_rows.h"

NN_INLINE void ones(const int8_t *a, int32_t a_step, const int8_t *b, int32_t b_step, int8_t *output, int32_t count,
                    int greater)
{
    for (; count > 0; count--, a += a_step, b += b_step) {
        const int8_t one = *a, two = *b;
        if (greater) {
            *output++ = one > two ? one : two;
        } else {
            *output++ = one < two ? one : two;
        }
    }
}

NN_INLINE void row(const struct nn_operands *o, int8_t *output, int32_t count, int greater)
{
    const int8_t *a = o->left, *b = o->right;
    const int32_t a_step = o->left_step, b_step = o->right_step;
#if NN_DSP
    NN_SPREAD(left, a, a_step)
    NN_SPREAD(right, b, b_step)
    const int32_t fours = count >> 2, left_step = 4 * a_step, right_step = 4 * b_step;
    for (int32_t rest = fours; rest > 0; rest--, left += left_step, right += right_step, output += 4) {
        const uint32_t lefts = nn_lanes_load(left), rights = nn_lanes_load(right);
        nn_lanes_store(output, greater ? nn_lanes_max(lefts, rights) : nn_lanes_min(lefts, rights));
    }
    a += fours * left_step;
    b += fours * right_step;
    count &= 3;
#endif
    if (a_step == 1 && b_step == 1) {
        ones(a, 1, b, 1, output, count, greater);
    } else {
        ones(a, a_step, b, b_step, output, count, greater);
    }
}

void nn_minimum_row_s8(const void *params, const struct nn_operands *operands, int8_t *output, int32_t count)
{
    (void)params;
    row(operands, output, count, 0);
}

void nn_maximum_row_s8(const void *params, const struct nn_operands *operands, int8_t *output, int32_t count)
{
    (void)params;
    row(operands, output, count, 1);
}

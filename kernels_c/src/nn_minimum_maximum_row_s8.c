/* The lesser and the greater of rows of int8. */
#include "nn_lanes.h"
#include "nn_rows.h"

NN_INLINE void row(const struct nn_operands *o, int8_t *output, int32_t count, int greater)
{
    const int8_t *a = o->left, *b = o->right;
#if NN_DSP
    NN_SPREAD(left, a, o->left_step)
    NN_SPREAD(right, b, o->right_step)
    for (; count >= 4; count -= 4, left += 4 * o->left_step, right += 4 * o->right_step, output += 4) {
        const uint32_t lefts = nn_lanes_load(left), rights = nn_lanes_load(right);
        nn_lanes_store(output, greater ? nn_lanes_max(lefts, rights) : nn_lanes_min(lefts, rights));
        a += 4 * o->left_step;
        b += 4 * o->right_step;
    }
#endif
    for (; count > 0; count--, a += o->left_step, b += o->right_step) {
        *output++ = (*a > *b) == greater ? *a : *b;
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

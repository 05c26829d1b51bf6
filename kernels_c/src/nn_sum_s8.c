/*
 * Sums and means along any axes. With the DSP extension four neighbours are summed at a time (the channels of a mean over
 * height and width), in two pairs of int16, which hold 256 elements.
 */
#include "nn_extra.h"
#include "nn_lanes.h"
#include "nn_reduce.h"
#include "nn_requantize.h"

static inline int32_t total_of(const struct nn_reduction *reduction, const int8_t *input)
{
    const int32_t step = reduction->reduced[1].step;
    int32_t total = 0;
    for (int32_t outer = reduction->reduced[0].count; outer > 0; outer--, input += reduction->reduced[0].step) {
        const int8_t *from = input;
        for (int32_t left = reduction->reduced[1].count; left > 0; left--, from += step) {
            total += *from;
        }
    }
    return total;
}

static inline int8_t scaled(const nn_reduce_params *p, int32_t total)
{
    return (int8_t)nn_clamp(nn_requantize(total, p->output_mult, p->output_shift) + p->output_offset, INT8_MIN, INT8_MAX);
}

#if NN_DSP

enum { PAIR_HOLDS = 256 };

/* Elements of four neighbours, `step` apart, added to their totals. */
static inline void add_run(int32_t total[4], const int8_t *from, int32_t count, int32_t step)
{
    uint32_t even = 0, odd = 0;
    for (; count >= 4; count -= 4, from += 4 * step) {
        const uint32_t a = nn_lanes_load(from), b = nn_lanes_load(from + step);
        const uint32_t c = nn_lanes_load(from + 2 * step), d = nn_lanes_load(from + 3 * step);
        even = nn_pair_add_even(nn_pair_add_even(even, a), b);
        odd = nn_pair_add_odd(nn_pair_add_odd(odd, a), b);
        even = nn_pair_add_even(nn_pair_add_even(even, c), d);
        odd = nn_pair_add_odd(nn_pair_add_odd(odd, c), d);
    }
    for (; count > 0; count--, from += step) {
        const uint32_t word = nn_lanes_load(from);
        even = nn_pair_add_even(even, word);
        odd = nn_pair_add_odd(odd, word);
    }
    total[0] += (int16_t)even;
    total[1] += (int16_t)odd;
    total[2] += (int32_t)even >> 16;
    total[3] += (int32_t)odd >> 16;
}

static void totals_of(int32_t total[4], const struct nn_reduction *reduction, const int8_t *input)
{
    const int32_t step = reduction->reduced[1].step;
    for (int32_t outer = reduction->reduced[0].count; outer > 0; outer--, input += reduction->reduced[0].step) {
        const int8_t *from = input;
        for (int32_t left = reduction->reduced[1].count; left > 0; left -= PAIR_HOLDS, from += PAIR_HOLDS * step) {
            add_run(total, from, left < PAIR_HOLDS ? left : PAIR_HOLDS, step);
        }
    }
}

#endif

static void sum_row(const void *params, const struct nn_reduction *reduction, const int8_t *input, int8_t *output)
{
    const nn_reduce_params p = *(const nn_reduce_params *)params; /* a copy that the output cannot overlap */
    const int32_t offset = reduction->reduced[0].count * reduction->reduced[1].count * p.input_offset;
    const int32_t step = reduction->kept[1].step;
    int32_t count = reduction->kept[1].count;
#if NN_DSP
    for (; count >= 4 && step == 1; count -= 4, input += 4) {
        int32_t total[4] = {offset, offset, offset, offset};
        totals_of(total, reduction, input);
        for (int32_t i = 0; i < 4; i++) {
            *output++ = scaled(&p, total[i]);
        }
    }
#endif
    for (; count > 0; count--, input += step) {
        *output++ = scaled(&p, total_of(reduction, input) + offset);
    }
}

arm_cmsis_nn_status nn_sum_s8(const nn_reduce_params *params, const int8_t *input, const cmsis_nn_dims *input_dims,
                              int8_t *output, const cmsis_nn_dims *output_dims)
{
    return nn_reduce(sum_row, params, input, input_dims, output, output_dims);
}

arm_cmsis_nn_status nn_mean_s8(const nn_reduce_params *params, const int8_t *input, const cmsis_nn_dims *input_dims,
                               int8_t *output, const cmsis_nn_dims *output_dims)
{
    return nn_sum_s8(params, input, input_dims, output, output_dims);
}

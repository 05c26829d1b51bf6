/* The greatest and the least along any axes; with the DSP extension of four neighbours at a time. */
#include "nn_extra.h"
#include "nn_lanes.h"
#include "nn_reduce.h"

/* `sign`: 1 for the greatest, -1 for the least. */
NN_INLINE int32_t extreme_of(const struct nn_reduction *reduction, const int8_t *input, int32_t sign)
{
    const int32_t step = reduction->reduced[1].step;
    int32_t best = *input;
    for (int32_t outer = reduction->reduced[0].count; outer > 0; outer--, input += reduction->reduced[0].step) {
        const int8_t *from = input;
        for (int32_t left = reduction->reduced[1].count; left > 0; left--, from += step) {
            const int32_t value = *from;
            best = sign * value > sign * best ? value : best;
        }
    }
    return best;
}

#if NN_DSP

NN_INLINE uint32_t extremes_of(const struct nn_reduction *reduction, const int8_t *input, int32_t sign)
{
    const int32_t step = reduction->reduced[1].step;
    uint32_t best = nn_lanes_load(input);
    for (int32_t outer = reduction->reduced[0].count; outer > 0; outer--, input += reduction->reduced[0].step) {
        const int8_t *from = input;
        for (int32_t left = reduction->reduced[1].count; left > 0; left--, from += step) {
            const uint32_t word = nn_lanes_load(from);
            best = sign > 0 ? nn_lanes_max(best, word) : nn_lanes_min(best, word);
        }
    }
    return best;
}

#endif

NN_INLINE void row(const struct nn_reduction *reduction, const int8_t *input, int8_t *output, int32_t sign)
{
    const int32_t step = reduction->kept[1].step;
    int32_t count = reduction->kept[1].count;
#if NN_DSP
    for (; count >= 4 && step == 1; count -= 4, input += 4, output += 4) {
        nn_lanes_store(output, extremes_of(reduction, input, sign));
    }
#endif
    for (; count > 0; count--, input += step) {
        *output++ = (int8_t)extreme_of(reduction, input, sign);
    }
}

static void max_row(const void *params, const struct nn_reduction *reduction, const int8_t *input, int8_t *output)
{
    (void)params;
    row(reduction, input, output, 1);
}

static void min_row(const void *params, const struct nn_reduction *reduction, const int8_t *input, int8_t *output)
{
    (void)params;
    row(reduction, input, output, -1);
}

arm_cmsis_nn_status nn_reduce_max_s8(const int8_t *input, const cmsis_nn_dims *input_dims, int8_t *output,
                                     const cmsis_nn_dims *output_dims)
{
    return nn_reduce(max_row, 0, input, input_dims, output, output_dims);
}

arm_cmsis_nn_status nn_reduce_min_s8(const int8_t *input, const cmsis_nn_dims *input_dims, int8_t *output,
                                     const cmsis_nn_dims *output_dims)
{
    return nn_reduce(min_row, 0, input, input_dims, output, output_dims);
}

/* Layers of int16 with weights of int8: their sums have 64 bits. Not for users. */
#ifndef NN_WIDE_H
#define NN_WIDE_H

#include "arm_nn_types.h"
#include "nn_dsp.h"
#include "nn_requantize.h"

/* Products of an int16 and an int8 (2^22 at most) that 32 bits hold the sum of; in fours. */
enum { NN_WIDE_RUN = 508 };

/*
 * A sum back to the scale of the output: value * multiplier * 2^(shift - 31), the multiplier cut to 16 bits, rounded once,
 * halves up (MultiplyByQuantizedMultiplier of int64 in TensorFlow Lite). multiplier: not negative; shift: 14 at most.
 */
static inline int32_t nn_requantize_wide(int64_t value, int32_t multiplier, int32_t shift)
{
    const uint32_t reduced = multiplier < 0x7FFF0000 ? (uint32_t)(multiplier + (1 << 15)) >> 16 : 0x7FFF;
    const int64_t twice = (int64_t)((uint64_t)value * reduced) >> (14 - shift);
    return (int32_t)((twice + 1) >> 1);
}

/*
 * Sums of `count` channels, 4 at most, in the making, whose weights lie `step` apart: `parts` have 32 bits and room for so many
 * more products; `totals`, where `flushed`, is what was in them before.
 */
struct nn_wide_sums {
    int32_t parts[4];
    int32_t count, step, room, flushed;
    int64_t totals[4];
};

static inline void nn_begin_sums(struct nn_wide_sums *sums, int32_t count, int32_t step)
{
    sums->count = count;
    sums->step = step;
    sums->parts[0] = sums->parts[1] = sums->parts[2] = sums->parts[3] = 0;
    sums->room = NN_WIDE_RUN;
    sums->flushed = 0;
}

static inline int64_t nn_sum_of(const struct nn_wide_sums *sums, int32_t i)
{
    return sums->parts[i] + (sums->flushed ? sums->totals[i] : 0);
}

/* The parts go to the totals. */
void nn_flush_sums(struct nn_wide_sums *sums);

/* Products of `count` inputs with as many weights of each channel. */
void nn_add_runs(struct nn_wide_sums *sums, const int16_t *input, const int8_t *weights, int32_t count);

/* How sums become outputs: `bias` may be NULL, as may its data; multipliers and shifts are one, or one for each channel. */
struct nn_wide_channels {
    const cmsis_nn_bias_data *bias;
    const int32_t *multiplier, *shift;
    int32_t per_channel;
    cmsis_nn_activation activation;
};

/* Outputs of the channels from `first` on. A bias of 32 bits asks for 32 bits throughout. */
void nn_wide_outputs(const struct nn_wide_sums *sums, const struct nn_wide_channels *channels, int32_t first, int16_t *output);

/* Whether a fully connected layer of int16 can be computed: no offsets, and something to compute. */
static inline int nn_wide_dense_is_sound(const cmsis_nn_fc_params *params, int32_t vectors, int32_t depth, int32_t rows)
{
    return vectors > 0 && depth > 0 && rows > 0 && params->input_offset == 0 && params->filter_offset == 0 &&
           params->output_offset == 0 && params->activation.min <= params->activation.max;
}

static inline int32_t nn_four_at_most(int32_t count)
{
    return count < 4 ? count : 4;
}

#endif

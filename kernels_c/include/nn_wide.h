/* Layers of int16 with weights of int8: their sums have 64 bits. Not for users. */
#ifndef NN_WIDE_H
#define NN_WIDE_H

#include "arm_nn_types.h"
#include "nn_dsp.h"
#include "nn_requantize.h"

/* Products of an int16 and an int8 (2^22 at most) that 32 bits hold the sum of; in fours. */
enum { NN_WIDE_RUN = 508 };

/* The multiplier of 16 bits. */
static inline int32_t nn_reduced(int32_t multiplier)
{
    return multiplier < 0x7FFF0000 ? (multiplier + (1 << 15)) >> 16 : 0x7FFF;
}

/*
 * A sum back to the scale of the output: value * multiplier * 2^(shift - 31), the multiplier cut to 16 bits, rounded once,
 * halves up (MultiplyByQuantizedMultiplier of int64 in TensorFlow Lite). multiplier: not negative; shift: 14 at most.
 */
static inline int32_t nn_requantize_wide(int64_t value, int32_t multiplier, int32_t shift)
{
    const int64_t twice = (int64_t)((uint64_t)value * (uint32_t)nn_reduced(multiplier)) >> (14 - shift);
    return (int32_t)((twice + 1) >> 1);
}

/*
 * The same for a sum of 32 bits and shifts of -17 to -1. The reduced multiplier has room for 17 + shift bits more; with them, what
 * is asked for is the high word of the product, rounded half up: SMMULR.
 */
struct nn_narrow_scale {
    int32_t multiplier, places;
};

static inline struct nn_narrow_scale nn_narrow_scale_of(int32_t multiplier, int32_t shift)
{
    const uint32_t reduced = (uint32_t)nn_reduced(multiplier);
    return (struct nn_narrow_scale){(int32_t)(NN_DSP ? reduced << (17 + shift) : reduced), -1 - shift};
}

static inline int32_t nn_requantize_narrow(int32_t value, struct nn_narrow_scale scale)
{
#if NN_DSP
    return nn_high_multiply_rounded(value, scale.multiplier);
#else
    /* Of the product's 47 bits the lower 16 matter where the rest is not shifted; elsewhere half of the last place lies above. */
    const uint32_t low = ((uint32_t)value & 0xFFFFu) * (uint32_t)scale.multiplier;
    const int32_t high = (value >> 16) * scale.multiplier;
    if (scale.places == 0) {
        return high + (int32_t)((low + 0x8000u) >> 16);
    }
    return (high + (int32_t)(low >> 16) + (1 << (scale.places - 1))) >> scale.places;
#endif
}

/* Four channels whose sums have 32 bits and begin at `start`. */
struct nn_narrow_channels {
    int32_t start[4];
    struct nn_narrow_scale scale[4];
};

static inline int16_t nn_narrow_output(int32_t sum, struct nn_narrow_scale scale)
{
    const int32_t scaled = nn_requantize_narrow(sum, scale);
#if NN_DSP
    return (int16_t)__ssat(scaled, 16);
#else
    return (int16_t)nn_clamp(scaled, INT16_MIN, INT16_MAX);
#endif
}

/* Bounds other than those of int16 are rare, so that loops may leave them to this. */
void nn_clamp_outputs(int16_t *outputs, int32_t count, cmsis_nn_activation bounds);

/*
 * Whether narrow scales serve a channel: its shift, and that sums of products with `count` weights and the bias have 32 bits.
 * weights: NULL where they may be any.
 */
int nn_is_narrow(const int8_t *weights, int32_t count, int64_t bias, int32_t shift);

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

/*
 * Without the DSP extension: adds products of `count` inputs, 1 at least, and as many weights of four channels, `step` apart, to sums
 * that have room for them.
 */
void nn_add_four(int32_t sums[4], const int16_t *input, const int8_t *weights, int32_t step, int32_t count);

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

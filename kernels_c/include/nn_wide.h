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
 * halves up (MultiplyByQuantizedMultiplier of int64 in TensorFlow Lite). shift: 14 at most.
 */
static inline int32_t nn_requantize_wide(int64_t value, int32_t multiplier, int32_t shift)
{
    const int32_t reduced = multiplier < 0x7FFF0000 ? (multiplier + (1 << 15)) >> 16 : 0x7FFF;
    const int32_t power = 15 - shift;
    const uint64_t product = (uint64_t)value * (uint64_t)(int64_t)reduced;
    return (int32_t)((int64_t)(product + ((uint64_t)1 << (power - 1))) >> power);
}

/* A bias of 32 bits asks for 32 bits throughout. */
static inline int nn_is_narrow(const cmsis_nn_bias_data *bias)
{
    return bias && bias->data && bias->is_int32_bias;
}

static inline int64_t nn_bias_of(const cmsis_nn_bias_data *bias, int32_t channel)
{
    if (!bias || !bias->data) {
        return 0;
    }
    return bias->is_int32_bias ? ((const int32_t *)bias->data)[channel] : ((const int64_t *)bias->data)[channel];
}

/* What becomes of the products' sum of an output channel. */
static inline int16_t nn_wide_output(int64_t sum, const cmsis_nn_bias_data *bias, int32_t channel, int32_t multiplier,
                                     int32_t shift, const cmsis_nn_activation *bounds)
{
    sum += nn_bias_of(bias, channel);
    const int32_t scaled = nn_is_narrow(bias) ? nn_requantize((int32_t)sum, multiplier, shift)
                                              : nn_requantize_wide(sum, multiplier, shift);
    return (int16_t)nn_clamp(scaled, bounds->min, bounds->max);
}

/* Whether a fully connected layer of int16 can be computed: no offsets, and something to compute. */
static inline int nn_wide_dense_is_sound(const cmsis_nn_fc_params *params, int32_t vectors, int32_t depth, int32_t rows)
{
    return vectors > 0 && depth > 0 && rows > 0 && params->input_offset == 0 && params->filter_offset == 0 &&
           params->output_offset == 0 && params->activation.min <= params->activation.max;
}

#if NN_DSP

/* Four inputs as the pairs {0, 2} and {1, 3}, as words of weights are spread. */
struct nn_four_inputs {
    uint32_t even, odd;
};

static inline struct nn_four_inputs nn_four_inputs_of(const int16_t *input)
{
    const uint32_t first = nn_load_word((const int8_t *)input), second = nn_load_word((const int8_t *)(input + 2));
    return (struct nn_four_inputs){nn_low_halves(first, second), nn_high_halves(first, second)};
}

static inline int32_t nn_multiply_four(struct nn_four_inputs inputs, const int8_t *weights, int32_t sum)
{
    const uint32_t four = nn_load_word(weights);
    sum = nn_multiply_pairs(inputs.even, nn_even_bytes(four), sum);
    return nn_multiply_pairs(inputs.odd, nn_odd_bytes(four), sum);
}

#endif

/* Products of `count` (NN_WIDE_RUN at most) inputs with two rows of weights, the second `step` behind the first. */
static inline void nn_two_runs(int32_t sums[2], const int16_t *input, const int8_t *weights, int32_t step, int32_t count)
{
    const int8_t *other = weights + step;
    int32_t first = 0, second = 0;
#if NN_DSP
    for (; count >= 4; count -= 4, input += 4, weights += 4, other += 4) {
        const struct nn_four_inputs inputs = nn_four_inputs_of(input);
        first = nn_multiply_four(inputs, weights, first);
        second = nn_multiply_four(inputs, other, second);
    }
#endif
    for (; count > 0; count--) {
        const int32_t value = *input++;
        first += value * *weights++;
        second += value * *other++;
    }
    sums[0] = first;
    sums[1] = second;
}

/* The same added to sums of 64 bits, of any count. */
static inline void nn_add_two_runs(int64_t sums[2], const int16_t *input, const int8_t *weights, int32_t step, int32_t count)
{
    while (count > 0) {
        const int32_t now = count < NN_WIDE_RUN ? count : NN_WIDE_RUN;
        int32_t parts[2];
        nn_two_runs(parts, input, weights, step, now);
        sums[0] += parts[0];
        sums[1] += parts[1];
        count -= now;
        input += now;
        weights += now;
    }
}

#endif

/*
 * What the sparse kernels share: sums over weights of which most are zero (nn_extra.h, nn_sparse_weights); not for users.
 *
 * An entry of a row is a step, 0 to 255, and a value: move on by so many inputs, and multiply that input by the value. A gap
 * wider than a step has entries of value 0 on its way, so that no loop asks.
 */
#ifndef NN_SPARSE_H
#define NN_SPARSE_H

#include "nn_convolve.h"
#include "nn_dsp.h"
#include "nn_extra.h"

/* One input vector, one row of `count` entries: the sum of their products, and `sum`. */
int32_t nn_sparse_row(const int8_t *input, const uint8_t *steps, const int8_t *values, int32_t count, int32_t sum);

/*
 * One input vector, four rows that have their entries, a multiple of four, at the same places. Two entries a and b have their
 * values like this: a0 a1 b0 b1 a2 a3 b2 b3, at addresses of words. Adds to `sums`.
 */
void nn_sparse_fours(const int8_t *input, const uint8_t *steps, const int8_t *values, int32_t count, int32_t *sums);

/*
 * Four pixels and one row of entries. The pixels' inputs lie side by side, NN_SPARSE_BYTES for each place: bytes, or where that
 * makes one multiplication of two, numbers 65536 * p1 + p0 and 65536 * p3 + p2; two values in a row are not both -128. Adds to
 * `sums`.
 */
#if NN_DSP
#define NN_SPARSE_BYTES 4
#else
#define NN_SPARSE_BYTES 8
#endif
void nn_sparse_pixels(const uint32_t *pixels, const uint8_t *steps, const int8_t *values, int32_t count, int32_t *sums);

/* All channels of four pixels. `fits`: whether nn_scale.h can scale all of them; bounds of the activation are then left out. */
void nn_sparse_channels(const struct nn_convolution *layer, const nn_sparse_weights *weights, int fits,
                        const uint32_t *pixels, int8_t *const outputs[4]);

/* What nn_scale.h says, for a sum as it is. */
static inline int8_t nn_sparse_scaled(int32_t sum, const struct nn_scale *scale)
{
#if NN_DSP
    return (int8_t)nn_scaled(2 * sum, scale);
#else
    const int32_t high = nn_doubling_high_multiply(sum, scale->multiplier);
    return (int8_t)nn_clamp((high + (sum >> 31) + scale->add) >> scale->shift, -128, 127);
#endif
}

static inline int8_t nn_sparse_requantized(const struct nn_convolution *layer, int32_t channel, int32_t sum)
{
    const cmsis_nn_activation bounds = layer->params->activation;
    const int32_t scaled = nn_requantize(sum, layer->quant->multiplier[channel], layer->quant->shift[channel]);
    return (int8_t)nn_clamp(scaled + layer->params->output_offset, bounds.min, bounds.max);
}

#endif

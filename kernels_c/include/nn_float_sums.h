/*
 * Sums of products of float32, in the order in which the elements lie (nn_float.h).
 *
 * With an FPU two pixels times four channels go side by side: six loads for eight products, and no sum waits for the one
 * before. Without one each product is two calls, and one sum at a time keeps everything else in registers.
 */
#ifndef NN_FLOAT_SUMS_H
#define NN_FLOAT_SUMS_H

#include "nn_float_order.h"

/* What an output sees: rows of runs of elements that lie together. Steps are elements, to the next row and the next run. */
struct nn_float_taps {
    int32_t rows, runs, length;
    int32_t input_row, input_run, filter_row, filter_run;
};

/* Channels of an output, whose weights lie `size` elements apart. */
struct nn_float_channels {
    const float *bias; /* of the first one, or NULL */
    int32_t count;
    int32_t size;
    nn_activation_f32 bounds;
};

NN_INLINE float nn_float_finished(const struct nn_float_channels *channels, int32_t channel, float sum)
{
    return nn_float_bounded(channels->bias ? sum + channels->bias[channel] : sum, channels->bounds);
}

/* The outputs of one pixel, or of two neighbours where `second` is not NULL, which are written `step` elements apart. */
void nn_float_outputs(const struct nn_float_taps *taps, const struct nn_float_channels *channels, const float *first,
                      const float *second, const float *filter, float *output, int32_t step);

#endif

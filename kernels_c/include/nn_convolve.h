/* What the files of the convolution share; not for users. */
#ifndef NN_CONVOLVE_H
#define NN_CONVOLVE_H

#include "arm_nn_types.h"
#include "nn_requantize.h"

/* A layer as its parts see it. `filter.c` is the input channels of a group. */
struct nn_convolution {
    const cmsis_nn_conv_params *params;
    const cmsis_nn_per_channel_quant_params *quant;
    cmsis_nn_dims input, filter, output;
    const int8_t *input_data;
    const int8_t *filter_data;
    const int32_t *bias;
    int8_t *output_data;
    void *scratch;
    int32_t group_outputs;
};

/* Filter taps first..end along one axis that fall inside the input, for the tap at place `origin`. */
struct nn_taps {
    int32_t first;
    int32_t end;
};

static inline struct nn_taps nn_taps_inside(int32_t origin, int32_t dilation, int32_t taps, int32_t size)
{
    struct nn_taps range = {0, taps};
    while (range.first < range.end && origin + range.first * dilation < 0) {
        range.first++;
    }
    while (range.end > range.first && origin + (range.end - 1) * dilation >= size) {
        range.end--;
    }
    return range;
}

static inline int32_t nn_filter_size(const cmsis_nn_dims *filter)
{
    return filter->h * filter->w * filter->c;
}

static inline int32_t nn_round_up(int32_t value, int32_t multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}

/* Output channels first..end in plain C. */
void nn_convolve_plain(const struct nn_convolution *layer, int32_t first, int32_t end);

/* All of it with the DSP extension; scratch as nn_convolve_quads_scratch says. */
void nn_convolve_quads(const struct nn_convolution *layer);
int32_t nn_convolve_quads_scratch(const cmsis_nn_dims *filter);

#endif

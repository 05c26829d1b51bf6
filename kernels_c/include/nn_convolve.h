/* What the files of the convolution share; not for users. */
#ifndef NN_CONVOLVE_H
#define NN_CONVOLVE_H

#include "arm_nn_types.h"
#include "nn_requantize.h"
#include "nn_scale.h"

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
    int32_t first = origin < 0 ? -origin : 0, end = size - origin;
    if (dilation != 1) {
        first = (first + dilation - 1) / dilation;
        end = end > 0 ? (end + dilation - 1) / dilation : 0;
    }
    end = end < taps ? end : taps;
    first = first < taps ? first : taps;
    return (struct nn_taps){first, end > first ? end : first};
}

static inline int32_t nn_filter_size(const cmsis_nn_dims *filter)
{
    return filter->h * filter->w * filter->c;
}

static inline int32_t nn_round_up(int32_t value, int32_t multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}

static inline int32_t nn_smaller(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* Output channels first..end in plain C. */
void nn_convolve_plain(const struct nn_convolution *layer, int32_t first, int32_t end);

/* All of it in C and a loop for small cores, for at least four outputs in a group. */
void nn_convolve_fours(const struct nn_convolution *layer);
int32_t nn_convolve_fours_scratch(const cmsis_nn_dims *filter);
int32_t nn_convolve_fours_walk(const struct nn_convolution *layer); /* nn_walks.h */

/*
 * All of it with the DSP extension. In place: all input channels are one group, their number is a multiple of 4, and taps
 * of a row are neighbours.
 */
void nn_convolve_dsp(const struct nn_convolution *layer);
int32_t nn_convolve_dsp_scratch(const cmsis_nn_dims *filter, int in_place);
int32_t nn_convolve_dsp_walk(const struct nn_convolution *layer); /* nn_walks.h */

/* Its two ways, bounds of the activation left out; quads go in place only, octets need four outputs in a group. */
void nn_convolve_quads(const struct nn_convolution *layer);
int32_t nn_convolve_quads_scratch(const cmsis_nn_dims *filter);
void nn_convolve_octets(const struct nn_convolution *layer);
int32_t nn_convolve_octets_scratch(const cmsis_nn_dims *filter);
int32_t nn_convolve_octets_walk(const struct nn_convolution *layer); /* nn_walks.h */
int nn_convolve_octets_pay(const cmsis_nn_dims *filter);

static inline int nn_goes_in_place(const cmsis_nn_conv_params *params, const cmsis_nn_dims *input,
                                   const cmsis_nn_dims *filter)
{
    return filter->c == input->c && filter->c % 4 == 0 && (params->dilation.w == 1 || filter->w == 1);
}

static inline struct nn_scale nn_channel_scale(const struct nn_convolution *layer, int32_t channel)
{
    return nn_scale_of(layer->quant->multiplier[channel], layer->quant->shift[channel], layer->params->output_offset);
}

/* Whether channels first..end can be scaled as nn_scale.h does. */
static inline int nn_channels_fit(const struct nn_convolution *layer, int32_t first, int32_t end)
{
    const int32_t count = nn_filter_size(&layer->filter);
    for (int32_t channel = first; channel < end; channel++) {
        if (!nn_scale_fits(layer->quant->multiplier[channel], layer->quant->shift[channel],
                           layer->bias ? layer->bias[channel] : 0, count)) {
            return 0;
        }
    }
    return 1;
}

/*
 * Whether a channel's output is `*value` whatever the input: scaling rises with the sum, so that it is enough to look at the least
 * and the greatest. Trained networks have such channels: weights near zero, whose scale is next to nothing.
 */
static inline int nn_channel_is_constant(const struct nn_convolution *layer, int32_t channel, int8_t *value)
{
    const int32_t multiplier = layer->quant->multiplier[channel], shift = layer->quant->shift[channel];
    const int32_t count = nn_filter_size(&layer->filter), bias = layer->bias ? layer->bias[channel] : 0;
    const int32_t reach = count * 255 * 128;
    if (multiplier < 0 || shift > 0 || count > 16384 || bias > INT32_MAX - reach || bias < INT32_MIN + reach) {
        return 0;
    }
    const int32_t offset = layer->params->output_offset;
    const cmsis_nn_activation bounds = layer->params->activation;
    const int32_t least = nn_clamp(nn_requantize(bias - reach, multiplier, shift) + offset, bounds.min, bounds.max);
    *value = (int8_t)least;
    return least == nn_clamp(nn_requantize(bias + reach, multiplier, shift) + offset, bounds.min, bounds.max);
}

#endif

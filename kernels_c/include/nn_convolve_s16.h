/* What the files of the convolution of int16 share; not for users. */
#ifndef NN_CONVOLVE_S16_H
#define NN_CONVOLVE_S16_H

#include "nn_convolve.h"
#include "nn_wide.h"

/* A layer as its parts see it. `filter.c` is the input channels of a group, `filter.n` all output channels. */
struct nn_convolution_s16 {
    const cmsis_nn_conv_params *params;
    cmsis_nn_dims input, filter, output;
    const int16_t *input_data;
    const int8_t *filter_data;
    struct nn_wide_channels channels;
    int16_t *output_data;
    void *scratch;
    int32_t group_outputs;
};

/* Output channels first..end, all of one group, whatever their sums, without scratch memory. */
void nn_convolve_s16_any(const struct nn_convolution_s16 *layer, int32_t first, int32_t end);

/* All of it: channels whose sums have 32 bits share inputs that are gathered in scratch memory. The bias has 64 bits. */
void nn_convolve_s16_gathered(const struct nn_convolution_s16 *layer);
int32_t nn_convolve_s16_scratch(const cmsis_nn_dims *filter);

/*
 * Two pixels and four channels, with the DSP extension: adds products of 2 * `steps` inputs of each pixel, at any address, with as
 * many weights of each channel. The panel holds pairs of weights as int16, of channels a b c d and then the next pairs; sums are
 * those of a, for pixels 0 and 1, and then of b, c, d.
 */
void nn_add_octet(int32_t sums[8], const int16_t *input_0, const int16_t *input_1, const uint32_t *panel, int32_t steps);

#endif

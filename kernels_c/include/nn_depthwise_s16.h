/* What the files of the depthwise convolution of int16 share; not for users. */
#ifndef NN_DEPTHWISE_S16_H
#define NN_DEPTHWISE_S16_H

#include "nn_wide.h"

struct nn_depthwise_s16 {
    const cmsis_nn_dw_conv_params *params;
    cmsis_nn_dims input, filter, output;
    const int16_t *input_data;
    const int8_t *filter_data;
    struct nn_wide_channels channels;
    int16_t *output_data;
    void *scratch;
};

/* Output channels first..end, whatever their taps and sums, without scratch memory. */
void nn_depthwise_s16_taps(const struct nn_depthwise_s16 *layer, int32_t first, int32_t end);

/* All of a layer of 3 x 3 taps, or 0 where tiles do not serve; with the DSP extension. */
int nn_depthwise_s16_in_tiles(const struct nn_depthwise_s16 *layer);
int32_t nn_depthwise_s16_scratch(const cmsis_nn_dims *input, const cmsis_nn_dims *filter);

#endif

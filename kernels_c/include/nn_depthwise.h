/* What the files of the depthwise convolution share; not for users. */
#ifndef NN_DEPTHWISE_H
#define NN_DEPTHWISE_H

#include "nn_convolve.h"

/* A layer as its parts see it. */
struct nn_depthwise {
    const cmsis_nn_dw_conv_params *params;
    const cmsis_nn_per_channel_quant_params *quant;
    cmsis_nn_dims input, filter, output;
    const int8_t *input_data;
    const int8_t *filter_data;
    const int32_t *bias;
    int8_t *output_data;
    void *scratch;
};

/* Output channels first..end in plain C. */
void nn_depthwise_plain(const struct nn_depthwise *layer, int32_t first, int32_t end);

/* All of it in C for small cores: ch_mult 1, at least four channels. */
void nn_depthwise_fours(const struct nn_depthwise *layer);

/* All of it with the DSP extension; scratch as nn_depthwise_dsp_scratch says. */
void nn_depthwise_dsp(const struct nn_depthwise *layer);
int32_t nn_depthwise_dsp_scratch(const cmsis_nn_dims *input, const cmsis_nn_dims *filter);
int32_t nn_depthwise_dsp_walk(const struct nn_depthwise *layer); /* nn_walks.h */

#endif

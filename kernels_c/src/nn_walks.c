#include "nn_walks.h"

#include "nn_convolve.h"
#include "nn_depthwise.h"
#include "nn_dsp.h"

int32_t nn_convolve_walk(NN_WALK_ARGUMENTS(cmsis_nn_conv_params))
{
    struct nn_convolution layer = {
        .params = params,
        .quant = quant,
        .input = *input_dims,
        .filter = *filter_dims,
        .output = *output_dims,
        .bias = bias,
        .group_outputs = output_dims->c / (input_dims->c / filter_dims->c),
    };
    layer.filter.n = output_dims->c;
    if (NN_DSP) {
        return nn_convolve_dsp_walk(&layer);
    }
    return layer.group_outputs >= 4 ? nn_convolve_fours_walk(&layer) : NN_WALK(NN_UNBUFFERED, 1);
}

/* Four pixels are gathered before any of them is written; a single one may be read where it lies. */
int32_t nn_convolve_sparse_walk(int32_t rows)
{
    return rows == 1 ? NN_WALK(NN_BUFFERED, 4) : NN_WALK(NN_UNBUFFERED, 1);
}

int32_t nn_depthwise_walk(NN_WALK_ARGUMENTS(cmsis_nn_dw_conv_params))
{
    const struct nn_depthwise layer = {
        .params = params,
        .quant = quant,
        .input = *input_dims,
        .filter = *filter_dims,
        .output = *output_dims,
        .bias = bias,
    };
    return NN_DSP && params->ch_mult == 1 ? nn_depthwise_dsp_walk(&layer) : NN_WALK(NN_UNBUFFERED, 1);
}

/* The depthwise convolutions of the interface: their arguments are checked here and calculated elsewhere. */
#include <stddef.h>

#include "arm_nnfunctions.h"
#include "nn_depthwise.h"
#include "nn_dsp.h"

static int is_sound(const struct nn_depthwise *layer)
{
    const cmsis_nn_dw_conv_params *params = layer->params;
    const cmsis_nn_dims *in = &layer->input, *out = &layer->output;
    return in->n > 0 && in->h > 0 && in->w > 0 && in->c > 0 && out->n == in->n && out->h > 0 && out->w > 0 &&
           layer->filter.h > 0 && layer->filter.w > 0 && params->ch_mult > 0 && out->c == in->c * params->ch_mult &&
           params->stride.h > 0 && params->stride.w > 0 && params->dilation.h > 0 && params->dilation.w > 0 &&
           params->padding.h >= 0 && params->padding.w >= 0 && params->input_offset >= -127 &&
           params->input_offset <= 128 && params->output_offset >= -128 && params->output_offset <= 127 &&
           params->activation.min <= params->activation.max;
}

#define ARGUMENTS                                                                                                      \
    const cmsis_nn_context *ctx, const cmsis_nn_dw_conv_params *dw_conv_params,                                        \
        const cmsis_nn_per_channel_quant_params *quant_params, const cmsis_nn_dims *input_dims,                        \
        const int8_t *input_data, const cmsis_nn_dims *filter_dims, const int8_t *filter_data,                         \
        const cmsis_nn_dims *bias_dims, const int32_t *bias_data, const cmsis_nn_dims *output_dims,                    \
        int8_t *output_data
#define PASSED                                                                                                         \
    ctx, dw_conv_params, quant_params, input_dims, input_data, filter_dims, filter_data, bias_dims, bias_data,         \
        output_dims, output_data

static struct nn_depthwise layer_of(ARGUMENTS)
{
    (void)bias_dims;
    return (struct nn_depthwise){
        .params = dw_conv_params,
        .quant = quant_params,
        .input = *input_dims,
        .filter = *filter_dims,
        .output = *output_dims,
        .input_data = input_data,
        .filter_data = filter_data,
        .bias = bias_data,
        .output_data = output_data,
        .scratch = ctx->buf,
    };
}

arm_cmsis_nn_status arm_depthwise_conv_s8(ARGUMENTS)
{
    const struct nn_depthwise layer = layer_of(PASSED);
    if (!is_sound(&layer)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    nn_depthwise_plain(&layer, 0, layer.output.c);
    return ARM_CMSIS_NN_SUCCESS;
}

arm_cmsis_nn_status arm_depthwise_conv_s8_opt(ARGUMENTS)
{
    const struct nn_depthwise layer = layer_of(PASSED);
    if (!is_sound(&layer) || layer.params->ch_mult != 1 || (NN_DSP && layer.scratch == NULL)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
#if NN_DSP
    nn_depthwise_dsp(&layer);
#else
    if (layer.output.c >= 4) {
        nn_depthwise_fours(&layer);
    } else {
        nn_depthwise_plain(&layer, 0, layer.output.c);
    }
#endif
    return ARM_CMSIS_NN_SUCCESS;
}

arm_cmsis_nn_status arm_depthwise_conv_3x3_s8(ARGUMENTS)
{
    if (filter_dims->h != 3 || filter_dims->w != 3 || dw_conv_params->padding.h > 1 || dw_conv_params->padding.w > 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    if (ctx->buf == NULL && dw_conv_params->ch_mult == 1) {
        return arm_depthwise_conv_s8(PASSED);
    }
    return arm_depthwise_conv_s8_opt(PASSED);
}

arm_cmsis_nn_status arm_depthwise_conv_wrapper_s8(ARGUMENTS)
{
    return dw_conv_params->ch_mult == 1 ? arm_depthwise_conv_s8_opt(PASSED) : arm_depthwise_conv_s8(PASSED);
}

int32_t arm_depthwise_conv_s8_opt_get_buffer_size(const cmsis_nn_dims *input_dims, const cmsis_nn_dims *filter_dims)
{
    return NN_DSP ? nn_depthwise_dsp_scratch(input_dims, filter_dims) : 0;
}

#define SIZE_ARGUMENTS                                                                                                 \
    const cmsis_nn_dw_conv_params *dw_conv_params, const cmsis_nn_dims *input_dims, const cmsis_nn_dims *filter_dims,  \
        const cmsis_nn_dims *output_dims

int32_t arm_depthwise_conv_wrapper_s8_get_buffer_size(SIZE_ARGUMENTS)
{
    return NN_DSP ? arm_depthwise_conv_wrapper_s8_get_buffer_size_dsp(dw_conv_params, input_dims, filter_dims, output_dims)
                  : 0;
}

int32_t arm_depthwise_conv_wrapper_s8_get_buffer_size_dsp(SIZE_ARGUMENTS)
{
    (void)output_dims;
    return dw_conv_params->ch_mult == 1 ? nn_depthwise_dsp_scratch(input_dims, filter_dims) : 0;
}

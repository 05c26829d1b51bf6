/* The depthwise convolutions of int16 of the interface: their arguments are checked here and calculated elsewhere. */
#include "arm_nnfunctions.h"
#include "nn_depthwise_s16.h"

static int is_sound(const struct nn_depthwise_s16 *layer)
{
    const cmsis_nn_dw_conv_params *params = layer->params;
    const cmsis_nn_dims *in = &layer->input, *out = &layer->output, *filter = &layer->filter;
    return in->n > 0 && in->h > 0 && in->w > 0 && in->c > 0 && out->n == in->n && out->h > 0 && out->w > 0 &&
           filter->h > 0 && filter->w > 0 && filter->w <= NN_WIDE_RUN && params->ch_mult > 0 &&
           out->c == in->c * params->ch_mult && params->stride.h > 0 && params->stride.w > 0 && params->dilation.h > 0 &&
           params->dilation.w > 0 && params->padding.h >= 0 && params->padding.w >= 0 && params->input_offset == 0 &&
           params->output_offset == 0 && params->activation.min <= params->activation.max;
}

#define ARGUMENTS                                                                                                      \
    const cmsis_nn_context *ctx, const cmsis_nn_dw_conv_params *dw_conv_params,                                        \
        const cmsis_nn_per_channel_quant_params *quant_params, const cmsis_nn_dims *input_dims,                        \
        const int16_t *input_data, const cmsis_nn_dims *filter_dims, const int8_t *filter_data,                        \
        const cmsis_nn_dims *bias_dims, const int64_t *bias_data, const cmsis_nn_dims *output_dims,                    \
        int16_t *output_data
#define PASSED                                                                                                         \
    ctx, dw_conv_params, quant_params, input_dims, input_data, filter_dims, filter_data, bias_dims, bias_data,         \
        output_dims, output_data

arm_cmsis_nn_status arm_depthwise_conv_s16(ARGUMENTS)
{
    (void)bias_dims;
    const cmsis_nn_bias_data bias = {bias_data, false};
    const struct nn_depthwise_s16 layer = {
        .params = dw_conv_params,
        .input = *input_dims,
        .filter = *filter_dims,
        .output = *output_dims,
        .input_data = input_data,
        .filter_data = filter_data,
        .channels = {&bias, quant_params->multiplier, quant_params->shift, 1, dw_conv_params->activation},
        .output_data = output_data,
        .scratch = ctx->buf,
    };
    if (!is_sound(&layer)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    if (!nn_depthwise_s16_in_tiles(&layer)) {
        nn_depthwise_s16_taps(&layer, 0, output_dims->c);
    }
    return ARM_CMSIS_NN_SUCCESS;
}

arm_cmsis_nn_status arm_depthwise_conv_fast_s16(ARGUMENTS)
{
    return dw_conv_params->ch_mult == 1 ? arm_depthwise_conv_s16(PASSED) : ARM_CMSIS_NN_ARG_ERROR;
}

arm_cmsis_nn_status arm_depthwise_conv_wrapper_s16(ARGUMENTS)
{
    return arm_depthwise_conv_s16(PASSED);
}

int32_t arm_depthwise_conv_fast_s16_get_buffer_size(const cmsis_nn_dims *input_dims, const cmsis_nn_dims *filter_dims)
{
    return nn_depthwise_s16_scratch(input_dims, filter_dims);
}

#define SIZE_ARGUMENTS                                                                                                 \
    const cmsis_nn_dw_conv_params *dw_conv_params, const cmsis_nn_dims *input_dims, const cmsis_nn_dims *filter_dims,  \
        const cmsis_nn_dims *output_dims

int32_t arm_depthwise_conv_wrapper_s16_get_buffer_size(SIZE_ARGUMENTS)
{
    (void)output_dims;
    return dw_conv_params->ch_mult == 1 ? nn_depthwise_s16_scratch(input_dims, filter_dims) : 0;
}

int32_t arm_depthwise_conv_wrapper_s16_get_buffer_size_dsp(SIZE_ARGUMENTS)
{
    return arm_depthwise_conv_wrapper_s16_get_buffer_size(dw_conv_params, input_dims, filter_dims, output_dims);
}

/* The convolutions of int16 of the interface: their arguments are checked here and calculated elsewhere. */
#include "arm_nnfunctions.h"
#include "nn_convolve_s16.h"

static int is_sound(const struct nn_convolution_s16 *layer)
{
    const cmsis_nn_conv_params *params = layer->params;
    const cmsis_nn_dims *in = &layer->input, *filter = &layer->filter, *out = &layer->output;
    return in->n > 0 && in->h > 0 && in->w > 0 && in->c > 0 && out->n == in->n && out->h > 0 && out->w > 0 && out->c > 0 &&
           filter->h > 0 && filter->w > 0 && filter->c > 0 && in->c % filter->c == 0 &&
           out->c % (in->c / filter->c) == 0 && params->stride.h > 0 && params->stride.w > 0 && params->dilation.h > 0 &&
           params->dilation.w > 0 && params->padding.h >= 0 && params->padding.w >= 0 && params->input_offset == 0 &&
           params->output_offset == 0 && params->activation.min <= params->activation.max;
}

/* Scratch memory serves layers of which several channels share their inputs. */
static void convolve(const struct nn_convolution_s16 *layer)
{
    const cmsis_nn_bias_data *bias = layer->channels.bias;
    const int narrow_bias = bias && bias->data && bias->is_int32_bias;
    if (layer->scratch && layer->group_outputs >= 4 && !narrow_bias) {
        nn_convolve_s16_gathered(layer);
        return;
    }
    for (int32_t first = 0; first < layer->output.c; first += layer->group_outputs) {
        nn_convolve_s16_any(layer, first, first + layer->group_outputs);
    }
}

#define ARGUMENTS                                                                                                      \
    const cmsis_nn_context *ctx, const cmsis_nn_conv_params *conv_params,                                              \
        const cmsis_nn_per_channel_quant_params *quant_params, const cmsis_nn_dims *input_dims,                        \
        const int16_t *input_data, const cmsis_nn_dims *filter_dims, const int8_t *filter_data,                        \
        const cmsis_nn_dims *bias_dims, const cmsis_nn_bias_data *bias_data, const cmsis_nn_dims *output_dims,         \
        int16_t *output_data

arm_cmsis_nn_status arm_convolve_s16(ARGUMENTS)
{
    (void)bias_dims;
    struct nn_convolution_s16 layer = {
        .params = conv_params,
        .input = *input_dims,
        .filter = *filter_dims,
        .output = *output_dims,
        .input_data = input_data,
        .filter_data = filter_data,
        .channels = {bias_data, quant_params->multiplier, quant_params->shift, 1, conv_params->activation},
        .output_data = output_data,
        .scratch = ctx->buf,
    };
    if (!is_sound(&layer)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    layer.filter.n = output_dims->c;
    layer.group_outputs = output_dims->c / (input_dims->c / filter_dims->c);
    convolve(&layer);
    return ARM_CMSIS_NN_SUCCESS;
}

arm_cmsis_nn_status arm_convolve_wrapper_s16(ARGUMENTS)
{
    return arm_convolve_s16(ctx, conv_params, quant_params, input_dims, input_data, filter_dims, filter_data, bias_dims,
                            bias_data, output_dims, output_data);
}

int32_t arm_convolve_s16_get_buffer_size(const cmsis_nn_dims *input_dims, const cmsis_nn_dims *filter_dims)
{
    (void)input_dims;
    return nn_convolve_s16_scratch(filter_dims);
}

#define SIZE_ARGUMENTS                                                                                                 \
    const cmsis_nn_conv_params *conv_params, const cmsis_nn_dims *input_dims, const cmsis_nn_dims *filter_dims,        \
        const cmsis_nn_dims *output_dims

int32_t arm_convolve_wrapper_s16_get_buffer_size(SIZE_ARGUMENTS)
{
    (void)conv_params, (void)input_dims;
    cmsis_nn_dims filter = *filter_dims;
    filter.n = output_dims->c;
    return nn_convolve_s16_scratch(&filter);
}

int32_t arm_convolve_wrapper_s16_get_buffer_size_dsp(SIZE_ARGUMENTS)
{
    return arm_convolve_wrapper_s16_get_buffer_size(conv_params, input_dims, filter_dims, output_dims);
}

/* The convolutions of the interface: their arguments are checked here and calculated elsewhere. */
#include <stddef.h>

#include "arm_nnfunctions.h"
#include "nn_convolve.h"
#include "nn_dsp.h"

static int is_tile(cmsis_nn_tile tile, int32_t least)
{
    return tile.h >= least && tile.w >= least;
}

static int is_shape(const cmsis_nn_dims *dims)
{
    return dims->n > 0 && dims->h > 0 && dims->w > 0 && dims->c > 0;
}

static int is_sound(const struct nn_convolution *layer)
{
    const cmsis_nn_conv_params *params = layer->params;
    return is_tile(params->stride, 1) && is_tile(params->dilation, 1) && is_tile(params->padding, 0) &&
           params->input_offset >= -127 && params->input_offset <= 128 && params->output_offset >= -128 &&
           params->output_offset <= 127 && params->activation.min <= params->activation.max;
}

static arm_cmsis_nn_status convolve(const cmsis_nn_context *ctx, struct nn_convolution *layer)
{
    const int32_t channels = layer->filter.c;
    if (!is_shape(&layer->input) || !is_shape(&layer->output) || layer->filter.h <= 0 || layer->filter.w <= 0 ||
        channels <= 0 || layer->input.c % channels != 0 || layer->input.n != layer->output.n || !is_sound(layer)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const int32_t groups = layer->input.c / channels;
    if (layer->output.c % groups != 0) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    layer->group_outputs = layer->output.c / groups;
    layer->filter.n = layer->output.c;
    layer->scratch = ctx->buf;
#if NN_DSP
    if (ctx->buf == NULL) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    nn_convolve_dsp(layer);
#else
    if (ctx->buf != NULL && layer->group_outputs >= 4) {
        nn_convolve_fours(layer);
    } else {
        nn_convolve_plain(layer, 0, layer->output.c);
    }
#endif
    return ARM_CMSIS_NN_SUCCESS;
}

#define ARGUMENTS                                                                                                      \
    const cmsis_nn_context *ctx, const cmsis_nn_conv_params *conv_params,                                              \
        const cmsis_nn_per_channel_quant_params *quant_params, const cmsis_nn_dims *input_dims,                        \
        const int8_t *input_data, const cmsis_nn_dims *filter_dims, const int8_t *filter_data,                         \
        const cmsis_nn_dims *bias_dims, const int32_t *bias_data
#define PASSED ctx, conv_params, quant_params, input_dims, input_data, filter_dims, filter_data, bias_dims, bias_data

arm_cmsis_nn_status arm_convolve_s8(ARGUMENTS, const cmsis_nn_dims *upscale_dims, const cmsis_nn_dims *output_dims,
                                    int8_t *output_data)
{
    (void)bias_dims;
    if (upscale_dims != NULL) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    struct nn_convolution layer = {
        .params = conv_params,
        .quant = quant_params,
        .input = *input_dims,
        .filter = *filter_dims,
        .output = *output_dims,
        .input_data = input_data,
        .filter_data = filter_data,
        .bias = bias_data,
        .output_data = output_data,
    };
    return convolve(ctx, &layer);
}

arm_cmsis_nn_status arm_convolve_wrapper_s8(ARGUMENTS, const cmsis_nn_dims *output_dims, int8_t *output_data)
{
    return arm_convolve_s8(PASSED, NULL, output_dims, output_data);
}

static int is_one_tap(const cmsis_nn_conv_params *params, const cmsis_nn_dims *input, const cmsis_nn_dims *filter)
{
    return filter->h == 1 && filter->w == 1 && filter->c == input->c && params->padding.h == 0 && params->padding.w == 0;
}

arm_cmsis_nn_status arm_convolve_1x1_s8(ARGUMENTS, const cmsis_nn_dims *output_dims, int8_t *output_data)
{
    if (!is_one_tap(conv_params, input_dims, filter_dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    return arm_convolve_s8(PASSED, NULL, output_dims, output_data);
}

arm_cmsis_nn_status arm_convolve_1x1_s8_fast(ARGUMENTS, const cmsis_nn_dims *output_dims, int8_t *output_data)
{
    if (conv_params->stride.h != 1 || conv_params->stride.w != 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    return arm_convolve_1x1_s8(PASSED, output_dims, output_data);
}

arm_cmsis_nn_status arm_convolve_1_x_n_s8(ARGUMENTS, const cmsis_nn_dims *output_dims, int8_t *output_data)
{
    if (input_dims->h != 1 || filter_dims->h != 1 || conv_params->dilation.w != 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    return arm_convolve_s8(PASSED, NULL, output_dims, output_data);
}

/* The least filter that a scratch memory serves where only its depth is known. */
int32_t arm_convolve_1x1_s8_fast_get_buffer_size(const cmsis_nn_dims *input_dims)
{
    const cmsis_nn_dims filter = {INT16_MAX, 1, 1, input_dims->c};
    return arm_convolve_s8_get_buffer_size(input_dims, &filter);
}

/* The dilation is not known here. */
int32_t arm_convolve_s8_get_buffer_size(const cmsis_nn_dims *input_dims, const cmsis_nn_dims *filter_dims)
{
    if (!NN_DSP) {
        return nn_convolve_fours_scratch(filter_dims);
    }
    const cmsis_nn_conv_params plain = {.dilation = {1, 1}};
    const int32_t gathered = nn_convolve_dsp_scratch(filter_dims, 0);
    if (!nn_goes_in_place(&plain, input_dims, filter_dims)) {
        return gathered;
    }
    const int32_t in_place = nn_convolve_dsp_scratch(filter_dims, 1);
    return filter_dims->w == 1 || in_place > gathered ? in_place : gathered;
}

#define SIZE_ARGUMENTS                                                                                                 \
    const cmsis_nn_conv_params *conv_params, const cmsis_nn_dims *input_dims, const cmsis_nn_dims *filter_dims,        \
        const cmsis_nn_dims *output_dims

int32_t arm_convolve_1_x_n_s8_get_buffer_size(SIZE_ARGUMENTS)
{
    return arm_convolve_wrapper_s8_get_buffer_size(conv_params, input_dims, filter_dims, output_dims);
}

int32_t arm_convolve_wrapper_s8_get_buffer_size(SIZE_ARGUMENTS)
{
    if (!NN_DSP) {
        cmsis_nn_dims filter = *filter_dims;
        filter.n = output_dims->c;
        return nn_convolve_fours_scratch(&filter);
    }
    return arm_convolve_wrapper_s8_get_buffer_size_dsp(conv_params, input_dims, filter_dims, output_dims);
}

int32_t arm_convolve_wrapper_s8_get_buffer_size_dsp(SIZE_ARGUMENTS)
{
    cmsis_nn_dims filter = *filter_dims;
    filter.n = output_dims->c;
    return nn_convolve_dsp_scratch(&filter, nn_goes_in_place(conv_params, input_dims, &filter));
}

/* The transposed convolution: each output gathers the inputs that reach it, so that no sums need memory. */
#include "arm_nnfunctions.h"
#include "nn_dot.h"
#include "nn_reach.h"
#include "nn_requantize.h"

struct layer {
    const cmsis_nn_transpose_conv_params *params;
    const cmsis_nn_dims *input, *filter, *output;
};

static int32_t sum_taps(const struct layer *layer, const int8_t *image, const int8_t *filter, struct nn_reach rows,
                        struct nn_reach columns)
{
    const int32_t channels = layer->input->c;
    int32_t sum = 0;
    for (int32_t i = rows.first, y = rows.input; i < rows.end; i += layer->params->stride.h, y--) {
        for (int32_t j = columns.first, x = columns.input; j < columns.end; j += layer->params->stride.w, x--) {
            sum += nn_dot(image + (y * layer->input->w + x) * channels, filter + (i * layer->filter->w + j) * channels,
                          channels, layer->params->input_offset);
        }
    }
    return sum;
}

static int is_sound(const struct layer *layer)
{
    const cmsis_nn_transpose_conv_params *params = layer->params;
    const cmsis_nn_dims *in = layer->input, *out = layer->output, *filter = layer->filter;
    return in->n > 0 && in->h > 0 && in->w > 0 && in->c > 0 && out->n == in->n && out->h > 0 && out->w > 0 && out->c > 0 &&
           filter->h > 0 && filter->w > 0 && filter->c == in->c && params->stride.h > 0 && params->stride.w > 0 &&
           params->padding.h >= 0 && params->padding.w >= 0 && params->dilation.h == 1 && params->dilation.w == 1 &&
           params->input_offset >= -127 && params->input_offset <= 128 && params->output_offset >= -128 &&
           params->output_offset <= 127 && params->activation.min <= params->activation.max;
}

#define ARGUMENTS                                                                                                      \
    const cmsis_nn_context *ctx, const cmsis_nn_context *output_ctx,                                                   \
        const cmsis_nn_transpose_conv_params *transpose_conv_params,                                                   \
        const cmsis_nn_per_channel_quant_params *quant_params, const cmsis_nn_dims *input_dims,                        \
        const int8_t *input_data, const cmsis_nn_dims *filter_dims, const int8_t *filter_data,                         \
        const cmsis_nn_dims *bias_dims, const int32_t *bias_data, const cmsis_nn_dims *output_dims,                    \
        int8_t *output_data

arm_cmsis_nn_status arm_transpose_conv_s8(ARGUMENTS)
{
    (void)ctx, (void)output_ctx, (void)bias_dims;
    const cmsis_nn_transpose_conv_params *params = transpose_conv_params;
    const struct layer layer = {params, input_dims, filter_dims, output_dims};
    if (!is_sound(&layer)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const int32_t filter_size = filter_dims->h * filter_dims->w * filter_dims->c;
    for (int32_t batch = 0; batch < output_dims->n; batch++) {
        for (int32_t y = 0; y < output_dims->h; y++) {
            const struct nn_reach rows =
                nn_reach_of(y + params->padding.h, params->stride.h, filter_dims->h, input_dims->h);
            for (int32_t x = 0; x < output_dims->w; x++) {
                const struct nn_reach columns =
                    nn_reach_of(x + params->padding.w, params->stride.w, filter_dims->w, input_dims->w);
                for (int32_t channel = 0; channel < output_dims->c; channel++) {
                    int32_t sum = bias_data ? bias_data[channel] : 0;
                    sum += sum_taps(&layer, input_data, filter_data + channel * filter_size, rows, columns);
                    sum = nn_requantize(sum, quant_params->multiplier[channel], quant_params->shift[channel]);
                    *output_data++ = (int8_t)nn_clamp(sum + params->output_offset, params->activation.min,
                                                      params->activation.max);
                }
            }
        }
        input_data += input_dims->h * input_dims->w * input_dims->c;
    }
    return ARM_CMSIS_NN_SUCCESS;
}

arm_cmsis_nn_status arm_transpose_conv_wrapper_s8(ARGUMENTS)
{
    return arm_transpose_conv_s8(ctx, output_ctx, transpose_conv_params, quant_params, input_dims, input_data, filter_dims,
                                 filter_data, bias_dims, bias_data, output_dims, output_data);
}

int32_t arm_transpose_conv_s8_get_buffer_size(const cmsis_nn_transpose_conv_params *transposed_conv_params,
                                              const cmsis_nn_dims *input_dims, const cmsis_nn_dims *filter_dims,
                                              const cmsis_nn_dims *out_dims)
{
    (void)transposed_conv_params, (void)input_dims, (void)filter_dims, (void)out_dims;
    return 0;
}

int32_t arm_transpose_conv_s8_get_reverse_conv_buffer_size(
    const cmsis_nn_transpose_conv_params *transposed_conv_params, const cmsis_nn_dims *input_dims,
    const cmsis_nn_dims *filter_dims)
{
    (void)transposed_conv_params, (void)input_dims, (void)filter_dims;
    return 0;
}

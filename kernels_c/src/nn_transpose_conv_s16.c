/* The transposed convolution of int16: each output gathers the inputs that reach it, four channels at a time. */
#include "nn_extra.h"
#include "nn_reach.h"
#include "nn_wide.h"

struct layer {
    const cmsis_nn_transpose_conv_params *params;
    const cmsis_nn_dims *input, *filter;
};

static void sum_taps(struct nn_wide_sums *sums, const struct layer *layer, const int16_t *image, const int8_t *filter,
                     struct nn_reach rows, struct nn_reach columns)
{
    const int32_t channels = layer->input->c;
    for (int32_t i = rows.first, y = rows.input; i < rows.end; i += layer->params->stride.h, y--) {
        for (int32_t j = columns.first, x = columns.input; j < columns.end; j += layer->params->stride.w, x--) {
            nn_add_runs(sums, image + (y * layer->input->w + x) * channels, filter + (i * layer->filter->w + j) * channels,
                        channels);
        }
    }
}

static int is_sound(const struct layer *layer, const cmsis_nn_dims *out)
{
    const cmsis_nn_transpose_conv_params *params = layer->params;
    const cmsis_nn_dims *in = layer->input, *filter = layer->filter;
    return in->n > 0 && in->h > 0 && in->w > 0 && in->c > 0 && out->n == in->n && out->h > 0 && out->w > 0 && out->c > 0 &&
           filter->h > 0 && filter->w > 0 && filter->c == in->c && params->stride.h > 0 && params->stride.w > 0 &&
           params->padding.h >= 0 && params->padding.w >= 0 && params->dilation.h == 1 && params->dilation.w == 1 &&
           params->input_offset == 0 && params->output_offset == 0 && params->activation.min <= params->activation.max;
}

arm_cmsis_nn_status nn_transpose_conv_s16(const cmsis_nn_transpose_conv_params *params,
                                          const cmsis_nn_per_channel_quant_params *quant, const cmsis_nn_dims *input_dims,
                                          const int16_t *input, const cmsis_nn_dims *filter_dims, const int8_t *filter,
                                          const cmsis_nn_bias_data *bias, const cmsis_nn_dims *output_dims, int16_t *output)
{
    const struct layer layer = {params, input_dims, filter_dims};
    const struct nn_wide_channels channels = {bias, quant->multiplier, quant->shift, 1, params->activation};
    const int32_t size = filter_dims->h * filter_dims->w * filter_dims->c, pixels = output_dims->h * output_dims->w;
    if (!is_sound(&layer, output_dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (int32_t pixel = 0; pixel < output_dims->n * pixels; pixel++, output += output_dims->c) {
        const int32_t y = pixel % pixels / output_dims->w + params->padding.h, x = pixel % output_dims->w + params->padding.w;
        const int16_t *image = input + pixel / pixels * input_dims->h * input_dims->w * input_dims->c;
        const struct nn_reach rows = nn_reach_of(y, params->stride.h, filter_dims->h, input_dims->h);
        const struct nn_reach columns = nn_reach_of(x, params->stride.w, filter_dims->w, input_dims->w);
        for (int32_t channel = 0; channel < output_dims->c; channel += 4) {
            struct nn_wide_sums sums;
            nn_begin_sums(&sums, nn_four_at_most(output_dims->c - channel), size);
            sum_taps(&sums, &layer, image, filter + channel * size, rows, columns);
            nn_wide_outputs(&sums, &channels, channel, output + channel);
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

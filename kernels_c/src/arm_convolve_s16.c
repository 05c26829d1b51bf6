/* The convolution of int16: four output channels at a time, the inputs as they lie. */
#include "arm_nnfunctions.h"
#include "nn_convolve.h"
#include "nn_wide.h"

/* Steps are elements: to the next row of taps, and to the next run in it. */
struct layer {
    const cmsis_nn_conv_params *params;
    const cmsis_nn_dims *input, *filter, *output;
    struct nn_wide_channels channels;
    int32_t group_outputs, filter_size, in_one; /* in_one: neighbouring taps of all input channels are one run */
    int32_t input_row, input_step, filter_row, filter_step;
};

/* What an output sees: rows of runs of inputs, the first at `input` of the image and `filter` of a channel's weights. */
struct view {
    int32_t rows, runs, length;
    int32_t input, filter;
};

static struct view view_of(const struct layer *layer, int32_t y, int32_t x)
{
    const cmsis_nn_conv_params *p = layer->params;
    const int32_t top = y * p->stride.h - p->padding.h, left = x * p->stride.w - p->padding.w;
    const struct nn_taps rows = nn_taps_inside(top, p->dilation.h, layer->filter->h, layer->input->h);
    const struct nn_taps columns = nn_taps_inside(left, p->dilation.w, layer->filter->w, layer->input->w);
    const int32_t taps = columns.end - columns.first, channels = layer->filter->c;
    return (struct view){
        .rows = rows.end - rows.first,
        .runs = layer->in_one ? taps > 0 : taps,
        .length = layer->in_one ? taps * channels : channels,
        .input = rows.first * layer->input_row + columns.first * layer->input_step +
                 (top * layer->input->w + left) * layer->input->c,
        .filter = rows.first * layer->filter_row + columns.first * layer->filter_step,
    };
}

static void sum_taps(struct nn_wide_sums *sums, const struct layer *layer, const int16_t *input, const int8_t *filter,
                     const struct view *view)
{
    for (int32_t i = view->rows; i > 0; i--, input += layer->input_row, filter += layer->filter_row) {
        const int16_t *from = input;
        const int8_t *weights = filter;
        for (int32_t j = view->runs; j > 0; j--, from += layer->input_step, weights += layer->filter_step) {
            nn_add_runs(sums, from, weights, view->length);
        }
    }
}

static void convolve_pixel(const struct layer *layer, const int16_t *input, const int8_t *filter, const struct view *view,
                           int16_t *output)
{
    const int32_t group = layer->group_outputs;
    for (int32_t first = 0; first < layer->output->c; first += group, input += layer->filter->c) {
        for (int32_t channel = first; channel < first + group; channel += 4) {
            struct nn_wide_sums sums;
            nn_begin_sums(&sums, nn_four_at_most(first + group - channel), layer->filter_size);
            sum_taps(&sums, layer, input, filter + channel * layer->filter_size, view);
            nn_wide_outputs(&sums, &layer->channels, channel, output + channel);
        }
    }
}

static int is_sound(const cmsis_nn_conv_params *params, const cmsis_nn_dims *in, const cmsis_nn_dims *filter,
                    const cmsis_nn_dims *out)
{
    return in->n > 0 && in->h > 0 && in->w > 0 && in->c > 0 && out->n == in->n && out->h > 0 && out->w > 0 && out->c > 0 &&
           filter->h > 0 && filter->w > 0 && filter->c > 0 && in->c % filter->c == 0 &&
           out->c % (in->c / filter->c) == 0 && params->stride.h > 0 && params->stride.w > 0 && params->dilation.h > 0 &&
           params->dilation.w > 0 && params->padding.h >= 0 && params->padding.w >= 0 && params->input_offset == 0 &&
           params->output_offset == 0 && params->activation.min <= params->activation.max;
}

static struct layer layer_of(const cmsis_nn_conv_params *params, const cmsis_nn_dims *in, const cmsis_nn_dims *filter,
                             const cmsis_nn_dims *out)
{
    return (struct layer){
        .params = params,
        .input = in,
        .filter = filter,
        .output = out,
        .group_outputs = out->c / (in->c / filter->c),
        .filter_size = nn_filter_size(filter),
        .in_one = params->dilation.w == 1 && filter->c == in->c,
        .input_row = params->dilation.h * in->w * in->c,
        .input_step = params->dilation.w * in->c,
        .filter_row = filter->w * filter->c,
        .filter_step = filter->c,
    };
}

#define ARGUMENTS                                                                                                      \
    const cmsis_nn_context *ctx, const cmsis_nn_conv_params *conv_params,                                              \
        const cmsis_nn_per_channel_quant_params *quant_params, const cmsis_nn_dims *input_dims,                        \
        const int16_t *input_data, const cmsis_nn_dims *filter_dims, const int8_t *filter_data,                        \
        const cmsis_nn_dims *bias_dims, const cmsis_nn_bias_data *bias_data, const cmsis_nn_dims *output_dims,         \
        int16_t *output_data

arm_cmsis_nn_status arm_convolve_s16(ARGUMENTS)
{
    (void)ctx, (void)bias_dims;
    if (!is_sound(conv_params, input_dims, filter_dims, output_dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    struct layer layer = layer_of(conv_params, input_dims, filter_dims, output_dims);
    layer.channels = (struct nn_wide_channels){bias_data, quant_params->multiplier, quant_params->shift, 1,
                                               conv_params->activation};
    for (int32_t batch = 0; batch < output_dims->n; batch++) {
        for (int32_t y = 0; y < output_dims->h; y++) {
            for (int32_t x = 0; x < output_dims->w; x++, output_data += output_dims->c) {
                const struct view view = view_of(&layer, y, x);
                convolve_pixel(&layer, input_data + view.input, filter_data + view.filter, &view, output_data);
            }
        }
        input_data += input_dims->h * input_dims->w * input_dims->c;
    }
    return ARM_CMSIS_NN_SUCCESS;
}

arm_cmsis_nn_status arm_convolve_wrapper_s16(ARGUMENTS)
{
    return arm_convolve_s16(ctx, conv_params, quant_params, input_dims, input_data, filter_dims, filter_data, bias_dims,
                            bias_data, output_dims, output_data);
}

int32_t arm_convolve_s16_get_buffer_size(const cmsis_nn_dims *input_dims, const cmsis_nn_dims *filter_dims)
{
    (void)input_dims, (void)filter_dims;
    return 0;
}

#define SIZE_ARGUMENTS                                                                                                 \
    const cmsis_nn_conv_params *conv_params, const cmsis_nn_dims *input_dims, const cmsis_nn_dims *filter_dims,        \
        const cmsis_nn_dims *output_dims

int32_t arm_convolve_wrapper_s16_get_buffer_size(SIZE_ARGUMENTS)
{
    (void)conv_params, (void)input_dims, (void)filter_dims, (void)output_dims;
    return 0;
}

int32_t arm_convolve_wrapper_s16_get_buffer_size_dsp(SIZE_ARGUMENTS)
{
    return arm_convolve_wrapper_s16_get_buffer_size(conv_params, input_dims, filter_dims, output_dims);
}

/* The convolution of int16: two output channels at a time, the inputs as they lie. */
#include "arm_nnfunctions.h"
#include "nn_convolve.h"
#include "nn_wide.h"

struct layer {
    const cmsis_nn_conv_params *params;
    const cmsis_nn_per_channel_quant_params *quant;
    const cmsis_nn_dims *input, *filter, *output;
    const cmsis_nn_bias_data *bias;
    int32_t group_outputs;
};

/* What an output sees: taps inside the input, of the window whose first tap is at row `top` and column `left`. */
struct view {
    int32_t top, left;
    struct nn_taps rows, columns;
};

static struct view view_of(const struct layer *layer, int32_t y, int32_t x)
{
    const cmsis_nn_conv_params *p = layer->params;
    const int32_t top = y * p->stride.h - p->padding.h, left = x * p->stride.w - p->padding.w;
    return (struct view){top, left, nn_taps_inside(top, p->dilation.h, layer->filter->h, layer->input->h),
                         nn_taps_inside(left, p->dilation.w, layer->filter->w, layer->input->w)};
}

/* Of a channel and of the one whose weights lie `step` behind. Neighbouring taps of all channels are one run. */
static void sum_taps(int64_t sums[2], const struct layer *layer, const int16_t *input, const int8_t *filter, int32_t step,
                     const struct view *view)
{
    const cmsis_nn_tile dilation = layer->params->dilation;
    const int32_t channels = layer->filter->c, pixel = layer->input->c;
    const int32_t at_once = dilation.w == 1 && channels == pixel ? view->columns.end - view->columns.first : 1;
    for (int32_t i = view->rows.first; i < view->rows.end; i++) {
        const int16_t *row = input + (view->top + i * dilation.h) * layer->input->w * pixel;
        for (int32_t j = view->columns.first; j < view->columns.end; j += at_once) {
            nn_add_two_runs(sums, row + (view->left + j * dilation.w) * pixel,
                            filter + (i * layer->filter->w + j) * channels, step, at_once * channels);
        }
    }
}

static void convolve_pixel(const struct layer *layer, const int16_t *image, const int8_t *filter, const struct view *view,
                           int16_t *output)
{
    const int32_t size = nn_filter_size(layer->filter), group = layer->group_outputs;
    int32_t two;
    for (int32_t channel = 0; channel < layer->output->c; channel += two) {
        two = channel + 1 < layer->output->c && (channel + 1) % group != 0 ? 2 : 1;
        int64_t sums[2] = {0, 0};
        sum_taps(sums, layer, image + channel / group * layer->filter->c, filter + channel * size, two == 2 ? size : 0, view);
        for (int32_t i = channel; i < channel + two; i++) {
            output[i] = nn_wide_output(sums[i - channel], layer->bias, i, layer->quant->multiplier[i],
                                       layer->quant->shift[i], &layer->params->activation);
        }
    }
}

static int is_sound(const struct layer *layer)
{
    const cmsis_nn_conv_params *params = layer->params;
    const cmsis_nn_dims *in = layer->input, *out = layer->output, *filter = layer->filter;
    return in->n > 0 && in->h > 0 && in->w > 0 && in->c > 0 && out->n == in->n && out->h > 0 && out->w > 0 && out->c > 0 &&
           filter->h > 0 && filter->w > 0 && filter->c > 0 && in->c % filter->c == 0 &&
           out->c % (in->c / filter->c) == 0 && params->stride.h > 0 && params->stride.w > 0 && params->dilation.h > 0 &&
           params->dilation.w > 0 && params->padding.h >= 0 && params->padding.w >= 0 && params->input_offset == 0 &&
           params->output_offset == 0 && params->activation.min <= params->activation.max;
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
    struct layer layer = {conv_params, quant_params, input_dims, filter_dims, output_dims, bias_data, 0};
    if (!is_sound(&layer)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    layer.group_outputs = output_dims->c / (input_dims->c / filter_dims->c);
    for (int32_t batch = 0; batch < output_dims->n; batch++) {
        for (int32_t y = 0; y < output_dims->h; y++) {
            for (int32_t x = 0; x < output_dims->w; x++, output_data += output_dims->c) {
                const struct view view = view_of(&layer, y, x);
                convolve_pixel(&layer, input_data, filter_data, &view, output_data);
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

/* Convolution of float32: pixel by pixel, in pairs where neighbours see the same taps; channels in groups, as they lie. */
#include "nn_float_sums.h"
#include "nn_float_view.h"

struct layer {
    const nn_conv_params_f32 *params;
    const cmsis_nn_dims *input, *filter, *output;
    const float *filter_data, *bias;
    struct nn_float_taps steps; /* without counts */
    int in_one;                 /* neighbouring taps of all input channels are one run */
};

static struct layer layer_of(const nn_conv_params_f32 *params, const cmsis_nn_dims *input, const cmsis_nn_dims *filter,
                             const float *filter_data, const float *bias, const cmsis_nn_dims *output)
{
    const cmsis_nn_tile dilation = params->dilation;
    struct nn_float_taps steps = {.input_row = dilation.h * input->w * input->c,
                                  .input_run = dilation.w * input->c,
                                  .filter_row = filter->w * filter->c,
                                  .filter_run = filter->c};
    return (struct layer){params, input, filter, output, filter_data, bias, steps,
                          dilation.w == 1 && filter->c == input->c};
}

static struct nn_float_taps taps_of(const struct layer *layer, const struct nn_float_view *view)
{
    struct nn_float_taps taps = layer->steps;
    const int32_t columns = view->columns.end - view->columns.first, channels = layer->filter->c;
    taps.rows = view->rows.end - view->rows.first;
    taps.runs = layer->in_one ? columns > 0 : columns;
    taps.length = layer->in_one ? columns * channels : channels;
    return taps;
}

/* One pixel, or two neighbours (`step` pixels apart in the input; 0: one), of all groups. */
static void put_pixels(const struct layer *layer, const struct nn_float_view *view, const float *image, int32_t step,
                       float *output)
{
    const struct nn_float_taps taps = taps_of(layer, view);
    const int32_t depth = layer->filter->c, groups = layer->input->c / depth, size = nn_filter_size(layer->filter);
    struct nn_float_channels channels = {layer->bias, layer->output->c / groups, size, layer->params->activation};
    const float *filter = layer->filter_data + view->rows.first * taps.filter_row + view->columns.first * taps.filter_run;
    const float *input = image + view->input * layer->input->c + view->rows.first * taps.input_row +
                         view->columns.first * taps.input_run;
    for (int32_t group = 0; group < groups; group++, input += depth) {
        nn_float_outputs(&taps, &channels, input, step ? input + step * layer->input->c : 0, filter, output,
                         layer->output->c);
        filter += channels.count * size;
        output += channels.count;
        channels.bias += channels.bias ? channels.count : 0;
    }
}

static void put_row(const struct layer *layer, const float *image, int32_t y, float *output)
{
    const int32_t width = layer->output->w, stride = layer->params->stride.w;
    for (int32_t x = 0; x < width;) {
        const struct nn_float_view view = nn_float_view_of(layer->params, layer->input, layer->filter, y, x);
        int32_t step = 0;
        if (x + 1 < width) {
            const struct nn_float_view next = nn_float_view_of(layer->params, layer->input, layer->filter, y, x + 1);
            step = nn_float_alike(&view, &next) ? stride : 0;
        }
        put_pixels(layer, &view, image, step, output);
        x += step ? 2 : 1;
        output += (step ? 2 : 1) * layer->output->c;
    }
}

arm_cmsis_nn_status nn_convolve_f32(const nn_conv_params_f32 *params, const cmsis_nn_dims *input_dims, const float *input,
                                    const cmsis_nn_dims *filter_dims, const float *filter, const float *bias,
                                    const cmsis_nn_dims *output_dims, float *output)
{
    if (!nn_float_conv_is_legal(params, input_dims, filter_dims, output_dims) || input_dims->c % filter_dims->c ||
        output_dims->c % (input_dims->c / filter_dims->c)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const struct layer layer = layer_of(params, input_dims, filter_dims, filter, bias, output_dims);
    for (int32_t batch = 0; batch < input_dims->n; batch++) {
        for (int32_t y = 0; y < output_dims->h; y++) {
            put_row(&layer, input, y, output);
            output += output_dims->w * output_dims->c;
        }
        input += input_dims->h * input_dims->w * input_dims->c;
    }
    return ARM_CMSIS_NN_SUCCESS;
}

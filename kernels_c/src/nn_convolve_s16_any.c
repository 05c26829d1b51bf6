/* The convolution of int16 with sums of any size: four output channels at a time, the inputs as they lie. */
#include "nn_convolve_s16.h"

/* Steps are elements: to the next row of taps, and to the next run in it. */
struct steps {
    int32_t input_row, input_run, filter_row, filter_run;
    int in_one; /* neighbouring taps of all input channels are one run */
};

/* What an output sees: rows of runs of inputs, the first at `input` of the image and `filter` of a channel's weights. */
struct view {
    int32_t rows, runs, length;
    int32_t input, filter;
};

static struct steps steps_of(const struct nn_convolution_s16 *layer)
{
    const cmsis_nn_tile dilation = layer->params->dilation;
    const cmsis_nn_dims *in = &layer->input, *filter = &layer->filter;
    return (struct steps){dilation.h * in->w * in->c, dilation.w * in->c, filter->w * filter->c, filter->c,
                          dilation.w == 1 && filter->c == in->c};
}

static struct view view_of(const struct nn_convolution_s16 *layer, const struct steps *steps, int32_t y, int32_t x)
{
    const cmsis_nn_conv_params *p = layer->params;
    const int32_t top = y * p->stride.h - p->padding.h, left = x * p->stride.w - p->padding.w;
    const struct nn_taps rows = nn_taps_inside(top, p->dilation.h, layer->filter.h, layer->input.h);
    const struct nn_taps columns = nn_taps_inside(left, p->dilation.w, layer->filter.w, layer->input.w);
    const int32_t taps = columns.end - columns.first, channels = layer->filter.c;
    return (struct view){
        .rows = rows.end - rows.first,
        .runs = steps->in_one ? taps > 0 : taps,
        .length = steps->in_one ? taps * channels : channels,
        .input = rows.first * steps->input_row + columns.first * steps->input_run +
                 (top * layer->input.w + left) * layer->input.c,
        .filter = rows.first * steps->filter_row + columns.first * steps->filter_run,
    };
}

static void sum_taps(struct nn_wide_sums *sums, const struct steps *steps, const int16_t *input, const int8_t *filter,
                     const struct view *view)
{
    for (int32_t i = view->rows; i > 0; i--, input += steps->input_row, filter += steps->filter_row) {
        const int16_t *from = input;
        const int8_t *weights = filter;
        for (int32_t j = view->runs; j > 0; j--, from += steps->input_run, weights += steps->filter_run) {
            nn_add_runs(sums, from, weights, view->length);
        }
    }
}

void nn_convolve_s16_any(const struct nn_convolution_s16 *layer, int32_t first, int32_t end)
{
    const cmsis_nn_dims *in = &layer->input, *out = &layer->output;
    const struct steps steps = steps_of(layer);
    const int32_t size = nn_filter_size(&layer->filter), pixels = out->h * out->w;
    const int16_t *image = layer->input_data + first / layer->group_outputs * layer->filter.c;
    int16_t *output = layer->output_data;
    for (int32_t pixel = 0; pixel < out->n * pixels; pixel++, output += out->c) {
        const struct view view = view_of(layer, &steps, pixel % pixels / out->w, pixel % out->w);
        const int16_t *input = image + pixel / pixels * in->h * in->w * in->c + view.input;
        for (int32_t channel = first; channel < end; channel += 4) {
            struct nn_wide_sums sums;
            nn_begin_sums(&sums, nn_four_at_most(end - channel), size);
            sum_taps(&sums, &steps, input, layer->filter_data + channel * size + view.filter, &view);
            nn_wide_outputs(&sums, &layer->channels, channel, output + channel);
        }
    }
}

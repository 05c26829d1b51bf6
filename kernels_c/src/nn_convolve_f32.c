/*
 * Convolution of float32: pixel by pixel, in pairs where neighbours see the same taps; inputs as they lie. With an FPU small
 * windows are gathered first, on the stack, so that the products of an output are one run; and many channels go in parts, whose
 * weights stay in the data cache of an M7 for all pixels.
 */
#include "nn_float_sums.h"
#include "nn_float_view.h"

struct layer {
    const nn_conv_params_f32 *params;
    const cmsis_nn_dims *input, *filter, *output;
    const float *filter_data, *bias;
    int32_t first, count; /* channels of each group that are computed */
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
    return (struct layer){.params = params,
                          .input = input,
                          .filter = filter,
                          .output = output,
                          .filter_data = filter_data,
                          .bias = bias,
                          .steps = steps,
                          .in_one = dilation.w == 1 && filter->c == input->c};
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

static struct nn_float_channels channels_of(const struct layer *layer)
{
    return (struct nn_float_channels){layer->bias ? layer->bias + layer->first : 0, layer->count,
                                      nn_filter_size(layer->filter), layer->params->activation};
}

/* One pixel, or two neighbours (`step` pixels apart in the input; 0: one), of all groups. */
static void put_pixels(const struct layer *layer, const struct nn_float_view *view, const float *image, int32_t step,
                       float *output)
{
    const struct nn_float_taps taps = taps_of(layer, view);
    const int32_t depth = layer->filter->c, groups = layer->input->c / depth, size = nn_filter_size(layer->filter);
    const int32_t group_outputs = layer->output->c / groups;
    struct nn_float_channels channels = channels_of(layer);
    const float *filter = layer->filter_data + layer->first * size + view->rows.first * taps.filter_row + view->columns.first * taps.filter_run;
    const float *input = image + view->input * layer->input->c + view->rows.first * taps.input_row +
                         view->columns.first * taps.input_run;
    for (int32_t group = 0; group < groups; group++, input += depth) {
        nn_float_outputs(&taps, &channels, input, step ? input + step * layer->input->c : 0, filter, output + layer->first,
                         layer->output->c);
        filter += group_outputs * size;
        output += group_outputs;
        channels.bias += channels.bias ? group_outputs : 0;
    }
}

/* A row of the output: pixels from `first` up to `end` see all columns of the filter, `inside` is what the first pixel would. */
struct row {
    int32_t y, first, end;
    struct nn_float_view inside;
};

static struct row row_of(const struct layer *layer, int32_t y)
{
    const nn_conv_params_f32 *p = layer->params;
    const int32_t last = layer->input->w - 1 - (layer->filter->w - 1) * p->dilation.w + p->padding.w;
    struct row row = {.y = y, .inside = nn_float_view_of(p, layer->input, layer->filter, y, 0)};
    row.first = (p->padding.w + p->stride.w - 1) / p->stride.w;
    row.end = last < 0 ? 0 : last / p->stride.w + 1;
    row.inside.columns = (struct nn_taps){0, layer->filter->w};
    return row;
}

/* What a pixel sees, and how many pixels of the input further on its neighbour sees the same; 0 where it does not. */
static int32_t pair_of(const struct layer *layer, const struct row *row, int32_t x, struct nn_float_view *view)
{
    if (x < row->first || x >= row->end) {
        *view = nn_float_view_of(layer->params, layer->input, layer->filter, row->y, x);
        return 0;
    }
    *view = row->inside;
    view->input += x * layer->params->stride.w;
    return x + 1 < row->end && x + 1 < layer->output->w ? layer->params->stride.w : 0;
}

static void put_row(const struct layer *layer, const float *image, int32_t y, float *output)
{
    const struct row row = row_of(layer, y);
    for (int32_t x = 0; x < layer->output->w;) {
        struct nn_float_view view;
        const int32_t step = pair_of(layer, &row, x, &view);
        put_pixels(layer, &view, image, step, output);
        x += step ? 2 : 1;
        output += (step ? 2 : 1) * layer->output->c;
    }
}

#if NN_FPU

enum {
    WEIGHTS = 2048,     /* elements of the weights that all pixels go through at once */
    WINDOW = 32,        /* elements of a small window; two of them lie on the stack */
    MANY_CHANNELS = 16, /* from which on it pays to gather windows once for all channels */
};

static int gathers(const struct layer *layer)
{
    return nn_filter_size(layer->filter) <= WINDOW && layer->filter->c == layer->input->c &&
           layer->output->c >= MANY_CHANNELS;
}

/* What a pixel sees, and a neighbour `step` elements further on, in the order of the weights; 0 in the padding. */
static void gather(const struct layer *layer, const struct nn_float_view *view, const float *image, int32_t step,
                   float windows[2][WINDOW])
{
    const struct nn_float_taps taps = taps_of(layer, view);
    const int32_t size = nn_filter_size(layer->filter);
    if (taps.rows * taps.runs * taps.length < size) {
        for (int32_t i = 0; i < size; i++) {
            windows[0][i] = windows[1][i] = 0.0f;
        }
    }
    const float *input = image + view->input * layer->input->c + view->rows.first * taps.input_row +
                         view->columns.first * taps.input_run;
    float *place = windows[0] + view->rows.first * taps.filter_row + view->columns.first * taps.filter_run;
    for (int32_t i = taps.rows; i > 0; i--, input += taps.input_row, place += taps.filter_row) {
        const float *run = input;
        float *to = place;
        for (int32_t j = taps.runs; j > 0; j--, run += taps.input_run) {
            const float *from = run;
            for (int32_t left = taps.length; left > 0; left--, from++, to++) {
                to[0] = from[0];
                to[WINDOW] = from[step];
            }
        }
    }
}

static void put_gathered_row(const struct layer *layer, const float *image, int32_t y, float *output)
{
    const int32_t width = layer->output->w, outputs = layer->output->c, size = nn_filter_size(layer->filter);
    const struct nn_float_taps taps = {.rows = 1, .runs = 1, .length = size};
    const struct nn_float_channels channels = channels_of(layer);
    const float *filter = layer->filter_data + layer->first * size;
    const struct row row = row_of(layer, y);
    float windows[2][WINDOW];
    for (int32_t x = 0; x < width;) {
        struct nn_float_view view;
        const int32_t step = pair_of(layer, &row, x, &view);
        gather(layer, &view, image, step * layer->input->c, windows);
        nn_float_outputs(&taps, &channels, windows[0], step ? windows[1] : 0, filter, output + layer->first, outputs);
        x += step ? 2 : 1;
        output += (step ? 2 : 1) * outputs;
    }
}

/* Channels of a group, of so many, that are computed at once. */
static int32_t channels_at_once(int32_t size, int32_t channels)
{
    const int32_t fours = WEIGHTS / size / 4 * 4;
    return fours < 4 ? 4 : fours < channels ? fours : channels;
}

#else

static int gathers(const struct layer *layer)
{
    (void)layer;
    return 0;
}

static int32_t channels_at_once(int32_t size, int32_t channels)
{
    (void)size;
    return channels;
}

#define put_gathered_row put_row

#endif

static void put_channels(const struct layer *layer, const float *input, float *output)
{
    for (int32_t batch = 0; batch < layer->input->n; batch++) {
        for (int32_t y = 0; y < layer->output->h; y++) {
            (gathers(layer) ? put_gathered_row : put_row)(layer, input, y, output);
            output += layer->output->w * layer->output->c;
        }
        input += layer->input->h * layer->input->w * layer->input->c;
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
    struct layer layer = layer_of(params, input_dims, filter_dims, filter, bias, output_dims);
    const int32_t channels = output_dims->c / (input_dims->c / filter_dims->c);
    const int32_t at_once = channels_at_once(nn_filter_size(filter_dims), channels);
    for (; layer.first < channels; layer.first += at_once) {
        layer.count = channels - layer.first < at_once ? channels - layer.first : at_once;
        put_channels(&layer, input, output);
    }
    return ARM_CMSIS_NN_SUCCESS;
}

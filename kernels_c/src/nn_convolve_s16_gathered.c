/*
 * The convolution of int16 for channels whose sums have 32 bits: four at a time, with the DSP extension for two pixels at once.
 *
 * Inputs are taken as they lie where the taps of a row are one stretch and all inside; other pixels' are gathered to a column first,
 * 0 where padding is. Scales, and with the DSP extension weights spread to int16, are prepared once for all pixels, for as many
 * channels as scratch memory has room for.
 */
#include "nn_convolve_s16.h"
#include "nn_copy.h"

#define GROUP 4 /* channels */
#define PIXELS (NN_DSP ? 2 : 1)
/* Bytes of scratch memory for weights and scales; those of one group are needed anyway. */
#define WEIGHTS_BYTES 5120
/* Shorter runs are gathered: each costs as much as several multiplications, for each group of channels. */
#define LONG_RUN 32

/* Inputs of a pixel: pairs. */
static int32_t column_of(const cmsis_nn_dims *filter)
{
    return nn_round_up(nn_filter_size(filter), 2);
}

/* Words of a group's weights. */
static int32_t panel_of(const cmsis_nn_dims *filter)
{
    return NN_DSP ? column_of(filter) * GROUP / 2 : 0;
}

static int32_t group_bytes(const cmsis_nn_dims *filter)
{
    return (int32_t)sizeof(struct nn_narrow_channels) + 4 * panel_of(filter);
}

/* Groups that are in scratch memory at once. */
static int32_t groups_at_once(const cmsis_nn_dims *filter)
{
    const int32_t room = WEIGHTS_BYTES / group_bytes(filter), wanted = (filter->n + GROUP - 1) / GROUP;
    const int32_t groups = nn_smaller(room, wanted);
    return groups > 0 ? groups : 1;
}

int32_t nn_convolve_s16_scratch(const cmsis_nn_dims *filter)
{
    return groups_at_once(filter) * group_bytes(filter) + PIXELS * 2 * nn_round_up(column_of(filter), 2);
}

/* What pixels have in common: `rows` runs of inputs, which lie behind each other where they are gathered. */
struct source {
    const struct nn_convolution_s16 *layer;
    int16_t *columns;
    int32_t rows, run;
    int32_t row_step;            /* from a row of taps to the next, as the inputs lie */
    int in_place;
    int32_t last_top, last_left; /* of pixels all of whose taps are inside */
};

/* Runs of inputs `row_step` apart, and where their weights begin in a filter. */
struct pixel {
    const int16_t *taps;
    int32_t rows, run, row_step, weights;
    int16_t *output;
};

/* Channels in scratch memory: groups from `first` on, but the last one at `last`, where it may overlap the one before. */
struct block {
    struct nn_narrow_channels *channels;
    uint32_t *panels;
    int32_t panel, groups, first, last;
};

static int32_t place_of(const struct block *block, int32_t group)
{
    return group == block->groups - 1 ? block->last : block->first + GROUP * group;
}

#if NN_DSP

/* Weights of four channels, whose filters are `size` long, in pairs; where that is odd, a weight of 0 ends them. */
static void spread(uint32_t *panel, const int8_t *filters, int32_t size)
{
    for (int32_t i = 0; i < GROUP; i++, filters += size, panel++) {
        const int8_t *from = filters;
        uint32_t *to = panel;
        for (int32_t left = size >> 1; left > 0; left--, from += 2, to += GROUP) {
            *to = nn_low_halves((uint32_t)from[0], (uint32_t)from[1]);
        }
        if (size & 1) {
            *to = (uint16_t)*from;
        }
    }
}

static void multiply_group(const struct source *source, const struct block *block, int32_t group, const struct pixel *pixels)
{
    (void)source;
    const struct nn_narrow_channels *channels = block->channels + group;
    const int16_t *input_0 = pixels[0].taps, *input_1 = pixels[1].taps;
    const uint32_t *panel = block->panels + group * block->panel;
    const int32_t place = place_of(block, group);
    int16_t *output_0 = pixels[0].output + place, *output_1 = pixels[1].output + place;
    int32_t sums[2 * GROUP];
    for (int32_t i = 0; i < GROUP; i++) {
        sums[2 * i] = sums[2 * i + 1] = channels->start[i];
    }
    for (int32_t i = pixels->rows; i > 0; i--, panel += GROUP / 2 * pixels->run) {
        nn_add_octet(sums, input_0, input_1, panel, pixels->run / 2);
        input_0 += pixels[0].row_step;
        input_1 += pixels[1].row_step;
    }
    for (int32_t i = 0; i < GROUP; i++) {
        output_0[i] = nn_narrow_output(sums[2 * i], channels->scale[i]);
        output_1[i] = nn_narrow_output(sums[2 * i + 1], channels->scale[i]);
    }
}

#else

static void multiply_group(const struct source *source, const struct block *block, int32_t group, const struct pixel *pixels)
{
    const struct nn_convolution_s16 *layer = source->layer;
    const struct nn_narrow_channels *channels = block->channels + group;
    const int32_t place = place_of(block, group), size = nn_filter_size(&layer->filter);
    const int8_t *weights = layer->filter_data + place * size + pixels->weights;
    const int16_t *input = pixels->taps;
    int16_t *output = pixels->output + place;
    int32_t sums[GROUP];
    for (int32_t i = 0; i < GROUP; i++) {
        sums[i] = channels->start[i];
    }
    for (int32_t i = pixels->rows; i > 0; i--, input += pixels->row_step, weights += source->run) {
        nn_add_four(sums, input, weights, size, pixels->run);
    }
    for (int32_t i = 0; i < GROUP; i++) {
        output[i] = nn_narrow_output(sums[i], channels->scale[i]);
    }
}

#endif

static void multiply(const struct source *source, const struct block *block, const struct pixel *pixels)
{
    for (int32_t group = 0; group < block->groups; group++) {
        multiply_group(source, block, group, pixels);
    }
}

static int16_t *copy(int16_t *to, const int16_t *from, int32_t count)
{
    if (nn_aligned(to, from)) {
        nn_copy(to, from, 2 * count);
        return to + count;
    }
    for (const int16_t *end = from + count; from < end;) {
        *to++ = *from++;
        NN_STAYS_A_LOOP();
    }
    return to;
}

static int16_t *clear(int16_t *to, int32_t count)
{
    for (; count >= 8; count -= 8) {
        for (int32_t i = 0; i < 8; i++) {
            *to++ = 0;
        }
        NN_STAYS_A_LOOP();
    }
    for (; count > 0; count--) {
        *to++ = 0;
        NN_STAYS_A_LOOP();
    }
    return to;
}

/* The inputs of a pixel near an edge, or whose taps are no long stretches. */
static void gather(const struct source *source, const int16_t *image, int32_t top, int32_t left, int16_t *to)
{
    const struct nn_convolution_s16 *layer = source->layer;
    const cmsis_nn_dims *in = &layer->input, *filter = &layer->filter;
    const cmsis_nn_tile dilation = layer->params->dilation;
    const struct nn_taps rows = nn_taps_inside(top, dilation.h, filter->h, in->h);
    const struct nn_taps columns = nn_taps_inside(left, dilation.w, filter->w, in->w);
    const int32_t taps = columns.end - columns.first, channels = filter->c;
    const int32_t runs = dilation.w == 1 && channels == in->c ? taps > 0 : taps, run = runs ? taps / runs * channels : 0;
    image += (top * in->w + left + columns.first * dilation.w) * in->c;
    to = clear(to, rows.first * filter->w * channels);
    for (int32_t i = rows.first; i < rows.end; i++) {
        const int16_t *from = image + i * dilation.h * in->w * in->c;
        to = clear(to, columns.first * channels);
        for (int32_t j = runs; j > 0; j--, from += dilation.w * in->c) {
            to = copy(to, from, run);
        }
        to = clear(to, (filter->w - columns.end) * channels);
    }
    clear(to, (filter->h - rows.end) * filter->w * channels + (nn_filter_size(filter) & 1));
}

#if NN_DSP

/* Both pixels of a pair have the same taps: those outside the image are gathered as zeros. */
static struct pixel pixel_of(const struct source *source, const int16_t *image, int32_t top, int32_t left, int16_t *column)
{
    const cmsis_nn_dims *in = &source->layer->input;
    struct pixel pixel = {column, source->rows, source->run, source->run, 0, NULL};
    if (source->in_place && top >= 0 && top <= source->last_top && left >= 0 && left <= source->last_left) {
        pixel.taps = image + (top * in->w + left) * in->c;
        pixel.row_step = source->row_step;
    } else {
        gather(source, image, top, left, column);
    }
    return pixel;
}

#else

/* Taps outside the image are left out. */
static struct pixel pixel_of(const struct source *source, const int16_t *image, int32_t top, int32_t left, int16_t *column)
{
    const struct nn_convolution_s16 *layer = source->layer;
    const cmsis_nn_dims *in = &layer->input, *filter = &layer->filter;
    const cmsis_nn_tile dilation = layer->params->dilation;
    if (!source->in_place) {
        gather(source, image, top, left, column);
        return (struct pixel){column, source->rows, source->run, source->run, 0, NULL};
    }
    const struct nn_taps rows = nn_taps_inside(top, dilation.h, filter->h, in->h);
    const struct nn_taps columns = nn_taps_inside(left, dilation.w, filter->w, in->w);
    const int32_t taps = columns.end - columns.first;
    return (struct pixel){
        .taps = image + ((top + rows.first * dilation.h) * in->w + left + columns.first) * in->c,
        .rows = taps ? rows.end - rows.first : 0,
        .run = taps * in->c,
        .row_step = source->row_step,
        .weights = (rows.first * filter->w + columns.first) * in->c,
    };
}

#endif

static void walk_pixels(const struct source *source, const struct block *block)
{
    const struct nn_convolution_s16 *layer = source->layer;
    const cmsis_nn_conv_params *p = layer->params;
    const cmsis_nn_dims *in = &layer->input, *out = &layer->output;
    const int32_t column = nn_round_up(column_of(&layer->filter), 2);
    const int16_t *image = layer->input_data + block->first / layer->group_outputs * layer->filter.c;
    int16_t *output = layer->output_data;
    struct pixel pixels[2];
    int32_t count = 0;
    for (int32_t batch = 0; batch < out->n; batch++, image += in->h * in->w * in->c) {
        for (int32_t y = 0; y < out->h; y++) {
            for (int32_t x = 0; x < out->w; x++, output += out->c) {
                pixels[count] = pixel_of(source, image, y * p->stride.h - p->padding.h, x * p->stride.w - p->padding.w,
                                         source->columns + count * column);
                pixels[count].output = output;
                if (++count == PIXELS) {
                    multiply(source, block, pixels);
                    count = 0;
                }
            }
        }
    }
    if (count) {
        pixels[1] = pixels[0];
        multiply(source, block, pixels);
    }
}

static struct source source_of(const struct nn_convolution_s16 *layer, void *columns)
{
    const cmsis_nn_dims *filter = &layer->filter, *in = &layer->input;
    const cmsis_nn_tile dilation = layer->params->dilation;
    const int stretches = filter->c == in->c && (dilation.w == 1 || filter->w == 1);
    const int long_enough = filter->h == 1 || filter->w * filter->c >= LONG_RUN;
    const int in_place = stretches && long_enough && (!NN_DSP || filter->w * filter->c % 2 == 0);
    return (struct source){
        .layer = layer,
        .columns = columns,
        .rows = in_place ? filter->h : 1,
        .run = in_place ? filter->w * filter->c : NN_DSP ? column_of(filter) : nn_filter_size(filter),
        .row_step = dilation.h * in->w * in->c,
        .in_place = in_place,
        .last_top = in->h - 1 - (filter->h - 1) * dilation.h,
        .last_left = in->w - filter->w,
    };
}

static void prepare(const struct nn_convolution_s16 *layer, const struct block *block, int32_t group)
{
    const cmsis_nn_bias_data *bias = layer->channels.bias;
    const int64_t *const starts = bias ? bias->data : NULL;
    struct nn_narrow_channels *channels = block->channels + group;
    for (int32_t i = 0, k = place_of(block, group); i < GROUP; i++, k++) {
        channels->start[i] = starts ? (int32_t)starts[k] : 0;
        channels->scale[i] = nn_narrow_scale_of(layer->channels.multiplier[k], layer->channels.shift[k]);
    }
#if NN_DSP
    const int32_t size = nn_filter_size(&layer->filter);
    spread(block->panels + group * block->panel, layer->filter_data + place_of(block, group) * size, size);
#endif
}

/* Channels begin..end, four at least, all of one group of the filter. */
static void walk_channels(const struct nn_convolution_s16 *layer, int32_t begin, int32_t end)
{
    const int32_t room = groups_at_once(&layer->filter);
    struct block block = {
        .channels = layer->scratch,
        .panel = panel_of(&layer->filter),
        .groups = (end - begin + GROUP - 1) / GROUP,
        .first = begin,
        .last = end - GROUP,
    };
    block.panels = (uint32_t *)(block.channels + room);
    const struct source source = source_of(layer, block.panels + room * block.panel);
    for (int32_t group = 0; group < block.groups; group++) {
        prepare(layer, &block, group);
    }
    walk_pixels(&source, &block);
}

static int are_narrow(const struct nn_convolution_s16 *layer, int32_t begin, int32_t end)
{
    const int32_t size = nn_filter_size(&layer->filter);
    const int64_t *const bias = layer->channels.bias ? layer->channels.bias->data : NULL;
    for (int32_t k = begin; k < end; k++) {
        if (!nn_is_narrow(layer->filter_data + k * size, size, bias ? bias[k] : 0, layer->channels.shift[k])) {
            return 0;
        }
    }
    return 1;
}

void nn_convolve_s16_gathered(const struct nn_convolution_s16 *layer)
{
    const cmsis_nn_dims *out = &layer->output;
    const int32_t room = GROUP * groups_at_once(&layer->filter);
    for (int32_t least = 0; least < out->c; least += layer->group_outputs) {
        const int32_t group_end = least + layer->group_outputs;
        for (int32_t begin = least; begin < group_end; begin += room) {
            const int32_t end = nn_smaller(begin + room, group_end), first = end - begin < GROUP ? end - GROUP : begin;
            if (are_narrow(layer, first, end)) {
                walk_channels(layer, first, end);
            } else {
                nn_convolve_s16_any(layer, begin, end);
            }
        }
    }
    nn_clamp_outputs(layer->output_data, out->n * out->h * out->w * out->c, layer->channels.activation);
}

/*
 * The convolution with the DSP extension where an output has many weights: channels in pairs, pixels in pairs (nn_quads.h).
 *
 * Weights of two channels are spread once and serve all pixels. Inputs are not copied, and taps outside the input are left
 * out. The input offset goes into the sums' start: offset * sum of the weights that take part.
 */
#include "nn_convolve.h"
#include "nn_dsp.h"
#include "nn_quads.h"

/* Bytes of scratch memory that several pairs of channels share, where one does not take more. */
#define PAIRS_BYTES 2048

static int32_t pair_bytes(const cmsis_nn_dims *filter)
{
    return 4 * nn_filter_size(filter) + filter->h * filter->w * 8 + (int32_t)sizeof(struct nn_pair);
}

/* Pairs of channels that are in scratch memory at once. */
static int32_t pairs_at_once(const cmsis_nn_dims *filter)
{
    const int32_t room = PAIRS_BYTES / pair_bytes(filter), wanted = (filter->n + 1) / 2;
    const int32_t pairs = nn_smaller(room, wanted);
    return pairs > 0 ? pairs : 1;
}

int32_t nn_convolve_quads_scratch(const cmsis_nn_dims *filter)
{
    return pairs_at_once(filter) * pair_bytes(filter);
}

#if NN_DSP

#define ONES 0x00010001u

/* Spreads `count` weights (a multiple of 4) of two channels; adds what they sum up to. */
static uint32_t *spread(uint32_t *panel, const int8_t *a, const int8_t *b, int32_t count, int32_t *sums)
{
    int32_t sum_a = 0, sum_b = 0;
    for (const int8_t *end = a + count; a < end; a += 4, b += 4, panel += 4) {
        const uint32_t word_a = nn_load_word(a), word_b = nn_load_word(b);
        const uint32_t even_a = nn_doubled(nn_even_bytes(word_a)), even_b = nn_doubled(nn_even_bytes(word_b));
        const uint32_t odd_a = nn_doubled(nn_odd_bytes(word_a)), odd_b = nn_doubled(nn_odd_bytes(word_b));
        panel[0] = even_a;
        panel[1] = even_b;
        panel[2] = odd_a;
        panel[3] = odd_b;
        sum_a = nn_multiply_pairs(odd_a, ONES, nn_multiply_pairs(even_a, ONES, sum_a));
        sum_b = nn_multiply_pairs(odd_b, ONES, nn_multiply_pairs(even_b, ONES, sum_b));
    }
    sums[0] += sum_a;
    sums[1] += sum_b;
    return panel;
}

/* Everything of a pair of channels but its panel and where its sums start. Channel b is a again where there is none. */
static struct nn_pair pair_of(const struct nn_convolution *layer, int32_t a, int32_t b)
{
    const struct nn_scale of_a = nn_channel_scale(layer, a), of_b = nn_channel_scale(layer, b);
    return (struct nn_pair){.scale_a = of_a, .scale_b = of_b, .offset_b = b - a, .channel = a};
}

static int32_t start_of(const struct nn_convolution *layer, int32_t channel, int32_t doubled_weights)
{
    return (layer->bias ? 2 * layer->bias[channel] : 0) + layer->params->input_offset * doubled_weights;
}

/* Outputs begin..end along one axis, whose taps inside the input are the same. */
struct stretch {
    int32_t begin, end;
    struct nn_taps taps;
};

/* From `begin` on. Taps are counted for each output near an edge, and worked out where all are inside. */
static struct stretch stretch_from(int32_t begin, int32_t outputs, int32_t stride, int32_t padding, int32_t dilation,
                                   int32_t taps, int32_t size)
{
    struct stretch found = {begin, begin + 1, nn_taps_inside(begin * stride - padding, dilation, taps, size)};
    if (found.taps.first == 0 && found.taps.end == taps) {
        found.end = (size - 1 - dilation * (taps - 1) + padding) / stride + 1;
        found.end = found.end < outputs ? found.end : outputs;
        return found;
    }
    for (; found.end < outputs; found.end++) {
        const struct nn_taps next = nn_taps_inside(found.end * stride - padding, dilation, taps, size);
        if (next.first != found.taps.first || next.end != found.taps.end) {
            break;
        }
    }
    return found;
}

/* Pairs of channels, their weights and what the weights of each tap sum up to. */
struct block {
    struct nn_pair *pairs;
    int32_t (*sums)[2];
    uint32_t *panels;
    int32_t count;
};

/* Outputs whose taps are the same, and how quads of them follow each other. */
struct rectangle {
    struct stretch rows, columns;
    int32_t place; /* of the first tap, in weights */
    int32_t step;  /* from pixel to pixel, in inputs */
    struct nn_walk walk;
};

static struct rectangle rectangle_of(const struct nn_convolution *layer, struct stretch rows, struct stretch columns)
{
    const int32_t channels = layer->input.c, taps = layer->filter.w;
    const int32_t line = layer->input.w * channels * layer->params->dilation.h;
    const int32_t row_bytes = (columns.taps.end - columns.taps.first) * channels;
    const int32_t tap_rows = rows.taps.end - rows.taps.first;
    const int32_t step = layer->params->stride.w * channels;
    const struct nn_walk walk = {
        .row_bytes = row_bytes,
        .rows = tap_rows,
        .input_skip = line - row_bytes,
        .panel_skip = (taps * channels - row_bytes) * 4,
        .input_next = 2 * step - (tap_rows - 1) * line - row_bytes,
        .output_step = 2 * layer->output.c,
    };
    return (struct rectangle){rows, columns, (rows.taps.first * taps + columns.taps.first) * channels, step, walk};
}

/* The pair's sums start where those weights have taken part that meet inputs. */
static void start_pair(const struct nn_convolution *layer, const struct rectangle *here, const int32_t (*sums)[2],
                       int32_t channel, struct nn_pair *pair)
{
    const struct nn_taps rows = here->rows.taps, columns = here->columns.taps;
    int32_t sum_a = 0, sum_b = 0;
    for (int32_t i = rows.first; i < rows.end; i++) {
        for (int32_t j = columns.first; j < columns.end; j++) {
            sum_a += sums[i * layer->filter.w + j][0];
            sum_b += sums[i * layer->filter.w + j][1];
        }
    }
    pair->start_a = start_of(layer, channel, sum_a);
    pair->start_b = start_of(layer, channel + pair->offset_b, sum_b);
}

static void walk_rectangle(const struct nn_convolution *layer, struct rectangle *here, const struct nn_pair *pair,
                           int32_t channel)
{
    const cmsis_nn_conv_params *params = layer->params;
    const int32_t width = here->columns.end - here->columns.begin;
    const int32_t left = here->columns.begin * params->stride.w - params->padding.w +
                         here->columns.taps.first * params->dilation.w;
    struct nn_walk *const walk = &here->walk;
    const int8_t *waiting = 0; /* the last pixel of a row of odd width, until there is another one */
    int8_t *waiting_output = 0;
    for (int32_t batch = 0; batch < layer->output.n; batch++) {
        for (int32_t y = here->rows.begin; y < here->rows.end; y++) {
            const int32_t top = y * params->stride.h - params->padding.h + here->rows.taps.first * params->dilation.h;
            const int32_t row = batch * layer->input.h + top;
            const int8_t *input = layer->input_data + (row * layer->input.w + left) * layer->input.c;
            const int32_t place = (batch * layer->output.h + y) * layer->output.w + here->columns.begin;
            int8_t *output = layer->output_data + place * layer->output.c + channel;
            walk->output = output;
            walk->output_delta = layer->output.c;
            walk->count = width >> 1;
            if (walk->count) {
                nn_quads(input, input + here->step, walk, pair);
            }
            if (width & 1) {
                input += (width - 1) * here->step;
                output += (width - 1) * layer->output.c;
                if (waiting) {
                    walk->output = waiting_output;
                    walk->output_delta = output - waiting_output;
                    walk->count = 1;
                    nn_quads(waiting, input, walk, pair);
                }
                waiting = waiting ? 0 : input;
                waiting_output = output;
            }
        }
    }
    if (waiting) {
        walk->output = waiting_output;
        walk->output_delta = 0;
        walk->count = 1;
        nn_quads(waiting, waiting, walk, pair);
    }
}

/* Outputs of a channel that see nothing but padding. */
static void fill(const struct nn_convolution *layer, const struct rectangle *here, int32_t channel)
{
    const int32_t sum = nn_requantize(layer->bias ? layer->bias[channel] : 0, layer->quant->multiplier[channel],
                                      layer->quant->shift[channel]);
    const int8_t value = (int8_t)nn_clamp(sum + layer->params->output_offset, -128, 127);
    for (int32_t batch = 0; batch < layer->output.n; batch++) {
        for (int32_t y = here->rows.begin; y < here->rows.end; y++) {
            for (int32_t x = here->columns.begin; x < here->columns.end; x++) {
                const int32_t place = (batch * layer->output.h + y) * layer->output.w + x;
                layer->output_data[place * layer->output.c + channel] = value;
            }
        }
    }
}

static void walk_block(const struct nn_convolution *layer, const struct block *block, struct stretch rows,
                       struct stretch columns)
{
    struct rectangle here = rectangle_of(layer, rows, columns);
    const int32_t taps = layer->filter.h * layer->filter.w;
    for (int32_t i = 0; i < block->count; i++) {
        struct nn_pair *const pair = block->pairs + i;
        const int32_t channel = pair->channel;
        if (here.walk.rows == 0 || here.walk.row_bytes == 0) {
            fill(layer, &here, channel);
            fill(layer, &here, channel + pair->offset_b);
            continue;
        }
        start_pair(layer, &here, (const int32_t(*)[2])(block->sums + i * taps), channel, pair);
        pair->panel = block->panels + i * nn_filter_size(&layer->filter) + here.place;
        walk_rectangle(layer, &here, pair, channel);
    }
}

static void walk_image(const struct nn_convolution *layer, const struct block *block)
{
    const cmsis_nn_conv_params *params = layer->params;
    struct stretch rows, columns;
    for (int32_t y = 0; y < layer->output.h; y = rows.end) {
        rows = stretch_from(y, layer->output.h, params->stride.h, params->padding.h, params->dilation.h, layer->filter.h,
                            layer->input.h);
        for (int32_t x = 0; x < layer->output.w; x = columns.end) {
            columns = stretch_from(x, layer->output.w, params->stride.w, params->padding.w, params->dilation.w,
                                   layer->filter.w, layer->input.w);
            walk_block(layer, block, rows, columns);
        }
    }
}

/* The next channel from `channel` on that nn_scale.h can scale; output.c where there is none. */
static int32_t next_channel(const struct nn_convolution *layer, int32_t channel)
{
    while (channel < layer->output.c && !nn_channels_fit(layer, channel, channel + 1)) {
        channel++;
    }
    return channel;
}

/* Panels and sums of as many pairs as there is room for, of channels from `channel` on; returns the channel to go on with. */
static int32_t prepare_block(const struct nn_convolution *layer, struct block *block, int32_t pairs, int32_t channel)
{
    const int32_t taps = layer->filter.h * layer->filter.w, channels = layer->filter.c;
    const int32_t filter_size = taps * channels;
    uint32_t *to = block->panels;
    int32_t(*sums)[2] = block->sums;
    for (block->count = 0; block->count < pairs && channel < layer->output.c; block->count++) {
        const int32_t a = channel, next = next_channel(layer, a + 1), b = next < layer->output.c ? next : a;
        const int8_t *weights_a = layer->filter_data + a * filter_size;
        const int8_t *weights_b = layer->filter_data + b * filter_size;
        for (int32_t tap = 0; tap < taps; tap++, sums++, weights_a += channels, weights_b += channels) {
            (*sums)[0] = (*sums)[1] = 0;
            to = spread(to, weights_a, weights_b, channels, *sums);
        }
        block->pairs[block->count] = pair_of(layer, a, b);
        channel = next_channel(layer, next + 1);
    }
    return channel;
}

/* Channels that nn_scale.h cannot scale: most of them are constant. */
static void other_channels(const struct nn_convolution *layer)
{
    const int32_t channels = layer->output.c, count = layer->output.n * layer->output.h * layer->output.w;
    for (int32_t channel = 0; channel < channels; channel++) {
        int8_t value;
        if (nn_channels_fit(layer, channel, channel + 1)) {
            continue;
        }
        if (!nn_channel_is_constant(layer, channel, &value)) {
            nn_convolve_plain(layer, channel, channel + 1);
            continue;
        }
        int8_t *to = layer->output_data + channel;
        for (int32_t i = 0; i < count; i++, to += channels) {
            *to = value;
        }
    }
}

void nn_convolve_quads(const struct nn_convolution *layer)
{
    const int32_t pairs = pairs_at_once(&layer->filter);
    struct block block;
    block.pairs = layer->scratch;
    block.sums = (int32_t(*)[2])(block.pairs + pairs);
    block.panels = (uint32_t *)(block.sums + pairs * layer->filter.h * layer->filter.w);
    for (int32_t channel = next_channel(layer, 0); channel < layer->output.c;) {
        channel = prepare_block(layer, &block, pairs, channel);
        walk_image(layer, &block);
    }
    other_channels(layer);
}

#endif

/*
 * The convolution with the DSP extension: channels in pairs, pixels in pairs (nn_quads.h).
 *
 * Where the channels of a row of taps are one stretch of the input, nothing is copied: the weights of two channels are
 * spread once, all pixels are walked, and taps outside the input are left out. Elsewhere the inputs of two pixels are
 * gathered to columns, and as many channels as scratch memory has room for are walked before the next two pixels.
 *
 * The input offset goes into the sums' start: offset * sum of the weights that take part.
 */
#include "nn_convolve.h"
#include "nn_dsp.h"
#include "nn_quads.h"

/* Bytes of panels that several channels share scratch memory with, where inputs are gathered. */
#define NN_PANEL_BYTES 4096

static int32_t column_bytes(const cmsis_nn_dims *filter)
{
    return nn_round_up(nn_filter_size(filter), 4);
}

/* Pairs of channels whose panels are in scratch memory at once. */
static int32_t gathered_pairs(const cmsis_nn_dims *filter)
{
    const int32_t room = NN_PANEL_BYTES / (4 * column_bytes(filter));
    const int32_t wanted = (filter->n + 1) / 2;
    const int32_t pairs = room < wanted ? room : wanted;
    return pairs > 0 ? pairs : 1;
}

int32_t nn_convolve_quads_scratch(const cmsis_nn_dims *filter)
{
    const int32_t columns = column_bytes(filter), pairs = gathered_pairs(filter);
    const int32_t gathered = pairs * (4 * columns + (int32_t)sizeof(struct nn_pair)) + 2 * columns;
    const int32_t in_place = 4 * columns + filter->h * filter->w * 8;
    return gathered > in_place ? gathered : in_place;
}

#if NN_DSP

#define ONES 0x00010001u

/* How a channel's sums are scaled, and whether quads can: then no intermediate result leaves 32 bits. */
struct scale {
    int32_t multiplier, add, shift;
    int32_t doublings; /* of the weights */
};

static struct scale scale_of(const struct nn_convolution *layer, int32_t channel)
{
    const int32_t shift = layer->quant->shift[channel];
    const int32_t right = shift > 0 ? 0 : -shift;
    const int32_t offset = layer->params->output_offset;
    return (struct scale){layer->quant->multiplier[channel], (int32_t)((1u << right >> 1) + ((uint32_t)offset << right)),
                          right, 1 + (shift > 0 ? shift : 0)};
}

/* Largest sum: 2^29, so that it doubled, and a result with what is added to it, stay below 2^31. */
static int fits(const struct nn_convolution *layer, int32_t channel)
{
    const int32_t shift = layer->quant->shift[channel];
    const int32_t bias = layer->bias ? layer->bias[channel] : 0;
    const int32_t limit = (1 << 29) - nn_filter_size(&layer->filter) * 255 * 128;
    return shift < 0 && shift >= -21 && bias < limit && bias > -limit;
}

static uint32_t doubled(uint32_t pair)
{
    return (uint32_t)__sadd16((int16x2_t)pair, (int16x2_t)pair);
}

/* Spreads `count` weights (a multiple of 4) of two channels; adds what they sum up to. */
static uint32_t *spread(uint32_t *panel, const int8_t *a, const int8_t *b, int32_t count, int32_t *sums)
{
    int32_t sum_a = 0, sum_b = 0;
    for (const int8_t *end = a + count; a < end; a += 4, b += 4, panel += 4) {
        const uint32_t word_a = nn_load_word(a), word_b = nn_load_word(b);
        const uint32_t even_a = doubled(nn_even_bytes(word_a)), even_b = doubled(nn_even_bytes(word_b));
        const uint32_t odd_a = doubled(nn_odd_bytes(word_a)), odd_b = doubled(nn_odd_bytes(word_b));
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

static uint32_t last_word(const int8_t *from, int32_t count)
{
    uint32_t word = 0;
    __builtin_memcpy(&word, from, (size_t)count);
    return word;
}

/* Any count; the panel ends with weights of 0. */
static uint32_t *spread_any(uint32_t *panel, const int8_t *a, const int8_t *b, int32_t count, int32_t *sums)
{
    const int32_t whole = count & ~3;
    panel = spread(panel, a, b, whole, sums);
    if (whole != count) {
        const uint32_t end_a = last_word(a + whole, count - whole), end_b = last_word(b + whole, count - whole);
        panel = spread(panel, (const int8_t *)&end_a, (const int8_t *)&end_b, 4, sums);
    }
    return panel;
}

/* Everything of a pair of channels but its panel and where its sums start. Channel b is a again where there is none. */
static struct nn_pair pair_of(const struct nn_convolution *layer, int32_t a, int32_t b)
{
    const struct scale of_a = scale_of(layer, a), of_b = scale_of(layer, b);
    return (struct nn_pair){
        .multiplier_a = of_a.multiplier,
        .add_a = of_a.add,
        .shift_a = of_a.shift,
        .multiplier_b = of_b.multiplier,
        .add_b = of_b.add,
        .shift_b = of_b.shift,
        .offset_b = b - a,
    };
}

static int32_t start_of(const struct nn_convolution *layer, int32_t channel, int32_t doubled_weights)
{
    return (layer->bias ? 2 * layer->bias[channel] : 0) + layer->params->input_offset * doubled_weights;
}

static struct nn_walk walk_of(const struct nn_convolution *layer)
{
    const cmsis_nn_activation bounds = layer->params->activation;
    return (struct nn_walk){.clamp = bounds.min != -128 || bounds.max != 127, .low = bounds.min, .high = bounds.max};
}

/* --- Inputs as they lie --- */

/* Outputs begin..end along one axis, whose taps inside the input are the same. */
struct stretch {
    int32_t begin, end;
    struct nn_taps taps;
};

static struct stretch stretch_from(int32_t begin, int32_t outputs, int32_t stride, int32_t padding, int32_t dilation,
                                   int32_t taps, int32_t size)
{
    struct stretch found = {begin, begin + 1, nn_taps_inside(begin * stride - padding, dilation, taps, size)};
    while (found.end < outputs) {
        const struct nn_taps next = nn_taps_inside(found.end * stride - padding, dilation, taps, size);
        if (next.first != found.taps.first || next.end != found.taps.end) {
            break;
        }
        found.end++;
    }
    return found;
}

/* One pixel whose partner is still to come. */
struct lone {
    const int8_t *input;
    int8_t *output;
};

static void couple(struct lone *lone, const int8_t *input, int8_t *output, struct nn_walk *walk,
                   const struct nn_pair *pair)
{
    if (lone->input == 0) {
        *lone = (struct lone){input, output};
        return;
    }
    walk->output = lone->output;
    walk->output_delta = output - lone->output;
    walk->count = 1;
    nn_quads(lone->input, input, walk, pair);
    lone->input = 0;
}

/* The outputs of a rectangle, all of whose taps are the same. */
static void walk_rectangle(const struct nn_convolution *layer, struct stretch rows, struct stretch columns,
                           struct nn_pair *pair, int32_t channel, const int32_t (*sums)[2])
{
    const cmsis_nn_tile stride = layer->params->stride, padding = layer->params->padding;
    const int32_t channels = layer->input.c, taps = layer->filter.w;
    const int32_t line = layer->input.w * channels * layer->params->dilation.h;
    int32_t sum_a = 0, sum_b = 0;
    for (int32_t i = rows.taps.first; i < rows.taps.end; i++) {
        for (int32_t j = columns.taps.first; j < columns.taps.end; j++) {
            sum_a += sums[i * taps + j][0];
            sum_b += sums[i * taps + j][1];
        }
    }
    struct nn_pair here = *pair;
    const int32_t row_bytes = (columns.taps.end - columns.taps.first) * channels;
    const int32_t tap_rows = rows.taps.end - rows.taps.first;
    here.panel += (rows.taps.first * taps + columns.taps.first) * channels;
    here.start_a = start_of(layer, channel, sum_a);
    here.start_b = start_of(layer, channel + pair->offset_b, sum_b);

    const int32_t step = stride.w * channels;
    struct nn_walk walk = walk_of(layer);
    walk.row_bytes = row_bytes;
    walk.rows = tap_rows;
    walk.input_skip = line - row_bytes;
    walk.panel_skip = (taps * channels - row_bytes) * 4;
    walk.input_next = 2 * step - (tap_rows - 1) * line - row_bytes;
    walk.output_step = 2 * layer->output.c;

    const int32_t width = columns.end - columns.begin;
    const int32_t left = columns.begin * stride.w - padding.w + columns.taps.first * layer->params->dilation.w;
    struct lone lone = {0, 0};
    for (int32_t batch = 0; batch < layer->output.n; batch++) {
        for (int32_t y = rows.begin; y < rows.end; y++) {
            const int32_t top = y * stride.h - padding.h + rows.taps.first * layer->params->dilation.h;
            const int32_t row = batch * layer->input.h + top;
            const int8_t *input = layer->input_data + (row * layer->input.w + left) * channels;
            const int32_t place = (batch * layer->output.h + y) * layer->output.w + columns.begin;
            int8_t *output = layer->output_data + place * layer->output.c + channel;
            if (width > 1) {
                walk.output = output;
                walk.output_delta = layer->output.c;
                walk.count = width / 2;
                nn_quads(input, input + step, &walk, &here);
            }
            if (width & 1) {
                couple(&lone, input + (width - 1) * step, output + (width - 1) * layer->output.c, &walk, &here);
            }
        }
    }
    if (lone.input != 0) {
        couple(&lone, lone.input, lone.output, &walk, &here);
    }
}

static void fill_without_taps(const struct nn_convolution *layer, struct stretch rows, struct stretch columns,
                              int32_t channel, const struct nn_pair *pair);

static void walk_pair(const struct nn_convolution *layer, struct nn_pair *pair, int32_t channel,
                      const int32_t (*sums)[2])
{
    const cmsis_nn_conv_params *params = layer->params;
    struct stretch rows, columns;
    for (int32_t y = 0; y < layer->output.h; y = rows.end) {
        rows = stretch_from(y, layer->output.h, params->stride.h, params->padding.h, params->dilation.h, layer->filter.h,
                            layer->input.h);
        for (int32_t x = 0; x < layer->output.w; x = columns.end) {
            columns = stretch_from(x, layer->output.w, params->stride.w, params->padding.w, params->dilation.w,
                                   layer->filter.w, layer->input.w);
            if (rows.taps.first == rows.taps.end || columns.taps.first == columns.taps.end) {
                fill_without_taps(layer, rows, columns, channel, pair);
            } else {
                walk_rectangle(layer, rows, columns, pair, channel, sums);
            }
        }
    }
}

/* Outputs that see nothing but padding. */
static void fill_without_taps(const struct nn_convolution *layer, struct stretch rows, struct stretch columns,
                              int32_t channel, const struct nn_pair *pair)
{
    for (int32_t c = channel; c <= channel + pair->offset_b; c++) {
        const int32_t sum = nn_requantize(layer->bias ? layer->bias[c] : 0, layer->quant->multiplier[c],
                                          layer->quant->shift[c]);
        const int8_t value = (int8_t)nn_clamp(sum + layer->params->output_offset, layer->params->activation.min,
                                              layer->params->activation.max);
        for (int32_t batch = 0; batch < layer->output.n; batch++) {
            for (int32_t y = rows.begin; y < rows.end; y++) {
                for (int32_t x = columns.begin; x < columns.end; x++) {
                    const int32_t place = (batch * layer->output.h + y) * layer->output.w + x;
                    layer->output_data[place * layer->output.c + c] = value;
                }
            }
        }
    }
}

static void convolve_in_place(const struct nn_convolution *layer)
{
    const int32_t taps = layer->filter.h * layer->filter.w, channels = layer->filter.c;
    const int32_t filter_size = taps * channels;
    uint32_t *const panel = layer->scratch;
    int32_t(*const sums)[2] = (int32_t(*)[2])(panel + filter_size);
    for (int32_t a = 0; a < layer->output.c; a += 2) {
        const int32_t b = a + 1 < layer->output.c ? a + 1 : a;
        if (!fits(layer, a) || !fits(layer, b)) {
            nn_convolve_plain(layer, a, b + 1);
            continue;
        }
        uint32_t *to = panel;
        for (int32_t tap = 0; tap < taps; tap++) {
            sums[tap][0] = sums[tap][1] = 0;
            to = spread(to, layer->filter_data + a * filter_size + tap * channels,
                        layer->filter_data + b * filter_size + tap * channels, channels, sums[tap]);
        }
        struct nn_pair pair = pair_of(layer, a, b);
        pair.panel = panel;
        walk_pair(layer, &pair, a, (const int32_t(*)[2])sums);
    }
}

/* --- Gathered inputs --- */

static int8_t *put(int8_t *to, const int8_t *from, int32_t count)
{
    for (; count >= 4; count -= 4, to += 4, from += 4) {
        __builtin_memcpy(to, from, 4);
    }
    for (; count > 0; count--) {
        *to++ = *from++;
    }
    return to;
}

static int8_t *pad(int8_t *to, int8_t value, int32_t count)
{
    for (; count > 0; count--) {
        *to++ = value;
    }
    return to;
}

/* The inputs of the output at y, x of one group, zero points where padding is. */
static void gather(const struct nn_convolution *layer, const int8_t *image, int32_t y, int32_t x, int8_t *to)
{
    const cmsis_nn_conv_params *params = layer->params;
    const int32_t channels = layer->filter.c, columns = layer->filter.w;
    const int8_t zero = (int8_t)-params->input_offset;
    const int32_t top = y * params->stride.h - params->padding.h, left = x * params->stride.w - params->padding.w;
    const struct nn_taps inside = nn_taps_inside(left, params->dilation.w, columns, layer->input.w);
    const int whole_rows = channels == layer->input.c && params->dilation.w == 1;
    for (int32_t i = 0; i < layer->filter.h; i++) {
        const int32_t row = top + i * params->dilation.h;
        if (row < 0 || row >= layer->input.h || inside.first == inside.end) {
            to = pad(to, zero, columns * channels);
            continue;
        }
        const int8_t *line = image + (row * layer->input.w + left) * layer->input.c;
        to = pad(to, zero, inside.first * channels);
        if (whole_rows) {
            to = put(to, line + inside.first * channels, (inside.end - inside.first) * channels);
        } else {
            for (int32_t j = inside.first; j < inside.end; j++) {
                to = put(to, line + j * params->dilation.w * layer->input.c, channels);
            }
        }
        to = pad(to, zero, (columns - inside.end) * channels);
    }
}

/* Outputs of all pixels, for `pairs` of channels from `channel` on, all of one group. */
static void walk_gathered(const struct nn_convolution *layer, const struct nn_pair *pair, int32_t pairs, int32_t channel,
                          int8_t *columns)
{
    const int32_t bytes = column_bytes(&layer->filter);
    struct nn_walk walk = walk_of(layer);
    walk.row_bytes = bytes;
    walk.rows = 1;
    walk.input_next = -bytes;
    walk.output_step = 2;
    walk.pair_step = sizeof(struct nn_pair);
    walk.count = pairs;
    const int8_t *image = layer->input_data + channel / layer->group_outputs * layer->filter.c;
    int8_t *output = layer->output_data + channel, *waiting = 0;
    for (int32_t batch = 0; batch < layer->output.n; batch++) {
        for (int32_t y = 0; y < layer->output.h; y++) {
            for (int32_t x = 0; x < layer->output.w; x++, output += layer->output.c) {
                gather(layer, image, y, x, columns + (waiting ? bytes : 0));
                if (waiting == 0) {
                    waiting = output;
                    continue;
                }
                walk.output = waiting;
                walk.output_delta = output - waiting;
                nn_quads(columns, columns + bytes, &walk, pair);
                waiting = 0;
            }
        }
        image += layer->input.h * layer->input.w * layer->input.c;
    }
    if (waiting) {
        walk.output = waiting;
        walk.output_delta = 0;
        nn_quads(columns, columns, &walk, pair);
    }
}

/* Channels begin..end, all of one group and as many as there is room for. */
static void convolve_gathered_block(const struct nn_convolution *layer, int32_t begin, int32_t end)
{
    const int32_t filter_size = nn_filter_size(&layer->filter), bytes = column_bytes(&layer->filter);
    struct nn_pair *const pairs = layer->scratch;
    int8_t *const columns = (int8_t *)(pairs + gathered_pairs(&layer->filter));
    uint32_t *panel = (uint32_t *)(columns + 2 * bytes);
    __builtin_memset(columns, 0, (size_t)(2 * bytes));
    int32_t count = 0;
    for (int32_t a = begin; a < end; a += 2, count++) {
        const int32_t b = a + 1 < end ? a + 1 : a;
        int32_t sums[2] = {0, 0};
        struct nn_pair pair = pair_of(layer, a, b);
        pair.panel = panel;
        panel = spread_any(panel, layer->filter_data + a * filter_size, layer->filter_data + b * filter_size, filter_size,
                           sums);
        pair.start_a = start_of(layer, a, sums[0]);
        pair.start_b = start_of(layer, b, sums[1]);
        pairs[count] = pair;
    }
    walk_gathered(layer, pairs, count, begin, columns);
}

static int all_fit(const struct nn_convolution *layer, int32_t begin, int32_t end)
{
    for (int32_t channel = begin; channel < end; channel++) {
        if (!fits(layer, channel)) {
            return 0;
        }
    }
    return 1;
}

static int32_t smaller(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static void convolve_gathered(const struct nn_convolution *layer)
{
    const int32_t room = 2 * gathered_pairs(&layer->filter);
    int32_t end;
    for (int32_t begin = 0; begin < layer->output.c; begin = end) {
        const int32_t group_end = (begin / layer->group_outputs + 1) * layer->group_outputs;
        end = smaller(begin + room, group_end);
        if (all_fit(layer, begin, end)) {
            convolve_gathered_block(layer, begin, end);
        } else {
            nn_convolve_plain(layer, begin, end);
        }
    }
}

/* A filter of one tap that meets each pixel once sees the input as one long row. */
static struct nn_convolution flattened(const struct nn_convolution *layer)
{
    struct nn_convolution flat = *layer;
    const cmsis_nn_conv_params *params = layer->params;
    const cmsis_nn_dims *in = &layer->input, *out = &layer->output;
    if (layer->filter.h == 1 && layer->filter.w == 1 && params->stride.h == 1 && params->stride.w == 1 &&
        params->padding.h == 0 && params->padding.w == 0 && in->h == out->h && in->w == out->w) {
        flat.input = (cmsis_nn_dims){1, 1, in->n * in->h * in->w, in->c};
        flat.output = (cmsis_nn_dims){1, 1, out->n * out->h * out->w, out->c};
    }
    return flat;
}

void nn_convolve_quads(const struct nn_convolution *layer)
{
    const struct nn_convolution flat = flattened(layer);
    const int32_t channels = layer->filter.c;
    const int one_stretch = layer->params->dilation.w == 1 || layer->filter.w == 1;
    if (channels == layer->input.c && channels % 4 == 0 && one_stretch) {
        convolve_in_place(&flat);
    } else {
        convolve_gathered(&flat);
    }
}

#endif

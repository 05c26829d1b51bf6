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

/* Bytes of scratch memory that several pairs of channels share, where one does not take more. */
#define IN_PLACE_BYTES 2048
#define GATHERED_BYTES 4096

static int32_t column_bytes(const cmsis_nn_dims *filter)
{
    return nn_round_up(nn_filter_size(filter), 4);
}

/* Pairs of channels that are in scratch memory at once. */
static int32_t pairs_in(int32_t bytes, int32_t pair_bytes, int32_t channels)
{
    const int32_t room = bytes / pair_bytes, wanted = (channels + 1) / 2;
    const int32_t pairs = room < wanted ? room : wanted;
    return pairs > 0 ? pairs : 1;
}

static int32_t gathered_pair_bytes(const cmsis_nn_dims *filter)
{
    return 4 * column_bytes(filter) + (int32_t)sizeof(struct nn_pair);
}

static int32_t gathered_pairs(const cmsis_nn_dims *filter)
{
    return pairs_in(GATHERED_BYTES, gathered_pair_bytes(filter), filter->n);
}

static int32_t in_place_pair_bytes(const cmsis_nn_dims *filter)
{
    return 4 * column_bytes(filter) + filter->h * filter->w * 8 + (int32_t)sizeof(struct nn_pair);
}

static int32_t in_place_pairs(const cmsis_nn_dims *filter)
{
    return pairs_in(IN_PLACE_BYTES, in_place_pair_bytes(filter), filter->n);
}

int32_t nn_convolve_quads_scratch(const cmsis_nn_dims *filter)
{
    const int32_t gathered = gathered_pairs(filter) * gathered_pair_bytes(filter) + 2 * column_bytes(filter);
    const int32_t in_place = in_place_pairs(filter) * in_place_pair_bytes(filter);
    return gathered > in_place || filter->c % 4 != 0 ? gathered : in_place;
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
    return layer->quant->multiplier[channel] >= 0 && shift < 0 && shift >= -21 && bias < limit && bias > -limit;
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

/* --- Inputs as they lie --- */

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

/* Pairs of channels from `channel` on, their weights and what the weights of each tap sum up to. */
struct block {
    struct nn_pair *pairs;
    int32_t (*sums)[2];
    uint32_t *panels;
    int32_t count, channel;
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
    for (int32_t i = 0, channel = block->channel; i < block->count; i++, channel += 2) {
        struct nn_pair *const pair = block->pairs + i;
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

/* Panels and sums of channels begin..end. */
static void prepare_block(const struct nn_convolution *layer, struct block *block, int32_t begin, int32_t end)
{
    const int32_t taps = layer->filter.h * layer->filter.w, channels = layer->filter.c;
    const int32_t filter_size = taps * channels;
    uint32_t *to = block->panels;
    int32_t(*sums)[2] = block->sums;
    block->channel = begin;
    block->count = 0;
    for (int32_t a = begin; a < end; a += 2) {
        const int32_t b = a + 1 < end ? a + 1 : a;
        const int8_t *weights_a = layer->filter_data + a * filter_size;
        const int8_t *weights_b = layer->filter_data + b * filter_size;
        for (int32_t tap = 0; tap < taps; tap++, sums++, weights_a += channels, weights_b += channels) {
            (*sums)[0] = (*sums)[1] = 0;
            to = spread(to, weights_a, weights_b, channels, *sums);
        }
        block->pairs[block->count++] = pair_of(layer, a, b);
    }
}

static void convolve_in_place(const struct nn_convolution *layer)
{
    const int32_t pairs = in_place_pairs(&layer->filter);
    struct block block;
    block.pairs = layer->scratch;
    block.sums = (int32_t(*)[2])(block.pairs + pairs);
    block.panels = (uint32_t *)(block.sums + pairs * layer->filter.h * layer->filter.w);
    int32_t end;
    for (int32_t begin = 0; begin < layer->output.c; begin = end) {
        end = smaller(begin + 2 * pairs, layer->output.c);
        if (all_fit(layer, begin, end)) {
            prepare_block(layer, &block, begin, end);
            walk_image(layer, &block);
        } else {
            nn_convolve_plain(layer, begin, end);
        }
    }
}

/* --- Gathered inputs --- */

/* The empty asm keeps compilers from calling memcpy and memset for a few bytes. */
static inline int8_t *put(int8_t *to, const int8_t *from, int32_t count)
{
    for (; count >= 4; count -= 4, to += 4, from += 4) {
        __builtin_memcpy(to, from, 4);
    }
    for (; count > 0; count--) {
        __asm__ volatile("");
        *to++ = *from++;
    }
    return to;
}

static inline int8_t *pad(int8_t *to, int8_t value, int32_t count)
{
    for (; count > 0; count--) {
        __asm__ volatile("");
        *to++ = value;
    }
    return to;
}

/* The inputs of the output whose first tap is at top, left, of one group; zero points where padding is. */
static void gather_edge(const struct nn_convolution *layer, const int8_t *image, int32_t top, int32_t left, int8_t *to)
{
    const cmsis_nn_conv_params *params = layer->params;
    const int32_t channels = layer->filter.c, columns = layer->filter.w;
    const int8_t zero = (int8_t)-params->input_offset;
    const struct nn_taps inside = nn_taps_inside(left, params->dilation.w, columns, layer->input.w);
    const int32_t together = channels == layer->input.c && params->dilation.w == 1 ? inside.end - inside.first : 1;
    for (int32_t i = 0; i < layer->filter.h; i++) {
        const int32_t row = top + i * params->dilation.h;
        if (row < 0 || row >= layer->input.h || inside.first == inside.end) {
            to = pad(to, zero, columns * channels);
            continue;
        }
        const int8_t *line = image + (row * layer->input.w + left) * layer->input.c;
        to = pad(to, zero, inside.first * channels);
        for (int32_t j = inside.first; j < inside.end; j += together) {
            to = put(to, line + j * params->dilation.w * layer->input.c, together * channels);
        }
        to = pad(to, zero, (columns - inside.end) * channels);
    }
}

/* The same where all taps are inside, and each row of them is one stretch. */
static void gather_rows(const int8_t *from, int32_t rows, int32_t row_bytes, int32_t line, int8_t *to)
{
    for (; rows > 0; rows--, from += line) {
        to = put(to, from, row_bytes);
    }
}

/* Outputs of all pixels, for `pairs` of channels from `channel` on, all of one group. */
static void walk_gathered(const struct nn_convolution *layer, const struct nn_pair *pair, int32_t pairs, int32_t channel,
                          int8_t *columns)
{
    const int32_t bytes = column_bytes(&layer->filter);
    const cmsis_nn_conv_params *params = layer->params;
    struct nn_walk walk = {.row_bytes = bytes, .rows = 1, .input_next = -bytes, .output_step = 2,
                           .pair_step = sizeof(struct nn_pair), .count = pairs};
    const int32_t row_bytes = layer->filter.w * layer->filter.c, line = layer->input.w * layer->input.c;
    const int whole_rows = layer->filter.c == layer->input.c && params->dilation.w == 1;
    const int32_t last_top = layer->input.h - 1 - (layer->filter.h - 1) * params->dilation.h;
    const int32_t last_left = layer->input.w - layer->filter.w;
    const int8_t *image = layer->input_data + channel / layer->group_outputs * layer->filter.c;
    int8_t *output = layer->output_data + channel, *waiting = 0;
    for (int32_t batch = 0; batch < layer->output.n; batch++) {
        for (int32_t y = 0; y < layer->output.h; y++) {
            for (int32_t x = 0; x < layer->output.w; x++, output += layer->output.c) {
                const int32_t top = y * params->stride.h - params->padding.h;
                const int32_t left = x * params->stride.w - params->padding.w;
                int8_t *const column = columns + (waiting ? bytes : 0);
                if (whole_rows && top >= 0 && top <= last_top && left >= 0 && left <= last_left) {
                    gather_rows(image + top * line + left * layer->input.c, layer->filter.h, row_bytes,
                                line * params->dilation.h, column);
                } else {
                    gather_edge(layer, image, top, left, column);
                }
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

/* Bounds other than those of int8 are rare, so that quads leave them out. */
static void clamp(int8_t *values, int32_t count, cmsis_nn_activation bounds)
{
    for (int8_t *end = values + count; values < end; values++) {
        *values = (int8_t)nn_clamp(*values, bounds.min, bounds.max);
    }
}

void nn_convolve_quads(const struct nn_convolution *layer)
{
    const cmsis_nn_activation bounds = layer->params->activation;
    const struct nn_convolution flat = flattened(layer);
    const int32_t channels = layer->filter.c;
    const int one_stretch = layer->params->dilation.w == 1 || layer->filter.w == 1;
    if (channels == layer->input.c && channels % 4 == 0 && one_stretch) {
        convolve_in_place(&flat);
    } else {
        convolve_gathered(&flat);
    }
    if (bounds.min > -128 || bounds.max < 127) {
        clamp(layer->output_data, layer->output.n * layer->output.h * layer->output.w * layer->output.c, bounds);
    }
}

#endif

/*
 * The depthwise convolution with the DSP extension, four channels at a time.
 *
 * 3 x 3 taps: inputs are spread to strips, channel by channel, so that SMLAD adds two taps (nn_depthwise_tiles.h).
 * Other filters, and few outputs: a word of input is four channels of a pixel; SMLABB and SMLATT add one tap of each
 * (nn_depthwise_taps.h).
 * Where channels do not divide by four, the last four overlap those before.
 */
#include "nn_depthwise.h"
#include "nn_depthwise_taps.h"
#include "nn_depthwise_tiling.h"
#include "nn_copy.h"
#include "nn_dsp.h"
#include "nn_walks.h"

#define GROUP 4
/* Bytes of scratch memory for weights that are not in strips. */
#define TAPS_BYTES 1536

/* Groups of channels whose weights are in scratch memory at once, where they are not in strips. */
static int32_t groups_at_once(const cmsis_nn_dims *filter)
{
    const int32_t bytes = filter->h * filter->w * 2 * GROUP + (int32_t)sizeof(struct nn_taps_channels);
    const int32_t room = TAPS_BYTES / bytes, wanted = (filter->c + GROUP - 1) / GROUP;
    const int32_t groups = room < wanted ? room : wanted;
    return groups > 0 ? groups : 1;
}

static int32_t taps_bytes(const cmsis_nn_dims *filter)
{
    return groups_at_once(filter) * (filter->h * filter->w * 2 * GROUP + (int32_t)sizeof(struct nn_taps_channels));
}

int32_t nn_depthwise_dsp_scratch(const cmsis_nn_dims *input, const cmsis_nn_dims *filter)
{
    if (filter->h == 3 && filter->w == 3) {
        const int32_t strips = nn_strips_scratch(input);
        return strips > taps_bytes(filter) ? strips : taps_bytes(filter);
    }
    return taps_bytes(filter);
}

#if NN_DSP

static int32_t start_of(const struct nn_depthwise *layer, int32_t channel)
{
    return layer->bias ? 2 * layer->bias[channel] : 0;
}

static struct nn_scale scale_of(const struct nn_depthwise *layer, int32_t channel)
{
    return nn_scale_of(layer->quant->multiplier[channel], layer->quant->shift[channel], layer->params->output_offset);
}

/* Whether channels first..end can be scaled as nn_scale.h does. */
NN_INLINE int fit(const struct nn_depthwise *layer, int32_t first, int32_t end)
{
    const int32_t count = layer->filter.h * layer->filter.w;
    for (int32_t channel = first; channel < end; channel++) {
        if (!nn_scale_fits(layer->quant->multiplier[channel], layer->quant->shift[channel],
                           layer->bias ? layer->bias[channel] : 0, count)) {
            return 0;
        }
    }
    return 1;
}

/* --- 3 x 3 taps --- */

static const struct nn_tile_kernels tile_kernels = {nn_depthwise_tiles_1, nn_depthwise_tiles_2, nn_depthwise_tiles_half};

/* Scales and weights of four channels from `channel` on. */
static void prepare_tiles(const struct nn_depthwise *layer, int32_t channel, struct nn_tile_channel *found)
{
    const int32_t depth = layer->output.c;
    const int8_t *weight = layer->filter_data + channel;
    for (int32_t row = 0; row < 3; row++, weight += 3 * depth) {
        uint32_t even[3], odd[3];
        for (int32_t tap = 0; tap < 3; tap++) {
            const uint32_t word = nn_load_word(weight + tap * depth);
            even[tap] = nn_doubled(nn_even_bytes(word));
            odd[tap] = nn_doubled(nn_odd_bytes(word));
        }
        for (int32_t pair = 0; pair < 2; pair++) {
            found[0].weights[2 * row + pair] = nn_low_halves(even[pair], even[pair + 1]);
            found[1].weights[2 * row + pair] = nn_low_halves(odd[pair], odd[pair + 1]);
            found[2].weights[2 * row + pair] = nn_high_halves(even[pair], even[pair + 1]);
            found[3].weights[2 * row + pair] = nn_high_halves(odd[pair], odd[pair + 1]);
        }
    }
    for (int32_t i = 0; i < GROUP; i++) {
        found[i].start = start_of(layer, channel + i);
        found[i].scale = scale_of(layer, channel + i);
    }
}

/* Rows top.. of columns `left` and left + 1, four channels from `image` on, to a strip. Outside the input they are 0. */
static __attribute__((noinline)) void gather_strip(const struct nn_depthwise *layer, const int8_t *image, int32_t top, int32_t left, int32_t rows,
                         uint32_t *strip)
{
    const uint32_t offset = nn_pair_of(layer->params->input_offset);
    const uint32_t zeros = (uint8_t)-layer->params->input_offset * 0x01010101u;
    const int32_t width = layer->input.w, line = width * layer->input.c;
    for (; rows > 0 && top < 0; rows--, top++, strip += 4) {
        strip[0] = strip[1] = strip[2] = strip[3] = 0;
    }
    const int32_t inside = rows < layer->input.h - top ? rows : layer->input.h - top;
    const int8_t *a = (const int8_t *)&zeros, *b = a;
    int32_t step_a = 0, step_b = 0;
    if (left >= 0 && left < width) {
        a = image + top * line + left * layer->input.c;
        step_a = line;
    }
    if (left + 1 >= 0 && left + 1 < width) {
        b = image + top * line + (left + 1) * layer->input.c;
        step_b = line;
    }
    for (const uint32_t *end = strip + 4 * inside; strip < end; a += step_a, b += step_b, strip += 4) {
        const uint32_t word_a = nn_load_word(a), word_b = nn_load_word(b);
        const uint32_t even_a = nn_even_bytes_plus(offset, word_a), even_b = nn_even_bytes_plus(offset, word_b);
        const uint32_t odd_a = nn_odd_bytes_plus(offset, word_a), odd_b = nn_odd_bytes_plus(offset, word_b);
        strip[0] = nn_low_halves(even_a, even_b);
        strip[1] = nn_low_halves(odd_a, odd_b);
        strip[2] = nn_high_halves(even_a, even_b);
        strip[3] = nn_high_halves(odd_a, odd_b);
    }
    for (rows -= inside; rows > 0; rows--, strip += 4) {
        strip[0] = strip[1] = strip[2] = strip[3] = 0;
    }
}

NN_INLINE struct nn_tiling tiling_of(const struct nn_depthwise *layer)
{
    return nn_tiling_of(layer->params, &layer->input, &layer->output, 1);
}

NN_INLINE int tiles_serve(const struct nn_depthwise *layer, const struct nn_tiling *tiling)
{
    return nn_tiles_serve(tiling, layer->params, &layer->input, &layer->filter, &layer->output);
}

static void carry_strip(uint32_t *scratch, const struct nn_tiling *tiling);

static void walk_strips(const struct nn_depthwise *layer, const struct nn_tiling *tiling, const int8_t *image, int32_t first,
                        int32_t count, const struct nn_tile_channel *channels, int8_t *output)
{
    const cmsis_nn_tile padding = layer->params->padding;
    uint32_t *const scratch = layer->scratch;
    int32_t strip = 0;
    if (first) {
        carry_strip(scratch, tiling);
        strip = 1;
    }
    for (; strip <= count; strip++) {
        gather_strip(layer, image, -padding.h, 2 * (first + strip) - padding.w, tiling->rows,
                     scratch + strip * tiling->rows * 4);
    }
    nn_walk_tiles(tiling, &tile_kernels, scratch, first, count, channels, output);
}

/* Channels channel .. channel + 3. */
static void walk_tiles(const struct nn_depthwise *layer, const struct nn_tiling *tiling, int32_t channel)
{
    struct nn_tile_channel channels[GROUP];
    prepare_tiles(layer, channel, channels);
    const int8_t *image = layer->input_data + channel;
    int8_t *output = layer->output_data + channel;
    for (int32_t batch = 0; batch < layer->output.n; batch++) {
        for (int32_t first = 0; first < tiling->strips; first += tiling->at_once) {
            const int32_t left = tiling->strips - first;
            walk_strips(layer, tiling, image, first, left < tiling->at_once ? left : tiling->at_once, channels, output);
        }
        image += layer->input.h * layer->input.w * layer->input.c;
        output += layer->output.h * layer->output.w * layer->output.c;
    }
}

/* --- Any taps --- */

/* This and walk_taps stand apart, so that where their loops lie in a small instruction cache is not up to the code of tiles. */
static NN_HOT void prepare_taps(const struct nn_depthwise *layer, int32_t channel, struct nn_taps_channels *channels,
                         uint32_t *panel)
{
    const int8_t *weight = layer->filter_data + channel;
    for (int32_t tap = layer->filter.h * layer->filter.w; tap > 0; tap--, weight += layer->output.c) {
        const uint32_t word = nn_load_word(weight);
        *panel++ = nn_doubled(nn_even_bytes(word));
        *panel++ = nn_doubled(nn_odd_bytes(word));
    }
    for (int32_t i = 0; i < GROUP; i++) {
        channels->start[i] = start_of(layer, channel + i);
        channels->scale[i] = scale_of(layer, channel + i);
    }
}

/* Channels first, first + 4, ... and their weights. */
struct block {
    struct nn_taps_channels *channels;
    uint32_t *panels;
    int32_t first, groups;
};

/* Outputs of a pixel without taps: what is left is the bias. */
static void fill(const struct block *block, int8_t *output)
{
    for (int32_t i = 0; i < block->groups * GROUP; i++) {
        const struct nn_taps_channels *channels = block->channels + i / GROUP;
        output[i] = (int8_t)nn_scaled(channels->start[i % GROUP], &channels->scale[i % GROUP]);
    }
}

/* Pixels beside each other that see the same taps, the first of them those from `input` and `place` in the filter on. */
static void walk_run(const struct nn_depthwise *layer, const struct block *block, struct nn_taps_walk *walk,
                     const int8_t *input, int32_t place, int8_t *output)
{
    const int32_t panel = layer->filter.h * layer->filter.w * 2, consumed = walk->input_next;
    const uint32_t *weights = block->panels + 2 * place;
    if (walk->count < block->groups) {
        const int32_t pixels = walk->count;
        walk->count = block->groups;
        walk->panel_step = panel * 4;
        walk->channels_step = sizeof(struct nn_taps_channels);
        walk->output_step = GROUP;
        walk->input_next = GROUP - consumed;
        for (int32_t i = 0; i < pixels; i++) {
            nn_depthwise_taps(input, weights, walk, block->channels, output);
            input += layer->params->stride.w * layer->output.c;
            output += layer->output.c;
        }
        walk->count = pixels;
        return;
    }
    walk->panel_step = walk->channels_step = 0;
    walk->output_step = layer->output.c;
    walk->input_next = layer->params->stride.w * layer->output.c - consumed;
    for (int32_t i = 0; i < block->groups; i++) {
        nn_depthwise_taps(input + i * GROUP, weights + i * panel, walk, block->channels + i, output + i * GROUP);
    }
}

static void walk_row(const struct nn_depthwise *layer, const struct block *block, const int8_t *image, int32_t top,
                     int8_t *output)
{
    const cmsis_nn_dw_conv_params *params = layer->params;
    const int32_t depth = layer->output.c, width = layer->input.w, taps = layer->filter.w;
    const struct nn_taps rows = nn_taps_inside(top, params->dilation.h, layer->filter.h, layer->input.h);
    const int32_t line = width * depth * params->dilation.h, row = top + rows.first * params->dilation.h;
    struct nn_taps_walk walk = {.rows = rows.end - rows.first, .tap_step = params->dilation.w * depth,
                                .offset = nn_pair_of(params->input_offset)};
    int32_t left = -params->padding.w;
    for (int32_t x = 0; x < layer->output.w; x += walk.count) {
        const struct nn_taps columns = nn_taps_inside(left, params->dilation.w, taps, width);
        walk.taps = columns.end - columns.first;
        walk.count = 1;
        if (walk.taps == taps) {
            const int32_t room = (width - 1 - left - (taps - 1) * params->dilation.w) / params->stride.w + 1;
            walk.count = room < layer->output.w - x ? room : layer->output.w - x;
        }
        if (walk.taps == 0 || walk.rows == 0) {
            for (int32_t i = 0; i < walk.count; i++) {
                fill(block, output + i * depth);
            }
        } else {
            walk.input_skip = line - walk.taps * walk.tap_step;
            walk.panel_skip = (taps - walk.taps) * 8;
            walk.input_next = walk.taps * walk.tap_step + (walk.rows - 1) * line;
            const int32_t column = left + columns.first * params->dilation.w;
            walk_run(layer, block, &walk, image + (row * width + column) * depth, rows.first * taps + columns.first, output);
        }
        output += walk.count * depth;
        left += walk.count * params->stride.w;
    }
}

/* Weights that are met once are not worth a panel. */
static void walk_pixel(const struct nn_depthwise *layer, int32_t channel)
{
    const cmsis_nn_dw_conv_params *params = layer->params;
    const int32_t depth = layer->output.c, top = -params->padding.h, left = -params->padding.w;
    const struct nn_taps rows = nn_taps_inside(top, params->dilation.h, layer->filter.h, layer->input.h);
    const struct nn_taps columns = nn_taps_inside(left, params->dilation.w, layer->filter.w, layer->input.w);
    const uint32_t offset = nn_pair_of(params->input_offset);
    int32_t sum_0 = 0, sum_1 = 0, sum_2 = 0, sum_3 = 0;
    for (int32_t i = rows.first; i < rows.end; i++) {
        const int32_t row = (top + i * params->dilation.h) * layer->input.w;
        const int8_t *input = layer->input_data + (row + left + columns.first * params->dilation.w) * depth + channel;
        const int8_t *weight = layer->filter_data + (i * layer->filter.w + columns.first) * depth + channel;
        for (int32_t j = columns.first; j < columns.end; j++, input += params->dilation.w * depth, weight += depth) {
            const uint32_t inputs = nn_load_word(input), weights = nn_load_word(weight);
            const int32_t even = (int32_t)nn_even_bytes_plus(offset, inputs), w_even = (int32_t)nn_even_bytes(weights);
            const int32_t odd = (int32_t)nn_odd_bytes_plus(offset, inputs), w_odd = (int32_t)nn_odd_bytes(weights);
            sum_0 = __smlabb(even, w_even, sum_0);
            sum_1 = __smlabb(odd, w_odd, sum_1);
            sum_2 = __smlatt(even, w_even, sum_2);
            sum_3 = __smlatt(odd, w_odd, sum_3);
        }
    }
    const int32_t sums[GROUP] = {sum_0, sum_1, sum_2, sum_3};
    for (int32_t i = 0; i < GROUP; i++) {
        const struct nn_scale scale = scale_of(layer, channel + i);
        layer->output_data[channel + i] = (int8_t)nn_scaled(2 * sums[i] + start_of(layer, channel + i), &scale);
    }
}

/* Channels of `groups` fours from `first` on. */
static NN_HOT void walk_taps(const struct nn_depthwise *layer, int32_t first, int32_t groups)
{
    struct block block = {layer->scratch, 0, first, groups};
    block.panels = (uint32_t *)(block.channels + groups);
    const int32_t panel = layer->filter.h * layer->filter.w * 2;
    for (int32_t i = 0; i < groups; i++) {
        prepare_taps(layer, first + i * GROUP, block.channels + i, block.panels + i * panel);
    }
    const int8_t *image = layer->input_data + first;
    int8_t *output = layer->output_data + first;
    for (int32_t batch = 0; batch < layer->output.n; batch++) {
        for (int32_t y = 0; y < layer->output.h; y++, output += layer->output.w * layer->output.c) {
            walk_row(layer, &block, image, y * layer->params->stride.h - layer->params->padding.h, output);
        }
        image += layer->input.h * layer->input.w * layer->output.c;
    }
}

/* Fours of channels from `first` on, whose last may not be followed by more. */
static void walk_groups(const struct nn_depthwise *layer, const struct nn_tiling *tiling, int in_tiles, int32_t first,
                        int32_t groups)
{
    if (!fit(layer, first, first + groups * GROUP)) {
        nn_depthwise_plain(layer, first, first + groups * GROUP);
    } else if (in_tiles) {
        walk_tiles(layer, tiling, first);
    } else if (layer->output.n * layer->output.h * layer->output.w == 1) {
        for (int32_t i = 0; i < groups; i++) {
            walk_pixel(layer, first + i * GROUP);
        }
    } else {
        walk_taps(layer, first, groups);
    }
}

/* Bounds other than those of int8 are rare, so that the loops leave them out. */
static void clamp(int8_t *values, int32_t count, cmsis_nn_activation bounds)
{
    for (int8_t *end = values + count; values < end; values++) {
        *values = (int8_t)nn_clamp(*values, bounds.min, bounds.max);
    }
}

/* The last strip again as the first one: in place, its inputs are overwritten. Rare, so apart. */
static __attribute__((noinline)) void carry_strip(uint32_t *scratch, const struct nn_tiling *tiling)
{
    const int32_t words = tiling->rows * 4;
    nn_copy(scratch, scratch + tiling->at_once * words, 4 * words);
}

/* Outputs lie below or at the inputs of their own channels, and to the left of those that are still to be gathered. */
static int32_t tiles_walk(const struct nn_depthwise *layer, const struct nn_tiling *tiling)
{
    const cmsis_nn_dims *in = &layer->input, *out = &layer->output;
    const int in_columns = layer->params->stride.w == 1 && in->w == out->w && layer->params->padding.w < 3;
    const int serves = tiling->strips <= tiling->at_once ? in->n == 1 || (in->h == out->h && in->w == out->w)
                                                         : in_columns && (in->n == 1 || in->h == out->h);
    return serves ? NN_WALK(NN_PLANES, 0) : NN_NO_WALK;
}

int32_t nn_depthwise_dsp_walk(const struct nn_depthwise *layer)
{
    const int32_t depth = layer->output.c;
    const struct nn_tiling tiling = tiling_of(layer);
    if (depth < GROUP) {
        return NN_WALK(NN_UNBUFFERED, 1);
    }
    if (depth % GROUP != 0 || !fit(layer, 0, depth) || layer->input.w == 1) {
        return NN_NO_WALK;
    }
    if (tiles_serve(layer, &tiling)) {
        return tiles_walk(layer, &tiling);
    }
    return depth <= GROUP * groups_at_once(&layer->filter) ? NN_WALK(NN_UNBUFFERED, layer->output.w) : NN_NO_WALK;
}

static void walk_channels(const struct nn_depthwise *layer)
{
    const int32_t depth = layer->output.c;
    const struct nn_tiling tiling = tiling_of(layer);
    const int in_tiles = tiles_serve(layer, &tiling);
    const int32_t at_once = in_tiles ? 1 : groups_at_once(&layer->filter);
    int32_t left = depth / GROUP, channel = 0;
    while (left > 0) {
        const int32_t groups = left < at_once ? left : at_once;
        walk_groups(layer, &tiling, in_tiles, channel, groups);
        channel += groups * GROUP;
        left -= groups;
    }
    if (channel < depth) {
        walk_groups(layer, &tiling, in_tiles, depth - GROUP, 1);
    }
}

static cmsis_nn_tile turned(cmsis_nn_tile tile)
{
    return (cmsis_nn_tile){tile.h, tile.w};
}

/* A layer of one column as one of one row, which is the same in memory, and whose taps are one stretch. */
static void walk_column(const struct nn_depthwise *layer)
{
    struct nn_depthwise row = *layer;
    cmsis_nn_dw_conv_params params = *layer->params;
    params.stride = turned(params.stride);
    params.padding = turned(params.padding);
    params.dilation = turned(params.dilation);
    row.params = &params;
    row.input.w = layer->input.h;
    row.filter.w = layer->filter.h;
    row.output.w = layer->output.h;
    row.input.h = row.filter.h = row.output.h = 1;
    walk_channels(&row);
}

void nn_depthwise_dsp(const struct nn_depthwise *layer)
{
    const cmsis_nn_dims *out = &layer->output;
    const cmsis_nn_activation bounds = layer->params->activation;
    if (layer->params->ch_mult != 1 || out->c < GROUP) {
        nn_depthwise_plain(layer, 0, out->c);
        return;
    }
    if (layer->input.w == 1 && layer->filter.w == 1 && out->w == 1 && layer->params->padding.w == 0) {
        walk_column(layer);
    } else {
        walk_channels(layer);
    }
    if (bounds.min > -128 || bounds.max < 127) {
        clamp(layer->output_data, out->n * out->h * out->w * out->c, bounds);
    }
}

#else

int32_t nn_depthwise_dsp_walk(const struct nn_depthwise *layer)
{
    (void)layer;
    return NN_NO_WALK;
}

#endif

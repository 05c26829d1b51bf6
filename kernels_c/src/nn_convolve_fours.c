/*
 * The convolution without the DSP extension: channels in fours (nn_fours.h).
 *
 * Weights of as many channels as scratch memory has room for are joined in pairs once. Then the inputs of a pixel are
 * gathered, zero points where padding is, and serve all these channels. The input offset goes into the sums' start.
 */
#include "nn_convolve.h"
#include "nn_fours.h"
#include "nn_walks.h"

#define GROUP 4 /* channels */
/* Bytes of scratch memory for weights; those of one group are needed anyway. */
#define WEIGHTS_BYTES 5120

struct channels {
    int32_t start[GROUP];
    struct nn_scale scale[GROUP];
};

static int32_t taps_of(const cmsis_nn_dims *filter)
{
    return nn_round_up(nn_filter_size(filter), 4);
}

static int32_t group_bytes(const cmsis_nn_dims *filter)
{
    return 2 * GROUP * taps_of(filter) + (int32_t)sizeof(struct channels);
}

static int32_t groups_at_once(const cmsis_nn_dims *filter)
{
    const int32_t room = WEIGHTS_BYTES / group_bytes(filter), wanted = (filter->n + GROUP - 1) / GROUP;
    const int32_t groups = nn_smaller(room, wanted);
    return groups > 0 ? groups : 1;
}

int32_t nn_convolve_fours_scratch(const cmsis_nn_dims *filter)
{
    return groups_at_once(filter) * group_bytes(filter) + 4 * taps_of(filter);
}

/* Pixel by pixel where all channels are in scratch memory at once. Channels that are calculated otherwise keep no buffer. */
int32_t nn_convolve_fours_walk(const struct nn_convolution *layer)
{
    const int at_once = layer->filter.c == layer->input.c && GROUP * groups_at_once(&layer->filter) >= layer->output.c;
    return at_once ? NN_WALK(NN_UNBUFFERED, 1) : NN_NO_WALK;
}

/* Joins the weights of four channels, and starts their sums; 0 where products of two taps could leave 16 bits. */
static int join(const struct nn_convolution *layer, int32_t first, struct channels *channels, uint32_t *panel)
{
    const int32_t size = nn_filter_size(&layer->filter);
    const int8_t *weights = layer->filter_data + first * size;
    int narrow = 1;
    for (int32_t i = 0; i < GROUP; i++, weights += size) {
        uint32_t *to = panel + i / 2;
        int32_t sum = 0;
        for (int32_t tap = 0; tap < size; tap++, to += 2) {
            const int32_t weight = weights[tap];
            narrow &= weight != -128 || !(tap & 1) || weights[tap - 1] != -128;
            sum += weight;
            *to = i & 1 ? *to + ((uint32_t)weight << 16) : (uint32_t)weight;
        }
        for (int32_t tap = size; tap < taps_of(&layer->filter); tap++, to += 2) {
            *to = 0;
        }
        channels->scale[i] = nn_channel_scale(layer, first + i);
        channels->start[i] = sum * layer->params->input_offset + (layer->bias ? layer->bias[first + i] : 0);
    }
    return narrow;
}

/* Whole words of four inputs in one load: this runs once for each four channels that scratch memory has no room for. */
static int32_t *widen(int32_t *to, const int8_t *from, int32_t count)
{
    const int8_t *const end = from + count;
    if (((uintptr_t)from & 3) == 0) {
        for (const int8_t *last = end - 4; from <= last; from += 4, to += 4) {
            const uint32_t word = *(const uint32_t *)__builtin_assume_aligned(from, 4);
            to[0] = (int8_t)word;
            to[1] = (int8_t)(word >> 8);
            to[2] = (int8_t)(word >> 16);
            to[3] = (int32_t)word >> 24;
        }
    }
    while (from < end) {
        *to++ = *from++;
    }
    return to;
}

static int32_t *repeat(int32_t *to, int32_t value, int32_t count)
{
    for (; count > 0; count--) {
        *to++ = value;
    }
    return to;
}

/* The inputs of the output whose first tap is at top, left. */
static void gather(const struct nn_convolution *layer, const int8_t *image, int32_t top, int32_t left,
                   struct nn_taps columns, int32_t *to)
{
    const cmsis_nn_tile dilation = layer->params->dilation;
    const int32_t depth = layer->input.c, channels = layer->filter.c, taps = layer->filter.w;
    const int32_t zero = -layer->params->input_offset;
    const int32_t count = columns.end - columns.first;
    for (int32_t i = 0, row = top; i < layer->filter.h; i++, row += dilation.h) {
        if (row < 0 || row >= layer->input.h || count == 0) {
            to = repeat(to, zero, taps * channels);
            continue;
        }
        const int8_t *from = image + (row * layer->input.w + left + columns.first * dilation.w) * depth;
        to = repeat(to, zero, columns.first * channels);
        if (channels == depth && dilation.w == 1) {
            to = widen(to, from, count * channels);
        } else {
            for (int32_t j = 0; j < count; j++, from += dilation.w * depth) {
                to = widen(to, from, channels);
            }
        }
        to = repeat(to, zero, (taps - columns.end) * channels);
    }
}

struct block {
    struct channels *channels;
    uint32_t *panels;
    int32_t *inputs;
    int32_t first, groups; /* the last group may begin earlier, so that it ends with the last channel */
    int32_t last_first;
};

static int32_t first_of(const struct block *block, int32_t group)
{
    return group == block->groups - 1 ? block->last_first : block->first + group * GROUP;
}

/* What nn_scale.h says, without SMMLAR. */
static void finish(const struct nn_convolution *layer, const struct nn_scale *scale, const int32_t *sums, int8_t *output)
{
    const cmsis_nn_activation bounds = layer->params->activation;
    for (int32_t i = 0; i < GROUP; i++, scale++) {
        const int32_t sum = sums[i], high = nn_doubling_high_multiply(sum, scale->multiplier);
        const int32_t value = (high + (sum >> 31) + scale->add) >> scale->shift;
        output[i] = (int8_t)nn_clamp(value, bounds.min, bounds.max);
    }
}

static void walk_pixel(const struct nn_convolution *layer, const struct block *block, int8_t *output)
{
    const int32_t taps = taps_of(&layer->filter);
    const uint32_t *panel = block->panels;
    for (int32_t group = 0; group < block->groups; group++, panel += 2 * taps) {
        const struct channels *channels = block->channels + group;
        int32_t sums[GROUP] = {channels->start[0], channels->start[1], channels->start[2], channels->start[3]};
        nn_fours(block->inputs, panel, taps, sums);
        finish(layer, channels->scale, sums, output + first_of(block, group));
    }
}

static void walk_image(const struct nn_convolution *layer, const struct block *block, const int8_t *image)
{
    const cmsis_nn_conv_params *params = layer->params;
    int8_t *output = layer->output_data;
    for (int32_t batch = 0; batch < layer->output.n; batch++) {
        for (int32_t y = 0; y < layer->output.h; y++) {
            const int32_t top = y * params->stride.h - params->padding.h;
            for (int32_t x = 0; x < layer->output.w; x++, output += layer->output.c) {
                const int32_t left = x * params->stride.w - params->padding.w;
                const struct nn_taps columns =
                    nn_taps_inside(left, params->dilation.w, layer->filter.w, layer->input.w);
                gather(layer, image, top, left, columns, block->inputs);
                walk_pixel(layer, block, output);
            }
        }
        image += layer->input.h * layer->input.w * layer->input.c;
    }
}

/* Channels begin..end, at least four of one group of the filter begin with `least`. */
static void walk_channels(const struct nn_convolution *layer, int32_t begin, int32_t end, int32_t least)
{
    const int32_t room = groups_at_once(&layer->filter), taps = taps_of(&layer->filter);
    struct block block = {.channels = layer->scratch, .first = begin, .last_first = end - GROUP};
    block.panels = (uint32_t *)(block.channels + room);
    block.inputs = (int32_t *)(block.panels + room * 2 * taps);
    block.groups = (end - begin + GROUP - 1) / GROUP;
    int good = nn_channels_fit(layer, nn_smaller(begin, end - GROUP), end);
    for (int32_t group = 0; good && group < block.groups; group++) {
        good = join(layer, first_of(&block, group), block.channels + group, block.panels + group * 2 * taps);
    }
    if (!good) {
        nn_convolve_plain(layer, begin, end);
        return;
    }
    repeat(block.inputs, 0, taps);
    walk_image(layer, &block, layer->input_data + least / layer->group_outputs * layer->filter.c);
}

void nn_convolve_fours(const struct nn_convolution *layer)
{
    const int32_t at_once = GROUP * groups_at_once(&layer->filter);
    for (int32_t least = 0; least < layer->output.c; least += layer->group_outputs) {
        const int32_t group_end = least + layer->group_outputs;
        for (int32_t begin = least; begin < group_end; begin += at_once) {
            walk_channels(layer, begin, nn_smaller(begin + at_once, group_end), least);
        }
    }
}

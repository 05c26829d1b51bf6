/*
 * The convolution with the DSP extension where an output has few weights: channels in fours, pixels in pairs (nn_octets.h).
 *
 * Weights of as many channels as scratch memory has room for are spread once. Then the inputs of two pixels, the offset
 * added, are spread too, and serve all these channels. What is padded becomes 0.
 */
#include "nn_convolve.h"
#include "nn_dsp.h"
#include "nn_octets.h"

#define GROUP 4 /* channels */
/* Bytes of scratch memory for weights; those of one group are needed anyway. */
#define WEIGHTS_BYTES 5120

static int32_t column_bytes(const cmsis_nn_dims *filter)
{
    return nn_round_up(nn_filter_size(filter), 4);
}

static int32_t group_bytes(const cmsis_nn_dims *filter)
{
    return 2 * GROUP * column_bytes(filter) + (int32_t)sizeof(struct nn_octet_channels);
}

/* Groups that are in scratch memory at once. */
static int32_t groups_at_once(const cmsis_nn_dims *filter)
{
    const int32_t room = WEIGHTS_BYTES / group_bytes(filter), wanted = (filter->n + GROUP - 1) / GROUP;
    const int32_t groups = nn_smaller(room, wanted);
    return groups > 0 ? groups : 1;
}

int32_t nn_convolve_octets_scratch(const cmsis_nn_dims *filter, int in_place)
{
    const int32_t inputs = 4 * column_bytes(filter), columns = in_place ? 0 : 2 * column_bytes(filter);
    return groups_at_once(filter) * group_bytes(filter) + inputs + columns;
}

/* Spreading inputs costs as much as 8 multiplications by each of them would, and many taps are cheap to leave out. */
int nn_convolve_octets_pay(const cmsis_nn_dims *filter)
{
    const int32_t groups = groups_at_once(filter), wanted = (filter->n + GROUP - 1) / GROUP;
    const int32_t enough = filter->h * filter->w == 1 ? 2 : 4;
    return filter->n >= GROUP && groups >= nn_smaller(enough, wanted);
}

#if NN_DSP

/* Spreads weights of four channels, whose filters are `size` bytes each; the panel ends with weights of 0. */
static uint32_t *spread(uint32_t *panel, const int8_t *filters, int32_t size)
{
    int32_t left = size;
    for (; left >= 4; left -= 4, filters += 4, panel += 8) {
        const int8_t *filter = filters;
        for (int32_t i = 0; i < GROUP; i++, filter += size) {
            const uint32_t word = nn_load_word(filter);
            panel[i] = nn_doubled(nn_even_bytes(word));
            panel[i + 4] = nn_doubled(nn_odd_bytes(word));
        }
    }
    for (int32_t i = 0; left > 0 && i < GROUP; i++, filters += size) {
        uint32_t word = 0;
        __builtin_memcpy(&word, filters, (size_t)left);
        panel[i] = nn_doubled(nn_even_bytes(word));
        panel[i + 4] = nn_doubled(nn_odd_bytes(word));
    }
    return panel + (left > 0 ? 8 : 0);
}

/* Spreads `count` inputs (a multiple of 4) of two pixels. */
static inline uint32_t *spread_inputs(uint32_t *to, const int8_t *pixel_0, const int8_t *pixel_1, int32_t count,
                                      uint32_t offset)
{
    for (const int8_t *end = pixel_0 + count; pixel_0 < end; pixel_0 += 4, pixel_1 += 4, to += 4) {
        const uint32_t word_0 = nn_load_word(pixel_0), word_1 = nn_load_word(pixel_1);
        to[0] = nn_even_bytes_plus(offset, word_0);
        to[1] = nn_even_bytes_plus(offset, word_1);
        to[2] = nn_odd_bytes_plus(offset, word_0);
        to[3] = nn_odd_bytes_plus(offset, word_1);
    }
    return to;
}

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

/* Where and how the inputs of the pixels of a group of the filter are found. */
struct source {
    const int8_t *image;
    int whole_rows; /* taps of a row are one stretch of the input */
    int in_place;   /* whose length is a multiple of 4, too */
    int32_t row_bytes, tap_step, line;
    int32_t last_top, last_left; /* of pixels all of whose taps are inside */
    int8_t *columns;
    uint32_t *inputs;
    uint32_t offset;
};

struct pixel {
    int32_t top, left; /* of its first tap */
    const int8_t *image;
    int8_t *output;
};

static int is_inside(const struct source *source, const struct pixel *pixel)
{
    return source->whole_rows && pixel->top >= 0 && pixel->top <= source->last_top && pixel->left >= 0 &&
           pixel->left <= source->last_left;
}

static const int8_t *first_tap(const struct nn_convolution *layer, const struct source *source,
                               const struct pixel *pixel)
{
    return pixel->image + pixel->top * source->line + pixel->left * layer->input.c;
}

static void gather(const struct nn_convolution *layer, const struct source *source, const struct pixel *pixel, int8_t *to)
{
    if (is_inside(source, pixel)) {
        gather_rows(first_tap(layer, source, pixel), layer->filter.h, source->row_bytes, source->tap_step, to);
    } else {
        gather_edge(layer, pixel->image, pixel->top, pixel->left, to);
    }
}

static void spread_pixels(const struct nn_convolution *layer, const struct source *source, const struct pixel *pixels)
{
    if (source->in_place && is_inside(source, pixels) && is_inside(source, pixels + 1)) {
        const int8_t *row_0 = first_tap(layer, source, pixels), *row_1 = first_tap(layer, source, pixels + 1);
        uint32_t *to = source->inputs;
        for (int32_t i = layer->filter.h; i > 0; i--, row_0 += source->tap_step, row_1 += source->tap_step) {
            to = spread_inputs(to, row_0, row_1, source->row_bytes, source->offset);
        }
        return;
    }
    const int32_t bytes = column_bytes(&layer->filter);
    gather(layer, source, pixels, source->columns);
    gather(layer, source, pixels + 1, source->columns + bytes);
    spread_inputs(source->inputs, source->columns, source->columns + bytes, bytes, source->offset);
}

/* Channels of a block: whole groups, and the last four where some are left over. */
struct block {
    struct nn_octet_channels *channels;
    uint32_t *panels;
    int32_t groups, first, rest_first;
    int has_rest;
};

static void walk_pair(const struct nn_convolution *layer, const struct source *source, const struct block *block,
                      const struct pixel *pixels)
{
    const int32_t steps = column_bytes(&layer->filter) / 2;
    struct nn_octet_walk walk = {steps, block->groups, pixels[0].output + block->first, pixels[1].output + block->first};
    spread_pixels(layer, source, pixels);
    if (block->groups) {
        nn_octets(source->inputs, block->panels, block->channels, &walk);
    }
    if (block->has_rest) {
        walk = (struct nn_octet_walk){steps, 1, pixels[0].output + block->rest_first, pixels[1].output + block->rest_first};
        nn_octets(source->inputs, block->panels + block->groups * steps * GROUP, block->channels + block->groups, &walk);
    }
}

static void walk_image(const struct nn_convolution *layer, const struct source *source, const struct block *block)
{
    const cmsis_nn_conv_params *params = layer->params;
    struct pixel pixels[2];
    int waiting = 0;
    const int8_t *image = source->image;
    int8_t *output = layer->output_data;
    for (int32_t batch = 0; batch < layer->output.n; batch++) {
        int32_t top = -params->padding.h;
        for (int32_t y = layer->output.h; y > 0; y--, top += params->stride.h) {
            int32_t left = -params->padding.w;
            for (int32_t x = layer->output.w; x > 0; x--, left += params->stride.w, output += layer->output.c) {
                pixels[waiting] = (struct pixel){top, left, image, output};
                if (waiting) {
                    walk_pair(layer, source, block, pixels);
                }
                waiting ^= 1;
            }
        }
        image += layer->input.h * source->line;
    }
    if (waiting) {
        pixels[1] = pixels[0];
        walk_pair(layer, source, block, pixels);
    }
}

/* The channels' weights and scales. */
static void prepare(const struct nn_convolution *layer, int32_t first, struct nn_octet_channels *channels, uint32_t *panel)
{
    const int32_t size = nn_filter_size(&layer->filter);
    for (int32_t i = 0; i < GROUP; i++) {
        channels->start[i] = layer->bias ? 2 * layer->bias[first + i] : 0;
        channels->scale[i] = nn_channel_scale(layer, first + i);
    }
    spread(panel, layer->filter_data + first * size, size);
}

/* Channels begin..end; those of their group of the filter begin with `least`. */
static void walk_channels(const struct nn_convolution *layer, int32_t begin, int32_t end, int32_t least)
{
    const cmsis_nn_dims *filter = &layer->filter;
    const int32_t bytes = column_bytes(filter), room = groups_at_once(filter);
    struct block block = {.channels = layer->scratch, .first = begin};
    block.panels = (uint32_t *)(block.channels + room);
    const struct source source = {
        .image = layer->input_data + least / layer->group_outputs * filter->c,
        .whole_rows = filter->c == layer->input.c && (layer->params->dilation.w == 1 || filter->w == 1),
        .in_place = nn_goes_in_place(layer->params, &layer->input, filter),
        .row_bytes = filter->w * filter->c,
        .line = layer->input.w * layer->input.c,
        .tap_step = layer->input.w * layer->input.c * layer->params->dilation.h,
        .last_top = layer->input.h - 1 - (filter->h - 1) * layer->params->dilation.h,
        .last_left = layer->input.w - filter->w,
        .inputs = block.panels + room * bytes * GROUP / 2,
        .columns = (int8_t *)(block.panels + room * bytes * GROUP / 2 + bytes),
        .offset = nn_pair_of(layer->params->input_offset),
    };
    block.groups = (end - begin) / GROUP;
    block.has_rest = (end - begin) % GROUP != 0;
    block.rest_first = end - GROUP;
    for (int32_t i = 0; i < block.groups; i++) {
        prepare(layer, begin + i * GROUP, block.channels + i, block.panels + i * bytes * GROUP / 2);
    }
    if (block.has_rest) {
        prepare(layer, block.rest_first, block.channels + block.groups, block.panels + block.groups * bytes * GROUP / 2);
    }
    __builtin_memset(source.columns, 0, source.in_place ? 0 : (size_t)(2 * bytes));
    walk_image(layer, &source, &block);
}

void nn_convolve_octets(const struct nn_convolution *layer)
{
    const int32_t room = GROUP * groups_at_once(&layer->filter);
    const int32_t blocks = (layer->group_outputs + room - 1) / room;
    const int32_t at_once = nn_round_up((layer->group_outputs + blocks - 1) / blocks, GROUP);
    for (int32_t least = 0; least < layer->output.c; least += layer->group_outputs) {
        const int32_t group_end = least + layer->group_outputs;
        for (int32_t begin = least; begin < group_end; begin += at_once) {
            const int32_t end = nn_smaller(begin + at_once, group_end);
            if (nn_channels_fit(layer, end - begin < GROUP ? end - GROUP : begin, end)) {
                walk_channels(layer, begin, end, least);
            } else {
                nn_convolve_plain(layer, begin, end);
            }
        }
    }
}

#endif

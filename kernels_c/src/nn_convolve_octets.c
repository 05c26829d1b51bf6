/*
 * The convolution with the DSP extension where an output has few weights: channels in fours, pixels in pairs (nn_octets.h).
 *
 * Weights of as many channels as scratch memory has room for are spread once. Then the inputs of two pixels, the offset
 * added, are spread too, and serve all these channels. What is padded becomes 0.
 */
#include "nn_convolve.h"
#include "nn_dsp.h"
#include "nn_octets.h"
#include "nn_walks.h"

#define GROUP 4 /* channels */
#define QUEUE 8 /* pixels */
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

/* Pixels whose inputs are gathered before they are multiplied: several, so that code need not be fetched for each anew. */
static int32_t queue_of(const cmsis_nn_dims *filter)
{
    return column_bytes(filter) <= 64 ? QUEUE : 2;
}

/* Weights, the inputs of two pixels, and gathered ones. */
int32_t nn_convolve_octets_scratch(const cmsis_nn_dims *filter)
{
    return groups_at_once(filter) * group_bytes(filter) + (4 + queue_of(filter)) * column_bytes(filter);
}

/* Spreading inputs costs as much as 8 multiplications by each of them would, and many taps are cheap to leave out. */
int nn_convolve_octets_pay(const cmsis_nn_dims *filter)
{
    const int32_t groups = groups_at_once(filter), wanted = (filter->n + GROUP - 1) / GROUP;
    const int32_t enough = filter->h * filter->w == 1 ? 2 : 4;
    return filter->n >= GROUP && groups >= nn_smaller(enough, wanted);
}

/* Pixels as they are gathered, where all channels are in scratch memory at once. */
int32_t nn_convolve_octets_walk(const struct nn_convolution *layer)
{
    if (layer->filter.c != layer->input.c || GROUP * groups_at_once(&layer->filter) < layer->output.c) {
        return NN_NO_WALK;
    }
    if (!nn_channels_fit(layer, 0, layer->output.c)) {
        return NN_WALK(NN_UNBUFFERED, 1);
    }
    const int in_place = nn_goes_in_place(layer->params, &layer->input, &layer->filter);
    return NN_WALK(NN_BUFFERED, in_place ? 2 : queue_of(&layer->filter));
}

#if NN_DSP

/* Spreads weights of four channels, whose filters are `size` bytes each; the panel ends with weights of 0. */
static __attribute__((noinline)) void spread(uint32_t *panel, const int8_t *filters, int32_t size)
{
    const int8_t *a = filters, *b = a + size, *c = b + size, *d = c + size;
    for (const int8_t *end = a + (size & ~3); a < end; a += 4, b += 4, c += 4, d += 4, panel += 8) {
        const uint32_t word_a = nn_load_word(a), word_b = nn_load_word(b);
        const uint32_t word_c = nn_load_word(c), word_d = nn_load_word(d);
        panel[0] = nn_doubled(nn_even_bytes(word_a));
        panel[4] = nn_doubled(nn_odd_bytes(word_a));
        panel[1] = nn_doubled(nn_even_bytes(word_b));
        panel[5] = nn_doubled(nn_odd_bytes(word_b));
        panel[2] = nn_doubled(nn_even_bytes(word_c));
        panel[6] = nn_doubled(nn_odd_bytes(word_c));
        panel[3] = nn_doubled(nn_even_bytes(word_d));
        panel[7] = nn_doubled(nn_odd_bytes(word_d));
    }
    for (int32_t i = 0; size & 3 && i < GROUP; i++, a += size) {
        uint32_t word = 0;
        __builtin_memcpy(&word, a, (size_t)(size & 3));
        panel[i] = nn_doubled(nn_even_bytes(word));
        panel[i + 4] = nn_doubled(nn_odd_bytes(word));
    }
}

/* What a layer's pixels have in common, for the outputs of one group of the filter. */
struct source {
    const struct nn_convolution *layer;
    const int8_t *image;
    int32_t line;      /* bytes of a row of the input */
    int32_t row_bytes; /* of a row of taps, where it is one stretch of the input, else of a tap */
    int32_t tap_step;  /* from such a stretch to the one below */
    int32_t bytes;     /* of all taps, rounded up to words */
    int32_t last_top, last_left; /* of pixels all of whose taps are inside; -1 where rows are no stretches */
    int32_t rows;      /* of taps */
    int in_place;
    int8_t *columns;
    uint32_t *inputs;
    uint32_t offset;
};

struct pixel {
    int32_t top, left;      /* of its first tap */
    const int8_t *image;
    const int8_t *first_tap; /* NULL where not all taps are inside */
    int8_t *output;
};

/* `rows` times `count` bytes. The empty asm keeps compilers from calling memcpy for a few of them. */
static void copy_rows(int8_t *to, int32_t to_step, const int8_t *from, int32_t from_step, int32_t rows, int32_t count)
{
    for (; rows > 0; rows--, to += to_step, from += from_step) {
        int32_t left = count;
        const int8_t *in = from;
        int8_t *out = to;
        for (; left >= 4; left -= 4, in += 4, out += 4) {
            __builtin_memcpy(out, in, 4);
        }
        for (; left > 0; left--) {
            __asm__ volatile("");
            *out++ = *in++;
        }
    }
}

/* The inputs of a pixel near an edge, or whose taps are no neighbours; zero points where padding is. */
static __attribute__((noinline)) void gather_edge(const struct source *source, const struct pixel *pixel, int8_t *to)
{
    const struct nn_convolution *layer = source->layer;
    const cmsis_nn_conv_params *params = layer->params;
    const cmsis_nn_dims *filter = &layer->filter;
    const int32_t channels = filter->c;
    const struct nn_taps rows = nn_taps_inside(pixel->top, params->dilation.h, filter->h, layer->input.h);
    const struct nn_taps columns = nn_taps_inside(pixel->left, params->dilation.w, filter->w, layer->input.w);
    const uint32_t zeros = (uint8_t)-params->input_offset * 0x01010101u;
    for (uint32_t *word = (uint32_t *)to, *end = (uint32_t *)(to + source->bytes); word < end; word++) {
        *word = zeros;
    }
    const int together = source->row_bytes != channels;
    const int32_t count = together ? (columns.end - columns.first) * channels : channels;
    for (int32_t j = columns.first; j < columns.end; j += together ? filter->w : 1) {
        const int32_t row = pixel->top + rows.first * params->dilation.h, column = pixel->left + j * params->dilation.w;
        copy_rows(to + (rows.first * filter->w + j) * channels, filter->w * channels,
                  pixel->image + row * source->line + column * layer->input.c, source->tap_step, rows.end - rows.first,
                  count);
    }
}

static __attribute__((noinline)) void gather(const struct source *source, const struct pixel *pixel, int8_t *to)
{
    if (pixel->first_tap) {
        copy_rows(to, source->row_bytes, pixel->first_tap, source->tap_step, source->layer->filter.h, source->row_bytes);
    } else {
        gather_edge(source, pixel, to);
    }
}

/* Near edges, where inputs otherwise are stretches of words. */
static __attribute__((noinline)) void gather_pair(const struct source *source, const struct pixel *pixel_0,
                                                  const struct pixel *pixel_1)
{
    int8_t *const columns = source->columns;
    gather(source, pixel_0, columns);
    gather(source, pixel_1, columns + source->bytes);
    nn_spread_inputs(source->inputs, columns, columns + source->bytes, source->bytes, source->offset);
}

static void spread_in_place(const struct source *source, const struct pixel *pixel_0, const struct pixel *pixel_1)
{
    const int8_t *row_0 = pixel_0->first_tap, *row_1 = pixel_1->first_tap;
    if (!row_0 || !row_1) {
        gather_pair(source, pixel_0, pixel_1);
        return;
    }
    uint32_t *to = source->inputs;
    for (int32_t i = source->rows; i > 0; i--, row_0 += source->tap_step, row_1 += source->tap_step) {
        to = nn_spread_inputs(to, row_0, row_1, source->row_bytes, source->offset);
    }
}

/* Channels of a block: whole groups, and the last four where some are left over. */
struct block {
    struct nn_octet_channels *channels;
    uint32_t *panels;
    int32_t panel; /* words of one */
    int32_t steps, groups, first, rest_first;
    int has_rest;
};

static __attribute__((noinline)) void multiply_rest(const struct source *source, const struct block *block,
                                                    int8_t *output_0, int8_t *output_1)
{
    const struct nn_octet_walk walk = {block->steps, 1, output_0 + block->rest_first, output_1 + block->rest_first};
    nn_octets(source->inputs, block->panels + block->groups * block->panel, block->channels + block->groups, &walk);
}

static void multiply(const struct source *source, const struct block *block, int8_t *output_0, int8_t *output_1)
{
    if (block->groups) {
        const struct nn_octet_walk walk = {block->steps, block->groups, output_0 + block->first, output_1 + block->first};
        nn_octets(source->inputs, block->panels, block->channels, &walk);
    }
    if (block->has_rest) {
        multiply_rest(source, block, output_0, output_1);
    }
}

/* These two are kept short, and what is rare apart: with nn_octets each has to fit the 32 lines of a small instruction cache. */
static NN_HOT void walk_in_place(const struct source *source, const struct block *block, const struct pixel *pixels,
                                 int32_t count)
{
    for (; count > 0; count -= 2, pixels += 2) {
        const struct pixel *const other = count > 1 ? pixels + 1 : pixels;
        spread_in_place(source, pixels, other);
        multiply(source, block, pixels->output, other->output);
    }
}

static NN_HOT void walk_gathered(const struct source *source, const struct block *block, const struct pixel *pixels,
                                 int32_t count)
{
    const int8_t *column = source->columns;
    const int32_t bytes = source->bytes;
    for (int32_t i = 0; i < count; i++) {
        gather(source, pixels + i, source->columns + i * bytes);
    }
    for (; count > 0; count -= 2, pixels += 2, column += 2 * bytes) {
        const int32_t other = count > 1;
        nn_spread_inputs(source->inputs, column, column + other * bytes, bytes, source->offset);
        multiply(source, block, pixels->output, pixels[other].output);
    }
}

static void walk_pixels(const struct source *source, const struct block *block, const struct pixel *pixels, int32_t count)
{
    if (source->in_place) {
        walk_in_place(source, block, pixels, count);
    } else {
        walk_gathered(source, block, pixels, count);
    }
}

static void walk_image(const struct source *source, const struct block *block)
{
    const struct nn_convolution *layer = source->layer;
    const cmsis_nn_conv_params *params = layer->params;
    const int32_t room = source->in_place ? QUEUE : queue_of(&layer->filter);
    struct pixel pixels[QUEUE];
    int32_t count = 0;
    const int8_t *image = source->image;
    int8_t *output = layer->output_data;
    for (int32_t batch = 0; batch < layer->output.n; batch++) {
        int32_t top = -params->padding.h;
        for (int32_t y = layer->output.h; y > 0; y--, top += params->stride.h) {
            const int32_t last_left = top >= 0 && top <= source->last_top ? source->last_left : -1;
            const int8_t *tap = image + top * source->line - params->padding.w * layer->input.c;
            int32_t left = -params->padding.w;
            for (int32_t x = layer->output.w; x > 0; x--) {
                const int inside = left >= 0 && left <= last_left;
                pixels[count++] = (struct pixel){top, left, image, inside ? tap : 0, output};
                if (count == room) {
                    walk_pixels(source, block, pixels, count);
                    count = 0;
                }
                left += params->stride.w;
                tap += params->stride.w * layer->input.c;
                output += layer->output.c;
            }
        }
        image += layer->input.h * source->line;
    }
    walk_pixels(source, block, pixels, count);
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

static struct source source_of(const struct nn_convolution *layer, int32_t group, uint32_t *inputs)
{
    const cmsis_nn_dims *filter = &layer->filter, *input = &layer->input;
    const cmsis_nn_tile dilation = layer->params->dilation;
    const int stretches = filter->c == input->c && (dilation.w == 1 || filter->w == 1);
    const int32_t bytes = column_bytes(filter), line = input->w * input->c;
    return (struct source){
        .layer = layer,
        .image = layer->input_data + group * filter->c,
        .line = line,
        .row_bytes = stretches ? filter->w * filter->c : filter->c,
        .tap_step = line * dilation.h,
        .bytes = bytes,
        .last_top = input->h - 1 - (filter->h - 1) * dilation.h,
        .last_left = stretches ? input->w - filter->w : -1,
        .rows = filter->h,
        .in_place = nn_goes_in_place(layer->params, input, filter),
        .columns = (int8_t *)(inputs + bytes),
        .inputs = inputs,
        .offset = nn_pair_of(layer->params->input_offset),
    };
}

/* Channels begin..end, all of one group of the filter. */
static void walk_channels(const struct nn_convolution *layer, int32_t begin, int32_t end)
{
    const int32_t panel = column_bytes(&layer->filter) * GROUP / 2, room = groups_at_once(&layer->filter);
    struct block block = {
        .channels = layer->scratch,
        .panel = panel,
        .steps = column_bytes(&layer->filter) / 2,
        .groups = (end - begin) / GROUP,
        .first = begin,
        .rest_first = end - GROUP,
        .has_rest = (end - begin) % GROUP != 0,
    };
    block.panels = (uint32_t *)(block.channels + room);
    const struct source source = source_of(layer, begin / layer->group_outputs, block.panels + room * panel);
    for (int32_t i = 0; i < block.groups; i++) {
        prepare(layer, begin + i * GROUP, block.channels + i, block.panels + i * panel);
    }
    if (block.has_rest) {
        prepare(layer, block.rest_first, block.channels + block.groups, block.panels + block.groups * panel);
    }
    walk_image(&source, &block);
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
                walk_channels(layer, begin, end);
            } else {
                nn_convolve_plain(layer, begin, end);
            }
        }
    }
}

#endif

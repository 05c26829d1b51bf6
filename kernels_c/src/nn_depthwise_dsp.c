/*
 * The depthwise convolution with the DSP extension, four channels at a time.
 *
 * 3 x 3 taps: inputs are spread to strips, channel by channel, so that SMLAD adds two taps (nn_depthwise_tiles.h).
 * Other filters: a word of input is four channels of a pixel; SMLABB and SMLATT add one tap of each.
 * Where channels do not divide by four, the last four overlap those before.
 */
#include "nn_depthwise.h"
#include "nn_depthwise_tiles.h"
#include "nn_dsp.h"

#define GROUP 4
/* Bytes of scratch memory for strips; two strips are needed anyway. */
#define STRIPS_BYTES 4096

static int32_t strip_bytes(int32_t rows)
{
    return rows * NN_STRIP_ROW_BYTES;
}

/* Strips that are in scratch memory at once, of those that an input has. */
static int32_t strips_at_once(int32_t rows, int32_t width)
{
    const int32_t room = STRIPS_BYTES / strip_bytes(rows), wanted = (width + 2) / 2 + 1;
    const int32_t strips = room < wanted ? room : wanted;
    return strips > 2 ? strips : 2;
}

int32_t nn_depthwise_dsp_scratch(const cmsis_nn_dims *input, const cmsis_nn_dims *filter)
{
    if (filter->h == 3 && filter->w == 3) {
        const int32_t rows = input->h + 2;
        return strips_at_once(rows, input->w) * strip_bytes(rows);
    }
    return filter->h * filter->w * 2 * GROUP;
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
static int fit(const struct nn_depthwise *layer, int32_t first, int32_t end)
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

static uint32_t low_halves(uint32_t low, uint32_t high)
{
    return (low & 0xFFFFu) | high << 16;
}

static uint32_t high_halves(uint32_t low, uint32_t high)
{
    return low >> 16 | (high & 0xFFFF0000u);
}

/* --- 3 x 3 taps --- */

static struct nn_tile_channel tile_channel(const struct nn_depthwise *layer, int32_t channel)
{
    struct nn_tile_channel found = {.start = start_of(layer, channel), .scale = scale_of(layer, channel)};
    const int8_t *weight = layer->filter_data + channel;
    for (int32_t row = 0; row < 3; row++) {
        const int32_t w0 = 2 * weight[0], w1 = 2 * weight[layer->output.c], w2 = 2 * weight[2 * layer->output.c];
        found.weights[2 * row] = low_halves((uint32_t)w0, (uint32_t)w1);
        found.weights[2 * row + 1] = low_halves((uint32_t)w1, (uint32_t)w2);
        weight += 3 * layer->output.c;
    }
    return found;
}

/* Rows top.. of columns `left` and left + 1, four channels from `image` on, to a strip. Outside the input they are 0. */
static void gather_strip(const struct nn_depthwise *layer, const int8_t *image, int32_t top, int32_t left, int32_t rows,
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
        strip[0] = low_halves(even_a, even_b);
        strip[1] = low_halves(odd_a, odd_b);
        strip[2] = high_halves(even_a, even_b);
        strip[3] = high_halves(odd_a, odd_b);
    }
    for (rows -= inside; rows > 0; rows--, strip += 4) {
        strip[0] = strip[1] = strip[2] = strip[3] = 0;
    }
}

static int32_t tile_rows(const struct nn_depthwise *layer)
{
    return layer->params->stride.h == 1 ? layer->output.h + 2 : 2 * layer->output.h + 1;
}

static int tiles_serve(const struct nn_depthwise *layer)
{
    const cmsis_nn_dw_conv_params *params = layer->params;
    return layer->filter.h == 3 && layer->filter.w == 3 && params->dilation.h == 1 && params->dilation.w == 1 &&
           params->stride.h == params->stride.w && params->stride.h <= 2 && layer->output.h >= 2 &&
           params->padding.h <= tile_rows(layer) && tile_rows(layer) <= layer->input.h + 2;
}

/* Channels channel .. channel + 3. */
static void walk_tiles(const struct nn_depthwise *layer, int32_t channel)
{
    struct nn_tile_channel channels[GROUP];
    for (int32_t i = 0; i < GROUP; i++) {
        channels[i] = tile_channel(layer, channel + i);
    }
    const cmsis_nn_tile padding = layer->params->padding;
    const int32_t stride = layer->params->stride.h, across = stride == 1 ? 2 : 1; /* outputs of a strip */
    const int32_t rows = tile_rows(layer), strips = (layer->output.w + across - 1) / across;
    const int32_t at_once = strips_at_once(layer->input.h + 2, layer->input.w) - 1;
    const int32_t depth = layer->output.c;
    uint32_t *const scratch = layer->scratch;
    const int8_t *image = layer->input_data + channel;
    int8_t *output = layer->output_data + channel;
    for (int32_t batch = 0; batch < layer->output.n; batch++) {
        for (int32_t first = 0; first < strips; first += at_once) {
            const int32_t count = strips - first < at_once ? strips - first : at_once;
            for (int32_t i = 0; i <= count; i++) {
                gather_strip(layer, image, -padding.h, 2 * (first + i) - padding.w, rows, scratch + i * rows * 4);
            }
            const int32_t last_step = first + count == strips && layer->output.w % across ? 0 : depth;
            const struct nn_tile_walk walk = {
                .strip_bytes = strip_bytes(rows),
                .column_step = count == 1 ? last_step : depth,
                .row_step = layer->output.w * depth,
                .strip_step = across * depth,
                .whole_tiles = layer->output.h / 2,
                .odd = layer->output.h % 2,
                .strips = count,
                .last_column_step = last_step,
            };
            for (int32_t i = 0; i < GROUP; i++) {
                int8_t *const to = output + first * across * depth + i;
                if (stride == 1) {
                    nn_depthwise_tiles_1(scratch + i, &walk, channels + i, to);
                } else {
                    nn_depthwise_tiles_2(scratch + i, &walk, channels + i, to);
                }
            }
        }
        image += layer->input.h * layer->input.w * layer->input.c;
        output += layer->output.h * layer->output.w * depth;
    }
}

/* --- Any taps --- */

static void walk_taps(const struct nn_depthwise *layer, int32_t channel)
{
    const cmsis_nn_dw_conv_params *params = layer->params;
    const int32_t taps = layer->filter.h * layer->filter.w, depth = layer->output.c;
    uint32_t *const panel = layer->scratch;
    for (int32_t tap = 0; tap < taps; tap++) {
        const uint32_t word = nn_load_word(layer->filter_data + tap * depth + channel);
        panel[2 * tap] = (uint32_t)__sadd16((int16x2_t)nn_even_bytes(word), (int16x2_t)nn_even_bytes(word));
        panel[2 * tap + 1] = (uint32_t)__sadd16((int16x2_t)nn_odd_bytes(word), (int16x2_t)nn_odd_bytes(word));
    }
    int32_t starts[GROUP];
    struct nn_scale scales[GROUP];
    for (int32_t i = 0; i < GROUP; i++) {
        starts[i] = start_of(layer, channel + i);
        scales[i] = scale_of(layer, channel + i);
    }
    const uint32_t offset = nn_pair_of(layer->params->input_offset);
    const int32_t step = params->dilation.w * depth;
    const int8_t *image = layer->input_data + channel;
    int8_t *output = layer->output_data + channel;
    for (int32_t batch = 0; batch < layer->output.n; batch++) {
        for (int32_t y = 0; y < layer->output.h; y++) {
            const int32_t top = y * params->stride.h - params->padding.h;
            const struct nn_taps rows = nn_taps_inside(top, params->dilation.h, layer->filter.h, layer->input.h);
            for (int32_t x = 0; x < layer->output.w; x++, output += depth) {
                const int32_t left = x * params->stride.w - params->padding.w;
                const struct nn_taps columns =
                    nn_taps_inside(left, params->dilation.w, layer->filter.w, layer->input.w);
                int32_t sum_0 = starts[0], sum_1 = starts[1], sum_2 = starts[2], sum_3 = starts[3];
                for (int32_t i = rows.first; i < rows.end; i++) {
                    const uint32_t *weights = panel + 2 * (i * layer->filter.w + columns.first);
                    const uint32_t *const end = weights + 2 * (columns.end - columns.first);
                    const int32_t row = (top + i * params->dilation.h) * layer->input.w;
                    const int8_t *input = image + (row + left + columns.first * params->dilation.w) * depth;
                    for (; weights < end; weights += 2, input += step) {
                        const uint32_t word = nn_load_word(input);
                        const int32_t w_even = (int32_t)weights[0], w_odd = (int32_t)weights[1];
                        const int32_t even = (int32_t)nn_even_bytes_plus(offset, word);
                        const int32_t odd = (int32_t)nn_odd_bytes_plus(offset, word);
                        sum_0 = __smlabb(even, w_even, sum_0);
                        sum_1 = __smlabb(odd, w_odd, sum_1);
                        sum_2 = __smlatt(even, w_even, sum_2);
                        sum_3 = __smlatt(odd, w_odd, sum_3);
                    }
                }
                output[0] = (int8_t)nn_scaled(sum_0, scales);
                output[1] = (int8_t)nn_scaled(sum_1, scales + 1);
                output[2] = (int8_t)nn_scaled(sum_2, scales + 2);
                output[3] = (int8_t)nn_scaled(sum_3, scales + 3);
            }
        }
        image += layer->input.h * layer->input.w * depth;
    }
}

/* Bounds other than those of int8 are rare, so that the loops leave them out. */
static void clamp(int8_t *values, int32_t count, cmsis_nn_activation bounds)
{
    for (int8_t *end = values + count; values < end; values++) {
        *values = (int8_t)nn_clamp(*values, bounds.min, bounds.max);
    }
}

void nn_depthwise_dsp(const struct nn_depthwise *layer)
{
    const int32_t depth = layer->output.c;
    const cmsis_nn_activation bounds = layer->params->activation;
    if (layer->params->ch_mult != 1 || depth < GROUP) {
        nn_depthwise_plain(layer, 0, depth);
        return;
    }
    const int in_tiles = tiles_serve(layer);
    for (int32_t channel = 0; channel < depth; channel += GROUP) {
        const int32_t first = channel + GROUP <= depth ? channel : depth - GROUP;
        if (!fit(layer, first, first + GROUP)) {
            nn_depthwise_plain(layer, first, first + GROUP);
        } else if (in_tiles) {
            walk_tiles(layer, first);
        } else {
            walk_taps(layer, first);
        }
    }
    if (bounds.min > -128 || bounds.max < 127) {
        clamp(layer->output_data, layer->output.n * layer->output.h * layer->output.w * depth, bounds);
    }
}

#endif

/*
 * The depthwise convolution of int16 with 3 x 3 taps, in tiles: inputs go to strips, channel by channel, so that SMLAD adds two taps
 * (nn_depthwise_tiles.h). Where channels do not divide by four, the last four overlap those before.
 */
#include "nn_depthwise_s16.h"
#include "nn_depthwise_tiling.h"
#include "nn_lanes.h"

#define GROUP 4

int32_t nn_depthwise_s16_scratch(const cmsis_nn_dims *input, const cmsis_nn_dims *filter)
{
    return NN_DSP && filter->h == 3 && filter->w == 3 ? nn_strips_scratch(input) : 0;
}

#if NN_DSP

static const struct nn_tile_kernels tile_kernels = {nn_depthwise_tiles_1_s16, nn_depthwise_tiles_2_s16,
                                                    nn_depthwise_tiles_half_s16};

static int64_t bias_of(const struct nn_depthwise_s16 *layer, int32_t channel)
{
    const int64_t *const bias = layer->channels.bias->data;
    return bias ? bias[channel] : 0;
}

/* Whether sums of four channels have 32 bits. */
static int are_narrow(const struct nn_depthwise_s16 *layer, int32_t channel)
{
    for (int32_t i = channel; i < channel + GROUP; i++) {
        if (!nn_is_narrow(NULL, 9, bias_of(layer, i), layer->channels.shift[i])) {
            return 0;
        }
    }
    return 1;
}

static void prepare(const struct nn_depthwise_s16 *layer, int32_t channel, struct nn_tile_channel *found)
{
    const int32_t depth = layer->output.c;
    for (int32_t i = channel; i < channel + GROUP; i++, found++) {
        const int8_t *weight = layer->filter_data + i;
        for (int32_t row = 0; row < 6; row += 2, weight += 3 * depth) {
            found->weights[row] = nn_low_halves((uint32_t)weight[0], (uint32_t)weight[depth]);
            found->weights[row + 1] = nn_low_halves((uint32_t)weight[depth], (uint32_t)weight[2 * depth]);
        }
        found->start = (int32_t)bias_of(layer, i);
        found->scale.multiplier = nn_narrow_scale_of(layer->channels.multiplier[i], layer->channels.shift[i]).multiplier;
    }
}

/* A column of the image, or zeros where there is none; `step`: to the next row. */
struct column {
    const int16_t *at;
    int32_t step;
};

static struct column column_of(const struct nn_depthwise_s16 *layer, const int16_t *image, int32_t top, int32_t left)
{
    static const int16_t zeros[GROUP];
    const cmsis_nn_dims *in = &layer->input;
    if (left < 0 || left >= in->w) {
        return (struct column){zeros, 0};
    }
    return (struct column){image + (top * in->w + left) * in->c, in->w * in->c};
}

static uint32_t *clear_rows(uint32_t *strip, int32_t rows)
{
    for (; rows > 0; rows--, strip += 4) {
        strip[0] = strip[1] = strip[2] = strip[3] = 0;
    }
    return strip;
}

/* Rows top.. of columns `left` and left + 1, four channels from `image` on, to a strip. Outside the input they are 0. */
static NN_HOT void gather_strip(const struct nn_depthwise_s16 *layer, const int16_t *image, int32_t top, int32_t left,
                                int32_t rows, uint32_t *strip)
{
    const int32_t above = top < 0 ? -top : 0, left_over = layer->input.h - (top + above);
    const int32_t inside = rows - above < left_over ? rows - above : left_over;
    struct column a = column_of(layer, image, top + above, left), b = column_of(layer, image, top + above, left + 1);
    strip = clear_rows(strip, above);
    for (const uint32_t *end = strip + 4 * inside; strip < end; a.at += a.step, b.at += b.step, strip += 4) {
        const uint32_t a_01 = nn_lanes_load(a.at), a_23 = nn_lanes_load(a.at + 2);
        const uint32_t b_01 = nn_lanes_load(b.at), b_23 = nn_lanes_load(b.at + 2);
        strip[0] = nn_low_halves(a_01, b_01);
        strip[1] = nn_high_halves(a_01, b_01);
        strip[2] = nn_low_halves(a_23, b_23);
        strip[3] = nn_high_halves(a_23, b_23);
    }
    clear_rows(strip, rows - above - inside);
}

static void walk_strips(const struct nn_depthwise_s16 *layer, const struct nn_tiling *tiling, const int16_t *image, int32_t first,
                        int32_t count, const struct nn_tile_channel *channels, int16_t *output)
{
    const cmsis_nn_tile padding = layer->params->padding;
    uint32_t *const scratch = layer->scratch;
    for (int32_t i = 0; i <= count; i++) {
        gather_strip(layer, image, -padding.h, 2 * (first + i) - padding.w, tiling->rows, scratch + i * tiling->rows * 4);
    }
    nn_walk_tiles(tiling, &tile_kernels, scratch, first, count, channels, output);
}

/* Channels channel .. channel + 3. */
static void walk_channels(const struct nn_depthwise_s16 *layer, const struct nn_tiling *tiling, int32_t channel)
{
    const cmsis_nn_dims *in = &layer->input, *out = &layer->output;
    const int16_t *image = layer->input_data + channel;
    int16_t *output = layer->output_data + channel;
    struct nn_tile_channel channels[GROUP];
    prepare(layer, channel, channels);
    for (int32_t batch = 0; batch < out->n; batch++, image += in->h * in->w * in->c, output += out->h * out->w * out->c) {
        for (int32_t first = 0; first < tiling->strips; first += tiling->at_once) {
            const int32_t left = tiling->strips - first;
            walk_strips(layer, tiling, image, first, left < tiling->at_once ? left : tiling->at_once, channels, output);
        }
    }
}

int nn_depthwise_s16_in_tiles(const struct nn_depthwise_s16 *layer)
{
    const cmsis_nn_dims *out = &layer->output;
    const struct nn_tiling tiling = nn_tiling_of(layer->params, &layer->input, out, 2);
    if (!layer->scratch || layer->params->ch_mult != 1 || out->c < GROUP ||
        !nn_tiles_serve(&tiling, layer->params, &layer->input, &layer->filter, out)) {
        return 0;
    }
    for (int32_t begin = 0; begin < out->c; begin += GROUP) {
        const int32_t channel = begin + GROUP <= out->c ? begin : out->c - GROUP;
        if (are_narrow(layer, channel)) {
            walk_channels(layer, &tiling, channel);
        } else {
            nn_depthwise_s16_taps(layer, channel, channel + GROUP);
        }
    }
    nn_clamp_outputs(layer->output_data, out->n * out->h * out->w * out->c, layer->channels.activation);
    return 1;
}

#else

int nn_depthwise_s16_in_tiles(const struct nn_depthwise_s16 *layer)
{
    (void)layer;
    return 0;
}

#endif

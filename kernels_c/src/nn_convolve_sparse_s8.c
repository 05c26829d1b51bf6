/*
 * Convolutions whose weights are mostly zero. The inputs of four pixels lie side by side in words, so that a weight's place is
 * worked out once for four products; rows in fours take pixels one by one.
 */
#include <stddef.h>

#include "nn_convolve.h"
#include "nn_copy.h"
#include "nn_dsp.h"
#include "nn_extra.h"
#include "nn_sparse.h"

#define PIXELS 4

/* A row of zero points behind the pixels' inputs stands for taps outside of the input. */
int32_t nn_convolve_sparse_s8_get_buffer_size(const cmsis_nn_dims *filter_dims)
{
    return NN_SPARSE_BYTES * nn_filter_size(filter_dims) + nn_round_up(filter_dims->c, 4);
}

struct walk {
    const struct nn_convolution *layer;
    const nn_sparse_weights *weights;
    const int8_t *image, *zeros;
    int32_t y, x; /* of the next output */
    int fits;     /* whether nn_scale.h can scale all channels */
};

/* The inputs of an output: those of its first tap, which may lie outside. */
struct pixel {
    const int8_t *image;
    int32_t top, left;
};

static struct pixel next_pixel(struct walk *walk)
{
    const struct nn_convolution *layer = walk->layer;
    const cmsis_nn_conv_params *params = layer->params;
    const struct pixel pixel = {
        walk->image, walk->y * params->stride.h - params->padding.h, walk->x * params->stride.w - params->padding.w,
    };
    if (++walk->x == layer->output.w) {
        walk->x = 0;
        if (++walk->y == layer->output.h) {
            walk->y = 0;
            walk->image += layer->input.h * layer->input.w * layer->input.c;
        }
    }
    return pixel;
}

static int is_inside(int32_t place, int32_t size)
{
    return (uint32_t)place < (uint32_t)size;
}

/* The channels of the input of one tap. */
static const int8_t *tap_of(const struct walk *walk, struct pixel pixel, int32_t row, int32_t column)
{
    const struct nn_convolution *layer = walk->layer;
    const int32_t y = pixel.top + row * layer->params->dilation.h, x = pixel.left + column * layer->params->dilation.w;
    const int inside = is_inside(y, layer->input.h) && is_inside(x, layer->input.w);
    return inside ? pixel.image + (y * layer->input.w + x) * layer->input.c : walk->zeros;
}

/* Whether a row of taps is one stretch of the input. */
static int is_stretch(const struct nn_convolution *layer, struct pixel pixel, int32_t row)
{
    return layer->params->dilation.w == 1 && is_inside(pixel.top + row * layer->params->dilation.h, layer->input.h) &&
           pixel.left >= 0 && pixel.left + layer->filter.w <= layer->input.w;
}

#if !NN_DSP
static void pairs(uint32_t *to, const int8_t *first, const int8_t *other, int32_t count)
{
    if (count & 1) {
        *to = (uint32_t)(*other++ * 65536 + *first++);
        to += 2;
    }
    for (const int8_t *const end = first + (count & ~1); first < end; first += 2, other += 2, to += 4) {
        to[0] = (uint32_t)(other[0] * 65536 + first[0]);
        to[2] = (uint32_t)(other[1] * 65536 + first[1]);
    }
}
#endif

/* As nn_sparse_pixels wants them. */
static uint32_t *side_by_side(uint32_t *to, const int8_t *const from[PIXELS], int32_t count)
{
    const int8_t *a = from[0], *b = from[1], *c = from[2], *d = from[3];
#if NN_DSP
    for (; count >= 4; count -= 4, a += 4, b += 4, c += 4, d += 4, to += 4) {
        const uint32_t word_a = nn_load_word(a), word_b = nn_load_word(b);
        const uint32_t word_c = nn_load_word(c), word_d = nn_load_word(d);
        const uint32_t low_ac = nn_low_halves(word_a, word_c), low_bd = nn_low_halves(word_b, word_d);
        const uint32_t high_ac = nn_high_halves(word_a, word_c), high_bd = nn_high_halves(word_b, word_d);
        const uint32_t bytes = 0x00FF00FFu;
        to[0] = (low_ac & bytes) | (low_bd & bytes) << 8;
        to[1] = (low_ac >> 8 & bytes) | (low_bd & ~bytes);
        to[2] = (high_ac & bytes) | (high_bd & bytes) << 8;
        to[3] = (high_ac >> 8 & bytes) | (high_bd & ~bytes);
    }
    for (; count > 0; count--) {
        *to++ = (uint32_t)(uint8_t)*a++ | (uint32_t)(uint8_t)*b++ << 8 | (uint32_t)(uint8_t)*c++ << 16 |
                (uint32_t)(uint8_t)*d++ << 24;
    }
#else
    pairs(to, a, b, count);
    pairs(to + 1, c, d, count);
    to += 2 * count;
#endif
    return to;
}

static void gather_four(const struct walk *walk, const struct pixel pixels[PIXELS], uint32_t *to)
{
    const struct nn_convolution *layer = walk->layer;
    for (int32_t row = 0; row < layer->filter.h; row++) {
        int stretch = 1;
        for (int32_t i = 0; i < PIXELS; i++) {
            stretch &= is_stretch(layer, pixels[i], row);
        }
        const int32_t columns = stretch ? 1 : layer->filter.w;
        const int32_t count = stretch ? layer->filter.w * layer->filter.c : layer->filter.c;
        for (int32_t column = 0; column < columns; column++) {
            const int8_t *from[PIXELS];
            for (int32_t i = 0; i < PIXELS; i++) {
                from[i] = tap_of(walk, pixels[i], row, column);
            }
            to = side_by_side(to, from, count);
        }
    }
}

/* Pixels that are missing in the end are the first one of the last four again. */
static void pixels_in_fours(struct walk *walk)
{
    const struct nn_convolution *layer = walk->layer;
    int8_t *output = layer->output_data;
    for (int32_t left = layer->output.n * layer->output.h * layer->output.w; left > 0; left -= PIXELS) {
        struct pixel pixels[PIXELS];
        int8_t *outputs[PIXELS];
        for (int32_t i = 0; i < PIXELS; i++) {
            pixels[i] = i < left ? next_pixel(walk) : pixels[0];
            outputs[i] = i < left ? output + i * layer->output.c : output;
        }
        gather_four(walk, pixels, layer->scratch);
        nn_sparse_channels(layer, walk->weights, walk->fits, layer->scratch, outputs);
        output += PIXELS * layer->output.c;
    }
}

/* The inputs of a pixel: where they lie, or gathered. */
static const int8_t *gather_one(const struct walk *walk, struct pixel pixel)
{
    const struct nn_convolution *layer = walk->layer;
    int8_t *to = layer->scratch;
    for (int32_t row = 0; row < layer->filter.h; row++) {
        const int stretch = is_stretch(layer, pixel, row);
        const int32_t columns = stretch ? 1 : layer->filter.w;
        const int32_t count = stretch ? layer->filter.w * layer->filter.c : layer->filter.c;
        for (int32_t column = 0; column < columns; column++, to += count) {
            const int8_t *const from = tap_of(walk, pixel, row, column);
            if (layer->filter.h == 1 && columns == 1) {
                return from;
            }
            nn_copy(to, from, count);
        }
    }
    return layer->scratch;
}

static void results(const struct walk *walk, int32_t channel, const int32_t *sums, int32_t count, int8_t *output)
{
    const struct nn_convolution *layer = walk->layer;
    const int32_t *multiplier = layer->quant->multiplier + channel, *shift = layer->quant->shift + channel;
    const int32_t *bias = layer->bias + channel, offset = layer->params->output_offset;
    output += channel;
    for (int32_t i = 0; i < count && walk->fits; i++) {
        const struct nn_scale scale = nn_scale_of(multiplier[i], shift[i], offset);
        output[i] = nn_sparse_scaled(sums[i] + bias[i], &scale);
    }
    for (int32_t i = 0; i < count && !walk->fits; i++) {
        output[i] = nn_sparse_requantized(layer, channel + i, sums[i] + bias[i]);
    }
}

/* All channels of one pixel; the last ones may be fewer than four, their weights are there. */
static void channels_in_fours(const struct walk *walk, const int8_t *inputs, int8_t *output)
{
    const uint16_t *counts = walk->weights->counts;
    const uint8_t *steps = walk->weights->steps;
    const int8_t *values = walk->weights->values;
    const int32_t channels = walk->layer->output.c;
    for (int32_t channel = 0; channel < channels; channel += 4) {
        const int32_t entries = *counts++;
        int32_t sums[4] = {0, 0, 0, 0};
        nn_sparse_fours(inputs, steps, values, entries, sums);
        results(walk, channel, sums, nn_smaller(channels - channel, 4), output);
        steps += entries;
        values += 4 * entries;
    }
}

static void single_pixels(struct walk *walk)
{
    const struct nn_convolution *layer = walk->layer;
    int8_t *output = layer->output_data;
    for (int32_t left = layer->output.n * layer->output.h * layer->output.w; left > 0; left--, output += layer->output.c) {
        channels_in_fours(walk, gather_one(walk, next_pixel(walk)), output);
    }
}

static void fill(int8_t *zeros, int8_t zero, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        zeros[i] = zero;
    }
}

/* Bounds other than those of int8 are rare, so that the loops leave them out where they scale themselves. */
static void clamp(int8_t *values, int32_t count, cmsis_nn_activation bounds)
{
    if (bounds.min <= -128 && bounds.max >= 127) {
        return;
    }
    for (int8_t *end = values + count; values < end; values++) {
        *values = (int8_t)nn_clamp(*values, bounds.min, bounds.max);
    }
}

static int is_sound(const struct nn_convolution *layer, const nn_sparse_weights *weights)
{
    return layer->scratch != NULL && layer->bias != NULL && layer->filter.c == layer->input.c &&
           layer->input.n == layer->output.n && (weights->rows == 1 || weights->rows == 4);
}

arm_cmsis_nn_status nn_convolve_sparse_s8(const cmsis_nn_context *ctx, const cmsis_nn_conv_params *params,
                                          const cmsis_nn_per_channel_quant_params *quant, const cmsis_nn_dims *input_dims,
                                          const int8_t *input, const cmsis_nn_dims *filter_dims,
                                          const nn_sparse_weights *weights, const int32_t *bias,
                                          const cmsis_nn_dims *output_dims, int8_t *output)
{
    struct nn_convolution layer = {
        .params = params,
        .quant = quant,
        .input = *input_dims,
        .filter = *filter_dims,
        .output = *output_dims,
        .input_data = input,
        .bias = bias,
        .output_data = output,
        .scratch = ctx->buf,
        .group_outputs = output_dims->c,
    };
    if (!is_sound(&layer, weights)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    int8_t *const zeros = (int8_t *)ctx->buf + NN_SPARSE_BYTES * nn_filter_size(filter_dims);
    fill(zeros, (int8_t)-params->input_offset, layer.filter.c);
    struct walk walk = {&layer, weights, input, zeros, 0, 0, nn_channels_fit(&layer, 0, layer.output.c)};
    if (weights->rows == 4) {
        single_pixels(&walk);
    } else {
        pixels_in_fours(&walk);
    }
    if (walk.fits) {
        clamp(output, layer.output.n * layer.output.h * layer.output.w * layer.output.c, params->activation);
    }
    return ARM_CMSIS_NN_SUCCESS;
}

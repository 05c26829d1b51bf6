/* The depthwise convolution of int16 with any taps: with the DSP extension four channels at a time, where sums have 32 bits. */
#include "nn_convolve.h"
#include "nn_depthwise_s16.h"

/* Taps of an output channel: `rows` times `columns`, and elements from one to the next in input and filter. */
struct taps {
    int32_t rows, columns;
    int32_t input_row, input_column, filter_row, filter_column;
};

#if NN_DSP

#pragma GCC diagnostic ignored "-Wunused-parameter"

/*
 * Four neighbouring channels, 16 cycles a tap on Cortex-M4. r0: input; r1: filter; r2, r3: bytes to the next tap of each;
 * r4 to r7: sums, which go on; r8: taps left in the row; r12: rows left. The stack: columns, and what is skipped behind a row.
 */
NN_ASSEMBLY static void sum_four(int32_t sums[4], const int16_t *input, const int8_t *filter, const struct taps *taps)
{
    __asm__ volatile(
        "push {r0, r4-r11, lr}\n"
        "sub sp, #12\n"
        "ldm r0, {r4-r7}\n"
        "mov r0, r1\n"
        "mov r1, r2\n"
        "ldm r3, {r8-r12, lr}\n" /* rows, columns, input_row, input_column, filter_row, filter_column */
        "lsl r2, r11, #1\n"
        "mov r3, lr\n"
        "lsl r10, r10, #1\n"
        "mls r10, r9, r2, r10\n"
        "mls r11, r9, r3, r12\n"
        "mov r12, r8\n"
        "str r9, [sp]\n"
        "str r10, [sp, #4]\n"
        "str r11, [sp, #8]\n"
        "1:\n"
        "ldr r8, [sp]\n"
        ".balign 4\n"
        "2:\n"
        "ldr.w r9, [r0, #4]\n"
        "ldr.w lr, [r1]\n"
        "ldr.w r11, [r0]\n"
        "add.w r0, r0, r2\n"
        "add.w r1, r1, r3\n"
        "sxtb16 r10, lr\n"
        "sxtb16 lr, lr, ror #8\n"
        "smlabb r4, r11, r10, r4\n"
        "smlatb r5, r11, lr, r5\n"
        "subs.w r8, r8, #1\n"
        "smlabt r6, r9, r10, r6\n"
        "smlatt r7, r9, lr, r7\n"
        "bne.w 2b\n"
        "ldr r9, [sp, #4]\n"
        "ldr r10, [sp, #8]\n"
        "add r0, r9\n"
        "add r1, r10\n"
        "subs r12, #1\n"
        "bne 1b\n"
        "add sp, #12\n"
        "pop {r0}\n"
        "stm r0, {r4-r7}\n"
        "pop {r4-r11, pc}\n");
}

#endif

static void sum_one(int32_t *sum, const int16_t *input, const int8_t *filter, const struct taps *taps)
{
    int32_t a = *sum;
    for (int32_t i = 0; i < taps->rows; i++, input += taps->input_row, filter += taps->filter_row) {
        const int16_t *from = input;
        const int8_t *weight = filter;
        for (int32_t left = taps->columns; left > 0; left--, from += taps->input_column, weight += taps->filter_column) {
            a += *from * *weight;
        }
    }
    *sum = a;
}

/* Fills in `taps`; the first is `*input` of the image and `*filter` of the weights. */
static void find_taps(const struct nn_depthwise_s16 *layer, int32_t y, int32_t x, struct taps *taps, int32_t *input,
                      int32_t *filter)
{
    const cmsis_nn_dw_conv_params *p = layer->params;
    const int32_t inputs = layer->input.c, outputs = layer->output.c;
    const int32_t top = y * p->stride.h - p->padding.h, left = x * p->stride.w - p->padding.w;
    const struct nn_taps rows = nn_taps_inside(top, p->dilation.h, layer->filter.h, layer->input.h);
    const struct nn_taps columns = nn_taps_inside(left, p->dilation.w, layer->filter.w, layer->input.w);
    *input = ((top + rows.first * p->dilation.h) * layer->input.w + left + columns.first * p->dilation.w) * inputs;
    *filter = (rows.first * layer->filter.w + columns.first) * outputs;
    taps->columns = columns.end - columns.first;
    taps->rows = taps->columns > 0 ? rows.end - rows.first : 0;
}

/* Channels that are computed together: `count` is four, or one. */
struct group {
    const int16_t *input;
    const int8_t *filter;
    int32_t first, count;
    struct nn_narrow_channels channels;
};

static void narrow_outputs(const struct group *group, const int16_t *input, const int8_t *filter, const struct taps *taps,
                           int16_t *output)
{
    int32_t sums[4];
    for (int32_t i = 0; i < group->count; i++) {
        sums[i] = group->channels.start[i];
    }
#if NN_DSP
    if (group->count == 4 && taps->rows > 0) {
        sum_four(sums, input, filter, taps);
    }
#endif
    if (group->count == 1) {
        sum_one(sums, input, filter, taps);
    }
    for (int32_t i = 0; i < group->count; i++) {
        output[i] = nn_narrow_output(sums[i], group->channels.scale[i]);
    }
}

/* One channel; as many rows at once as 32 bits have room for. */
static void wide_output(const struct nn_depthwise_s16 *layer, const struct group *group, const int16_t *input,
                        const int8_t *filter, struct taps taps, int16_t *output)
{
    struct nn_wide_sums sums;
    nn_begin_sums(&sums, 1, 1);
    for (int32_t left = taps.rows; left > 0; left -= taps.rows) {
        taps.rows = taps.columns * left <= sums.room ? left : sums.room / taps.columns;
        if (taps.rows == 0) {
            nn_flush_sums(&sums);
            continue;
        }
        sum_one(sums.parts, input, filter, &taps);
        sums.room -= taps.rows * taps.columns;
        input += taps.rows * taps.input_row;
        filter += taps.rows * taps.filter_row;
    }
    nn_wide_outputs(&sums, &layer->channels, group->first, output);
}

static void walk_pixels(const struct nn_depthwise_s16 *layer, const struct group *group, int narrow)
{
    const cmsis_nn_dims *in = &layer->input, *out = &layer->output;
    const cmsis_nn_tile dilation = layer->params->dilation;
    struct taps taps = {0, 0, dilation.h * in->w * in->c, dilation.w * in->c, layer->filter.w * out->c, out->c};
    const int16_t *image = group->input;
    int16_t *output = layer->output_data + group->first;
    for (int32_t batch = 0; batch < out->n; batch++, image += in->h * in->w * in->c) {
        for (int32_t y = 0; y < out->h; y++) {
            for (int32_t x = 0; x < out->w; x++, output += out->c) {
                int32_t input, filter;
                find_taps(layer, y, x, &taps, &input, &filter);
                if (narrow) {
                    narrow_outputs(group, image + input, group->filter + filter, &taps, output);
                } else {
                    wide_output(layer, group, image + input, group->filter + filter, taps, output);
                }
            }
        }
    }
}

/* Whether sums of a group have 32 bits; its starts and scales, if so. */
static int prepare(const struct nn_depthwise_s16 *layer, struct group *group)
{
    const int64_t *const bias = layer->channels.bias->data;
    for (int32_t i = 0, k = group->first; i < group->count; i++, k++) {
        const int64_t start = bias ? bias[k] : 0;
        if (!nn_is_narrow(NULL, layer->filter.h * layer->filter.w, start, layer->channels.shift[k])) {
            return 0;
        }
        group->channels.start[i] = (int32_t)start;
        group->channels.scale[i] = nn_narrow_scale_of(layer->channels.multiplier[k], layer->channels.shift[k]);
    }
    return 1;
}

static struct group group_of(const struct nn_depthwise_s16 *layer, int32_t first, int32_t count)
{
    return (struct group){
        .input = layer->input_data + (layer->params->ch_mult == 1 ? first : first / layer->params->ch_mult),
        .filter = layer->filter_data + first,
        .first = first,
        .count = count,
    };
}

void nn_depthwise_s16_taps(const struct nn_depthwise_s16 *layer, int32_t first, int32_t end)
{
    for (int32_t channel = first; channel < end;) {
        struct group group = group_of(layer, channel, NN_DSP && layer->params->ch_mult == 1 && channel + 4 <= end ? 4 : 1);
        int narrow = prepare(layer, &group);
        if (!narrow && group.count == 4) {
            group.count = 1;
            narrow = prepare(layer, &group);
        }
        walk_pixels(layer, &group, narrow);
        channel += group.count;
    }
    const cmsis_nn_dims *out = &layer->output;
    nn_clamp_outputs(layer->output_data, out->n * out->h * out->w * out->c, layer->channels.activation);
}

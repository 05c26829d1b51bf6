/* The depthwise convolution of int16: with the DSP extension in tiles, or else four channels at a time. */
#include "arm_nnfunctions.h"
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

static void sum_parts(struct nn_wide_sums *sums, const int16_t *input, const int8_t *filter, const struct taps *taps)
{
#if NN_DSP
    if (sums->count == 4) {
        sum_four(sums->parts, input, filter, taps);
        return;
    }
#endif
    sum_one(sums->parts, input, filter, taps);
}

/* Of four channels or one; as many rows at once as 32 bits have room for. */
static void sum_taps(struct nn_wide_sums *sums, const int16_t *input, const int8_t *filter, struct taps taps)
{
    for (int32_t left = taps.rows; left > 0; left -= taps.rows) {
        taps.rows = taps.columns * left <= sums->room ? left : sums->room / taps.columns;
        if (taps.rows == 0) {
            nn_flush_sums(sums);
            continue;
        }
        sum_parts(sums, input, filter, &taps);
        sums->room -= taps.rows * taps.columns;
        input += taps.rows * taps.input_row;
        filter += taps.rows * taps.filter_row;
    }
}

static void convolve_pixel(const struct nn_depthwise_s16 *layer, const int16_t *image, int32_t y, int32_t x, int32_t first,
                           int32_t end, int16_t *output)
{
    const cmsis_nn_dw_conv_params *p = layer->params;
    const int32_t inputs = layer->input.c, outputs = layer->output.c;
    const int32_t top = y * p->stride.h - p->padding.h, left = x * p->stride.w - p->padding.w;
    const struct nn_taps rows = nn_taps_inside(top, p->dilation.h, layer->filter.h, layer->input.h);
    const struct nn_taps columns = nn_taps_inside(left, p->dilation.w, layer->filter.w, layer->input.w);
    const struct taps taps = {columns.end > columns.first ? rows.end - rows.first : 0, columns.end - columns.first,
                              p->dilation.h * layer->input.w * inputs, p->dilation.w * inputs,
                              layer->filter.w * outputs, outputs};
    image += ((top + rows.first * p->dilation.h) * layer->input.w + left + columns.first * p->dilation.w) * inputs;
    const int8_t *const filter = layer->filter_data + (rows.first * layer->filter.w + columns.first) * outputs;
    struct nn_wide_sums sums;
    for (int32_t channel = first; channel < end; channel += sums.count) {
        nn_begin_sums(&sums, NN_DSP && p->ch_mult == 1 && channel + 4 <= end ? 4 : 1, 1);
        sum_taps(&sums, image + (p->ch_mult == 1 ? channel : channel / p->ch_mult), filter + channel, taps);
        nn_wide_outputs(&sums, &layer->channels, channel, output + channel);
    }
}

void nn_depthwise_s16_any(const struct nn_depthwise_s16 *layer, int32_t first, int32_t end)
{
    const cmsis_nn_dims *in = &layer->input, *out = &layer->output;
    const int16_t *image = layer->input_data;
    int16_t *output = layer->output_data;
    for (int32_t batch = 0; batch < out->n; batch++, image += in->h * in->w * in->c) {
        for (int32_t y = 0; y < out->h; y++) {
            for (int32_t x = 0; x < out->w; x++, output += out->c) {
                convolve_pixel(layer, image, y, x, first, end, output);
            }
        }
    }
}

static int is_sound(const struct nn_depthwise_s16 *layer)
{
    const cmsis_nn_dw_conv_params *params = layer->params;
    const cmsis_nn_dims *in = &layer->input, *out = &layer->output, *filter = &layer->filter;
    return in->n > 0 && in->h > 0 && in->w > 0 && in->c > 0 && out->n == in->n && out->h > 0 && out->w > 0 &&
           filter->h > 0 && filter->w > 0 && filter->w <= NN_WIDE_RUN && params->ch_mult > 0 &&
           out->c == in->c * params->ch_mult && params->stride.h > 0 && params->stride.w > 0 && params->dilation.h > 0 &&
           params->dilation.w > 0 && params->padding.h >= 0 && params->padding.w >= 0 && params->input_offset == 0 &&
           params->output_offset == 0 && params->activation.min <= params->activation.max;
}

#define ARGUMENTS                                                                                                      \
    const cmsis_nn_context *ctx, const cmsis_nn_dw_conv_params *dw_conv_params,                                        \
        const cmsis_nn_per_channel_quant_params *quant_params, const cmsis_nn_dims *input_dims,                        \
        const int16_t *input_data, const cmsis_nn_dims *filter_dims, const int8_t *filter_data,                        \
        const cmsis_nn_dims *bias_dims, const int64_t *bias_data, const cmsis_nn_dims *output_dims,                    \
        int16_t *output_data
#define PASSED                                                                                                         \
    ctx, dw_conv_params, quant_params, input_dims, input_data, filter_dims, filter_data, bias_dims, bias_data,         \
        output_dims, output_data

arm_cmsis_nn_status arm_depthwise_conv_s16(ARGUMENTS)
{
    (void)bias_dims;
    const cmsis_nn_bias_data bias = {bias_data, false};
    const struct nn_depthwise_s16 layer = {
        .params = dw_conv_params,
        .input = *input_dims,
        .filter = *filter_dims,
        .output = *output_dims,
        .input_data = input_data,
        .filter_data = filter_data,
        .channels = {&bias, quant_params->multiplier, quant_params->shift, 1, dw_conv_params->activation},
        .output_data = output_data,
        .scratch = ctx->buf,
    };
    if (!is_sound(&layer)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    if (!nn_depthwise_s16_in_tiles(&layer)) {
        nn_depthwise_s16_any(&layer, 0, output_dims->c);
    }
    return ARM_CMSIS_NN_SUCCESS;
}

arm_cmsis_nn_status arm_depthwise_conv_fast_s16(ARGUMENTS)
{
    return dw_conv_params->ch_mult == 1 ? arm_depthwise_conv_s16(PASSED) : ARM_CMSIS_NN_ARG_ERROR;
}

arm_cmsis_nn_status arm_depthwise_conv_wrapper_s16(ARGUMENTS)
{
    return arm_depthwise_conv_s16(PASSED);
}

int32_t arm_depthwise_conv_fast_s16_get_buffer_size(const cmsis_nn_dims *input_dims, const cmsis_nn_dims *filter_dims)
{
    return nn_depthwise_s16_scratch(input_dims, filter_dims);
}

#define SIZE_ARGUMENTS                                                                                                 \
    const cmsis_nn_dw_conv_params *dw_conv_params, const cmsis_nn_dims *input_dims, const cmsis_nn_dims *filter_dims,  \
        const cmsis_nn_dims *output_dims

int32_t arm_depthwise_conv_wrapper_s16_get_buffer_size(SIZE_ARGUMENTS)
{
    (void)output_dims;
    return dw_conv_params->ch_mult == 1 ? nn_depthwise_s16_scratch(input_dims, filter_dims) : 0;
}

int32_t arm_depthwise_conv_wrapper_s16_get_buffer_size_dsp(SIZE_ARGUMENTS)
{
    return arm_depthwise_conv_wrapper_s16_get_buffer_size(dw_conv_params, input_dims, filter_dims, output_dims);
}

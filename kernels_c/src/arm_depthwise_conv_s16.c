/* The depthwise convolution of int16: with the DSP extension four channels at a time. */
#include "arm_nnfunctions.h"
#include "nn_convolve.h"
#include "nn_wide.h"

struct layer {
    const cmsis_nn_dw_conv_params *params;
    const cmsis_nn_per_channel_quant_params *quant;
    const cmsis_nn_dims *input, *filter, *output;
    cmsis_nn_bias_data bias;
};

/* Taps of one output channel: `rows` times `columns`, and elements from one to the next in input and filter. */
struct taps {
    int32_t rows, columns;
    int32_t input_row, input_column, filter_row, filter_column;
};

/* The products of fewer taps than 32 bits hold the sum of. */
static int32_t sum_part(const int16_t *input, const int8_t *filter, const struct taps *taps)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < taps->rows; i++, input += taps->input_row, filter += taps->filter_row) {
        const int16_t *from = input;
        const int8_t *weight = filter;
        for (int32_t left = taps->columns; left > 0; left--, from += taps->input_column, weight += taps->filter_column) {
            sum += *from * *weight;
        }
    }
    return sum;
}

#if NN_DSP

/* Of four neighbouring channels: a product of halves each, which the letters name (bottom, top). */
static void sum_four(int32_t sums[4], const int16_t *input, const int8_t *filter, const struct taps *taps)
{
    int32_t a = 0, b = 0, c = 0, d = 0;
    for (int32_t i = 0; i < taps->rows; i++, input += taps->input_row, filter += taps->filter_row) {
        const int16_t *from = input;
        const int8_t *weight = filter;
        for (int32_t left = taps->columns; left > 0; left--, from += taps->input_column, weight += taps->filter_column) {
            const uint32_t first = nn_load_word((const int8_t *)from), second = nn_load_word((const int8_t *)(from + 2));
            const uint32_t four = nn_load_word(weight), even = nn_even_bytes(four), odd = nn_odd_bytes(four);
            __asm__("smlabb %0, %1, %2, %0" : "+r"(a) : "r"(first), "r"(even));
            __asm__("smlatb %0, %1, %2, %0" : "+r"(b) : "r"(first), "r"(odd));
            __asm__("smlabt %0, %1, %2, %0" : "+r"(c) : "r"(second), "r"(even));
            __asm__("smlatt %0, %1, %2, %0" : "+r"(d) : "r"(second), "r"(odd));
        }
    }
    sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d;
}

#endif

/* Sums of `four` 4 or 1 channels. */
static void sum_taps(int64_t sums[4], const int16_t *input, const int8_t *filter, struct taps taps, int32_t four)
{
    const int32_t rows = taps.rows, at_once = NN_WIDE_RUN / (taps.columns > 0 ? taps.columns : 1);
    for (int32_t i = 0; i < rows; i += at_once) {
        const int16_t *from = input + i * taps.input_row;
        const int8_t *weights = filter + i * taps.filter_row;
        taps.rows = nn_smaller(rows - i, at_once);
#if NN_DSP
        if (four == 4) {
            int32_t parts[4];
            sum_four(parts, from, weights, &taps);
            for (int32_t k = 0; k < 4; k++) {
                sums[k] += parts[k];
            }
            continue;
        }
#endif
        (void)four;
        sums[0] += sum_part(from, weights, &taps);
    }
}

static void convolve_pixel(const struct layer *layer, const int16_t *image, const int8_t *filter, int32_t y, int32_t x,
                           int16_t *output)
{
    const cmsis_nn_dw_conv_params *p = layer->params;
    const int32_t inputs = layer->input->c, outputs = layer->output->c;
    const int32_t top = y * p->stride.h - p->padding.h, left = x * p->stride.w - p->padding.w;
    const struct nn_taps rows = nn_taps_inside(top, p->dilation.h, layer->filter->h, layer->input->h);
    const struct nn_taps columns = nn_taps_inside(left, p->dilation.w, layer->filter->w, layer->input->w);
    const struct taps taps = {rows.end - rows.first, columns.end - columns.first,
                              p->dilation.h * layer->input->w * inputs, p->dilation.w * inputs,
                              layer->filter->w * outputs, outputs};
    image += ((top + rows.first * p->dilation.h) * layer->input->w + left + columns.first * p->dilation.w) * inputs;
    filter += (rows.first * layer->filter->w + columns.first) * outputs;
    int32_t now;
    for (int32_t channel = 0; channel < outputs; channel += now) {
        now = NN_DSP && p->ch_mult == 1 && channel + 4 <= outputs ? 4 : 1;
        int64_t sums[4] = {0, 0, 0, 0};
        sum_taps(sums, image + channel / p->ch_mult, filter + channel, taps, now);
        for (int32_t i = 0; i < now; i++) {
            const int32_t k = channel + i;
            output[k] = nn_wide_output(sums[i], &layer->bias, k, layer->quant->multiplier[k], layer->quant->shift[k],
                                       &p->activation);
        }
    }
}

static int is_sound(const struct layer *layer)
{
    const cmsis_nn_dw_conv_params *params = layer->params;
    const cmsis_nn_dims *in = layer->input, *out = layer->output, *filter = layer->filter;
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
    (void)ctx, (void)bias_dims;
    const struct layer layer = {dw_conv_params, quant_params, input_dims, filter_dims, output_dims, {bias_data, false}};
    if (!is_sound(&layer)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (int32_t batch = 0; batch < output_dims->n; batch++) {
        for (int32_t y = 0; y < output_dims->h; y++) {
            for (int32_t x = 0; x < output_dims->w; x++, output_data += output_dims->c) {
                convolve_pixel(&layer, input_data, filter_data, y, x, output_data);
            }
        }
        input_data += input_dims->h * input_dims->w * input_dims->c;
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
    (void)input_dims, (void)filter_dims;
    return 0;
}

#define SIZE_ARGUMENTS                                                                                                 \
    const cmsis_nn_dw_conv_params *dw_conv_params, const cmsis_nn_dims *input_dims, const cmsis_nn_dims *filter_dims,  \
        const cmsis_nn_dims *output_dims

int32_t arm_depthwise_conv_wrapper_s16_get_buffer_size(SIZE_ARGUMENTS)
{
    (void)dw_conv_params, (void)input_dims, (void)filter_dims, (void)output_dims;
    return 0;
}

int32_t arm_depthwise_conv_wrapper_s16_get_buffer_size_dsp(SIZE_ARGUMENTS)
{
    return arm_depthwise_conv_wrapper_s16_get_buffer_size(dw_conv_params, input_dims, filter_dims, output_dims);
}

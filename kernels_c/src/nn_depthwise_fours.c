/* The depthwise convolution without the DSP extension: four channels side by side, so that loops over taps serve all four. */
#include "nn_depthwise.h"

#define GROUP 4

struct taps {
    struct nn_taps rows, columns;
    int32_t top, left;
};

static void add_taps(const struct nn_depthwise *layer, const struct taps *taps, const int8_t *image, int32_t channel,
                     int32_t *sums)
{
    const cmsis_nn_tile dilation = layer->params->dilation;
    const int32_t depth = layer->output.c, offset = layer->params->input_offset, step = dilation.w * depth;
    int32_t sum_0 = sums[0], sum_1 = sums[1], sum_2 = sums[2], sum_3 = sums[3];
    for (int32_t i = taps->rows.first; i < taps->rows.end; i++) {
        const int32_t row = (taps->top + i * dilation.h) * layer->input.w;
        const int8_t *input = image + (row + taps->left + taps->columns.first * dilation.w) * depth + channel;
        const int8_t *weight = layer->filter_data + (i * layer->filter.w + taps->columns.first) * depth + channel;
        const int8_t *const end = weight + (taps->columns.end - taps->columns.first) * depth;
        for (; weight < end; weight += depth, input += step) {
            sum_0 += (input[0] + offset) * weight[0];
            sum_1 += (input[1] + offset) * weight[1];
            sum_2 += (input[2] + offset) * weight[2];
            sum_3 += (input[3] + offset) * weight[3];
        }
    }
    sums[0] = sum_0;
    sums[1] = sum_1;
    sums[2] = sum_2;
    sums[3] = sum_3;
}

static void walk_pixel(const struct nn_depthwise *layer, const struct taps *taps, const int8_t *image, int8_t *output)
{
    const cmsis_nn_dw_conv_params *params = layer->params;
    const int32_t depth = layer->output.c;
    for (int32_t next = 0; next < depth; next += GROUP) {
        const int32_t channel = next + GROUP <= depth ? next : depth - GROUP;
        int32_t sums[GROUP] = {0, 0, 0, 0};
        add_taps(layer, taps, image, channel, sums);
        for (int32_t i = channel; i < channel + GROUP; i++) {
            const int32_t sum = sums[i - channel] + (layer->bias ? layer->bias[i] : 0);
            const int32_t value = nn_requantize(sum, layer->quant->multiplier[i], layer->quant->shift[i]);
            output[i] = (int8_t)nn_clamp(value + params->output_offset, params->activation.min, params->activation.max);
        }
    }
}

void nn_depthwise_fours(const struct nn_depthwise *layer)
{
    const cmsis_nn_dw_conv_params *params = layer->params;
    const int8_t *image = layer->input_data;
    int8_t *output = layer->output_data;
    struct taps taps;
    for (int32_t batch = 0; batch < layer->output.n; batch++) {
        for (int32_t y = 0; y < layer->output.h; y++) {
            taps.top = y * params->stride.h - params->padding.h;
            taps.rows = nn_taps_inside(taps.top, params->dilation.h, layer->filter.h, layer->input.h);
            for (int32_t x = 0; x < layer->output.w; x++, output += layer->output.c) {
                taps.left = x * params->stride.w - params->padding.w;
                taps.columns = nn_taps_inside(taps.left, params->dilation.w, layer->filter.w, layer->input.w);
                walk_pixel(layer, &taps, image, output);
            }
        }
        image += layer->input.h * layer->input.w * layer->input.c;
    }
}

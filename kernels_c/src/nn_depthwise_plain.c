/* The depthwise convolution in plain C: it defines the answer. */
#include "nn_depthwise.h"

static int32_t sum_taps(const struct nn_depthwise *layer, const int8_t *input, const int8_t *filter, int32_t top,
                        int32_t left, struct nn_taps rows, struct nn_taps columns)
{
    const cmsis_nn_tile dilation = layer->params->dilation;
    const int32_t offset = layer->params->input_offset;
    const int32_t step = dilation.w * layer->input.c, channels = layer->output.c;
    int32_t sum = 0;
    for (int32_t i = rows.first; i < rows.end; i++) {
        const int32_t place = (top + i * dilation.h) * layer->input.w + left + columns.first * dilation.w;
        const int8_t *from = input + place * layer->input.c;
        const int8_t *weight = filter + (i * layer->filter.w + columns.first) * channels;
        for (int32_t j = columns.first; j < columns.end; j++, from += step, weight += channels) {
            sum += (*from + offset) * *weight;
        }
    }
    return sum;
}

void nn_depthwise_plain(const struct nn_depthwise *layer, int32_t first, int32_t end)
{
    const cmsis_nn_dw_conv_params *params = layer->params;
    const int8_t *image = layer->input_data;
    int8_t *output = layer->output_data;
    for (int32_t batch = 0; batch < layer->output.n; batch++) {
        for (int32_t y = 0; y < layer->output.h; y++) {
            const int32_t top = y * params->stride.h - params->padding.h;
            const struct nn_taps rows = nn_taps_inside(top, params->dilation.h, layer->filter.h, layer->input.h);
            for (int32_t x = 0; x < layer->output.w; x++) {
                const int32_t left = x * params->stride.w - params->padding.w;
                const struct nn_taps columns =
                    nn_taps_inside(left, params->dilation.w, layer->filter.w, layer->input.w);
                int32_t input = first / params->ch_mult, next = (input + 1) * params->ch_mult;
                for (int32_t channel = first; channel < end; channel++) {
                    if (channel == next) {
                        input++;
                        next += params->ch_mult;
                    }
                    int32_t sum = layer->bias ? layer->bias[channel] : 0;
                    sum += sum_taps(layer, image + input, layer->filter_data + channel, top, left, rows, columns);
                    sum = nn_requantize(sum, layer->quant->multiplier[channel], layer->quant->shift[channel]);
                    output[channel] = (int8_t)nn_clamp(sum + params->output_offset, params->activation.min,
                                                       params->activation.max);
                }
                output += layer->output.c;
            }
        }
        image += layer->input.h * layer->input.w * layer->input.c;
    }
}

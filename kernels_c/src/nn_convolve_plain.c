/* The convolution in plain C: it defines the answer. */
#include "nn_convolve.h"
#include "nn_dot.h"

/* The taps of one output. */
static int32_t sum_taps(const struct nn_convolution *layer, const int8_t *input, const int8_t *filter, int32_t top,
                        int32_t left, struct nn_taps rows, struct nn_taps columns)
{
    const cmsis_nn_tile dilation = layer->params->dilation;
    const int32_t channels = layer->filter.c;
    int32_t sum = 0;
    for (int32_t i = rows.first; i < rows.end; i++) {
        for (int32_t j = columns.first; j < columns.end; j++) {
            const int32_t place = (top + i * dilation.h) * layer->input.w + left + j * dilation.w;
            sum += nn_dot(input + place * layer->input.c, filter + (i * layer->filter.w + j) * channels, channels,
                          layer->params->input_offset);
        }
    }
    return sum;
}

void nn_convolve_plain(const struct nn_convolution *layer, int32_t first, int32_t end)
{
    const cmsis_nn_conv_params *params = layer->params;
    const int32_t filter_size = nn_filter_size(&layer->filter);
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
                for (int32_t channel = first; channel < end; channel++) {
                    const int8_t *input = image + channel / layer->group_outputs * layer->filter.c;
                    int32_t sum = layer->bias ? layer->bias[channel] : 0;
                    sum += sum_taps(layer, input, layer->filter_data + channel * filter_size, top, left, rows, columns);
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

/* The plain convolution: seven loops, no scratch memory. */
#include <stddef.h>

#include "arm_nnfunctions.h"
#include "nn_requantize.h"

/* Filter taps first..end along one axis that fall inside the input, for the tap at place `origin`. */
struct taps {
    int32_t first;
    int32_t end;
};

static struct taps inside(int32_t origin, int32_t dilation, int32_t taps, int32_t size)
{
    struct taps range = {0, taps};
    while (range.first < range.end && origin + range.first * dilation < 0) {
        range.first++;
    }
    while (range.end > range.first && origin + (range.end - 1) * dilation >= size) {
        range.end--;
    }
    return range;
}

static int32_t dot(const int8_t *input, const int8_t *filter, int32_t count, int32_t input_offset)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < count; i++) {
        sum += (input[i] + input_offset) * filter[i];
    }
    return sum;
}

arm_cmsis_nn_status arm_convolve_s8(const cmsis_nn_context *ctx, const cmsis_nn_conv_params *conv_params,
                                    const cmsis_nn_per_channel_quant_params *quant_params,
                                    const cmsis_nn_dims *input_dims, const int8_t *input_data,
                                    const cmsis_nn_dims *filter_dims, const int8_t *filter_data,
                                    const cmsis_nn_dims *bias_dims, const int32_t *bias_data,
                                    const cmsis_nn_dims *upscale_dims, const cmsis_nn_dims *output_dims,
                                    int8_t *output_data)
{
    (void)ctx, (void)bias_dims;
    const int32_t group_channels = filter_dims->c;
    if (upscale_dims != NULL || group_channels <= 0 || input_dims->c % group_channels != 0) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const int32_t groups = input_dims->c / group_channels;
    if (output_dims->c % groups != 0) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const int32_t group_outputs = output_dims->c / groups;
    const cmsis_nn_tile stride = conv_params->stride, dilation = conv_params->dilation;
    const int32_t filter_row = filter_dims->w * group_channels;
    const int32_t filter_size = filter_dims->h * filter_row;
    const int32_t input_row = input_dims->w * input_dims->c;

    for (int32_t batch = 0; batch < input_dims->n; batch++) {
        for (int32_t y = 0; y < output_dims->h; y++) {
            const int32_t top = y * stride.h - conv_params->padding.h;
            const struct taps rows = inside(top, dilation.h, filter_dims->h, input_dims->h);
            for (int32_t x = 0; x < output_dims->w; x++) {
                const int32_t left = x * stride.w - conv_params->padding.w;
                const struct taps columns = inside(left, dilation.w, filter_dims->w, input_dims->w);
                for (int32_t channel = 0; channel < output_dims->c; channel++) {
                    const int8_t *filter = filter_data + channel * filter_size;
                    const int8_t *input = input_data + (channel / group_outputs) * group_channels;
                    int32_t sum = bias_data ? bias_data[channel] : 0;
                    for (int32_t i = rows.first; i < rows.end; i++) {
                        for (int32_t j = columns.first; j < columns.end; j++) {
                            const int8_t *pixel =
                                input + (top + i * dilation.h) * input_row + (left + j * dilation.w) * input_dims->c;
                            sum += dot(pixel, filter + i * filter_row + j * group_channels, group_channels,
                                       conv_params->input_offset);
                        }
                    }
                    sum = nn_requantize(sum, quant_params->multiplier[channel], quant_params->shift[channel]);
                    *output_data++ = (int8_t)nn_clamp(sum + conv_params->output_offset, conv_params->activation.min,
                                                      conv_params->activation.max);
                }
            }
        }
        input_data += input_dims->h * input_row;
    }
    return ARM_CMSIS_NN_SUCCESS;
}

int32_t arm_convolve_s8_get_buffer_size(const cmsis_nn_dims *input_dims, const cmsis_nn_dims *filter_dims)
{
    (void)input_dims, (void)filter_dims;
    return 0;
}

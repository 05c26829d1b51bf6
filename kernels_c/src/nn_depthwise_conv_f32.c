/* Depthwise convolution of float32: four channels of a pixel at a time, which lie together; others one by one. */
#include "nn_float_sums.h"
#include "nn_float_view.h"

/* Steps are elements, to the next row of taps and to the next tap. */
struct window {
    int32_t rows, columns;
    int32_t input_row, input_tap, filter_row, filter_tap;
};

static float sum_of(const struct window *window, const float *input, const float *filter)
{
    float sum = 0.0f;
    for (int32_t i = window->rows; i > 0; i--, input += window->input_row, filter += window->filter_row) {
        const float *value = input, *weight = filter;
        for (int32_t j = window->columns; j > 0; j--, value += window->input_tap, weight += window->filter_tap) {
            sum += *value * *weight;
        }
    }
    return sum;
}

#if NN_FPU

static void four_sums(const struct window *window, const float *input, const float *filter, float sums[4])
{
    float sum0 = 0.0f, sum1 = 0.0f, sum2 = 0.0f, sum3 = 0.0f;
    for (int32_t i = window->rows; i > 0; i--, input += window->input_row, filter += window->filter_row) {
        const float *value = input, *weight = filter;
        for (int32_t j = window->columns; j > 0; j--, value += window->input_tap, weight += window->filter_tap) {
            sum0 += value[0] * weight[0];
            sum1 += value[1] * weight[1];
            sum2 += value[2] * weight[2];
            sum3 += value[3] * weight[3];
        }
    }
    sums[0] = sum0, sums[1] = sum1, sums[2] = sum2, sums[3] = sum3;
}

#endif

static void put_pixel(const struct window *window, const struct nn_float_channels *channels, int32_t multiplier,
                      const float *input, const float *filter, float *output)
{
    int32_t channel = 0;
#if NN_FPU
    for (; multiplier == 1 && channel + 4 <= channels->count; channel += 4) {
        float sums[4];
        four_sums(window, input + channel, filter + channel, sums);
        for (int32_t i = 0; i < 4; i++) {
            output[channel + i] = nn_float_finished(channels, channel + i, sums[i]);
        }
    }
#endif
    input += channel;
    for (int32_t copy = 0; channel < channels->count; channel++) {
        output[channel] = nn_float_finished(channels, channel, sum_of(window, input, filter + channel));
        if (++copy == multiplier) {
            copy = 0;
            input++;
        }
    }
}

static struct window window_of(const nn_conv_params_f32 *params, const struct nn_float_view *view,
                               const cmsis_nn_dims *input, const cmsis_nn_dims *filter, int32_t outputs)
{
    return (struct window){
        .rows = view->rows.end - view->rows.first,
        .columns = view->columns.end - view->columns.first,
        .input_row = params->dilation.h * input->w * input->c,
        .input_tap = params->dilation.w * input->c,
        .filter_row = filter->w * outputs,
        .filter_tap = outputs,
    };
}

arm_cmsis_nn_status nn_depthwise_conv_f32(const nn_conv_params_f32 *params, const cmsis_nn_dims *input_dims,
                                          const float *input, const cmsis_nn_dims *filter_dims, const float *filter,
                                          const float *bias, const cmsis_nn_dims *output_dims, float *output)
{
    const int32_t outputs = output_dims->c, inputs = input_dims->c;
    if (!nn_float_conv_is_legal(params, input_dims, filter_dims, output_dims) || outputs != filter_dims->c ||
        outputs % inputs) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const struct nn_float_channels channels = {bias, outputs, 0, params->activation};
    for (int32_t batch = 0; batch < input_dims->n; batch++) {
        for (int32_t y = 0; y < output_dims->h; y++) {
            for (int32_t x = 0; x < output_dims->w; x++, output += outputs) {
                const struct nn_float_view view = nn_float_view_of(params, input_dims, filter_dims, y, x);
                const struct window window = window_of(params, &view, input_dims, filter_dims, outputs);
                const int32_t row = view.rows.first, column = view.columns.first;
                put_pixel(&window, &channels, outputs / inputs,
                          input + view.input * inputs + row * window.input_row + column * window.input_tap,
                          filter + row * window.filter_row + column * window.filter_tap, output);
            }
        }
        input += input_dims->h * input_dims->w * inputs;
    }
    return ARM_CMSIS_NN_SUCCESS;
}

/*
 * Convolution of float32 whose weights are mostly zero. What a pixel sees is gathered, zeros in the padding, so that an
 * entry's step is one addition. With an FPU the inputs of four pixels lie side by side: a step and a weight serve four
 * products. Without one each product is two calls, beside which these are nothing.
 */
#include <stddef.h>

#include "nn_float_order.h"
#include "nn_float_view.h"

#if NN_FPU
#define PIXELS 4
#define EACH(do_) do_(0) do_(1) do_(2) do_(3)
#else
#define PIXELS 1
#define EACH(do_) do_(0)
#endif

int32_t nn_convolve_sparse_f32_get_buffer_size(const cmsis_nn_dims *filter_dims)
{
    return PIXELS * nn_filter_size(filter_dims) * (int32_t)sizeof(float);
}

struct layer {
    const nn_conv_params_f32 *params;
    const cmsis_nn_dims *input, *filter, *output;
    const nn_sparse_weights_f32 *weights;
    const float *bias;
    float *windows; /* of PIXELS pixels */
};

/* Elements of one pixel, each PIXELS behind the one before. */
static __attribute__((noinline)) void copy(const float *from, int32_t count, float *to)
{
    for (; count >= 4; count -= 4, from += 4, to += 4 * PIXELS) {
        const float a = from[0], b = from[1], c = from[2], d = from[3];
        to[0] = a;
        to[PIXELS] = b;
        to[2 * PIXELS] = c;
        to[3 * PIXELS] = d;
    }
    for (; count > 0; count--, to += PIXELS) {
        *to = *from++;
    }
}

/* What one pixel sees. */
static __attribute__((noinline)) void gather(const struct layer *layer, const float *image, int32_t y, int32_t x, float *to)
{
    const struct nn_float_view view = nn_float_view_of(layer->params, layer->input, layer->filter, y, x);
    const int32_t channels = layer->input->c, columns = view.columns.end - view.columns.first;
    const int32_t row = layer->params->dilation.h * layer->input->w, column = layer->params->dilation.w;
    const int32_t runs = column == 1 ? 1 : columns, length = column == 1 ? columns * channels : channels;
    if ((view.rows.end - view.rows.first) * columns < layer->filter->h * layer->filter->w) {
        for (int32_t i = 0; i < nn_filter_size(layer->filter); i++) {
            to[PIXELS * i] = 0.0f;
        }
    }
    for (int32_t i = view.rows.first; i < view.rows.end; i++) {
        const float *from = image + (view.input + i * row + view.columns.first * column) * channels;
        float *place = to + PIXELS * (i * layer->filter->w + view.columns.first) * channels;
        for (int32_t j = 0; j < runs; j++, from += column * channels, place += PIXELS * length) {
            copy(from, length, place);
        }
    }
}

#define BEGIN(pixel) float sum##pixel = 0.0f;
#define ADD(pixel) sum##pixel += place[pixel] * value;
#define PUT(pixel) outputs[pixel][channel] = nn_float_bounded(sum##pixel + bias, bounds);
#define ENTRY                          \
    {                                  \
        const float value = *values++; \
        place += PIXELS * *steps++;    \
        EACH(ADD)                      \
    }

/* All channels of the pixels. Adding -0 changes no number. */
static __attribute__((noinline)) void put_channels(const struct layer *layer, float *const outputs[PIXELS])
{
    const nn_activation_f32 bounds = layer->params->activation;
    const uint16_t *counts = layer->weights->counts;
    const uint8_t *steps = layer->weights->steps;
    const float *values = layer->weights->values;
    for (int32_t channel = 0; channel < layer->output->c; channel++) {
        const float bias = layer->bias ? layer->bias[channel] : -0.0f;
        const float *place = layer->windows;
        EACH(BEGIN)
        int32_t left = *counts++;
        for (; left >= 2; left -= 2) {
            ENTRY ENTRY
        }
        if (left) {
            ENTRY
        }
        EACH(PUT)
    }
}

/* Pixels that are missing in the end are the first one of the last ones again. */
static void put_image(const struct layer *layer, const float *image, float *output)
{
    const int32_t pixels = layer->output->h * layer->output->w, outputs = layer->output->c;
    for (int32_t first = 0; first < pixels; first += PIXELS, output += PIXELS * outputs) {
        float *places[PIXELS];
        for (int32_t i = 0; i < PIXELS; i++) {
            const int32_t further = first + i < pixels ? i : 0, pixel = first + further;
            gather(layer, image, pixel / layer->output->w, pixel % layer->output->w, layer->windows + i);
            places[i] = output + further * outputs;
        }
        put_channels(layer, places);
    }
}

arm_cmsis_nn_status nn_convolve_sparse_f32(const cmsis_nn_context *ctx, const nn_conv_params_f32 *params,
                                           const cmsis_nn_dims *input_dims, const float *input,
                                           const cmsis_nn_dims *filter_dims, const nn_sparse_weights_f32 *weights,
                                           const float *bias, const cmsis_nn_dims *output_dims, float *output)
{
    if (!nn_float_conv_is_legal(params, input_dims, filter_dims, output_dims) || filter_dims->c != input_dims->c ||
        ctx->buf == NULL) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const struct layer layer = {params, input_dims, filter_dims, output_dims, weights, bias, ctx->buf};
    const int32_t image = input_dims->h * input_dims->w * input_dims->c;
    const int32_t pixels = output_dims->h * output_dims->w;
    for (int32_t batch = 0; batch < input_dims->n; batch++) {
        put_image(&layer, input + batch * image, output + batch * pixels * output_dims->c);
    }
    return ARM_CMSIS_NN_SUCCESS;
}

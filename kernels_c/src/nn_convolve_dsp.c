/* The convolution with the DSP extension: which way it goes. */
#include "nn_convolve.h"
#include "nn_dsp.h"
#include "nn_walks.h"

int32_t nn_convolve_dsp_scratch(const cmsis_nn_dims *filter, int in_place)
{
    const int32_t quads = in_place ? nn_convolve_quads_scratch(filter) : 0;
    if (in_place && !nn_convolve_octets_pay(filter)) {
        return quads;
    }
    const int32_t octets = nn_convolve_octets_scratch(filter);
    return octets > quads ? octets : quads;
}

/* Whether channels go in pairs, each through the whole image. */
static int goes_in_pairs(const struct nn_convolution *layer)
{
    return nn_goes_in_place(layer->params, &layer->input, &layer->filter) &&
           (!nn_convolve_octets_pay(&layer->filter) || !nn_channels_fit(layer, 0, layer->output.c));
}

int32_t nn_convolve_dsp_walk(const struct nn_convolution *layer)
{
    if (goes_in_pairs(layer)) {
        return NN_NO_WALK;
    }
    return layer->group_outputs >= 4 ? nn_convolve_octets_walk(layer) : NN_WALK(NN_UNBUFFERED, 1);
}

#if NN_DSP

/* A filter of one tap that meets each pixel once sees the input as one long row. */
static struct nn_convolution flattened(const struct nn_convolution *layer)
{
    struct nn_convolution flat = *layer;
    const cmsis_nn_conv_params *params = layer->params;
    const cmsis_nn_dims *in = &layer->input, *out = &layer->output;
    if (layer->filter.h == 1 && layer->filter.w == 1 && params->stride.h == 1 && params->stride.w == 1 &&
        params->padding.h == 0 && params->padding.w == 0 && in->h == out->h && in->w == out->w) {
        flat.input = (cmsis_nn_dims){1, 1, in->n * in->h * in->w, in->c};
        flat.output = (cmsis_nn_dims){1, 1, out->n * out->h * out->w, out->c};
    }
    return flat;
}

/* Bounds other than those of int8 are rare, so that the loops leave them out. */
static void clamp(int8_t *values, int32_t count, cmsis_nn_activation bounds)
{
    for (int8_t *end = values + count; values < end; values++) {
        *values = (int8_t)nn_clamp(*values, bounds.min, bounds.max);
    }
}

void nn_convolve_dsp(const struct nn_convolution *layer)
{
    const cmsis_nn_activation bounds = layer->params->activation;
    const cmsis_nn_dims *out = &layer->output;
    const struct nn_convolution flat = flattened(layer);
    if (goes_in_pairs(layer)) {
        nn_convolve_quads(&flat); /* which passes over channels that are constant */
    } else if (layer->group_outputs >= 4) {
        nn_convolve_octets(&flat);
    } else {
        nn_convolve_plain(layer, 0, out->c);
    }
    if (bounds.min > -128 || bounds.max < 127) {
        clamp(layer->output_data, out->n * out->h * out->w * out->c, bounds);
    }
}

#endif

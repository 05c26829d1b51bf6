/*
 * A layer of the singular value decomposition filter, for states of int8 and int16. Each of F filters keeps its last T
 * responses to the input as a row of the state; `rank` filters make a unit.
 */
#ifndef NN_SVDF_H
#define NN_SVDF_H

#include "arm_nn_types.h"
#include "nn_copy.h"
#include "nn_products.h"
#include "nn_requantize.h"

struct nn_svdf {
    const cmsis_nn_svdf_params *params;
    cmsis_nn_per_tensor_quant_params input_scale;
    cmsis_nn_per_tensor_quant_params output_scale;
    int32_t batches;
    int32_t inputs;
    int32_t filters;
    int32_t memory; /* T */
    const int8_t *feature_weights;
    const void *time_weights;
    const int32_t *bias;
};

NN_INLINE void nn_svdf_put(const struct nn_svdf *s, int32_t dot, int32_t filter, int32_t bits, void *state)
{
    const cmsis_nn_activation bounds = s->params->input_activation;
    const int32_t scaled = nn_requantize(dot, s->input_scale.multiplier, s->input_scale.shift);
    const int32_t response = nn_clamp(scaled, bounds.min, bounds.max), place = (filter + 1) * s->memory - 1;
    if (bits == 16) {
        ((int16_t *)state)[place] = (int16_t)response;
    } else {
        ((int8_t *)state)[place] = (int8_t)response;
    }
}

/* The state moves on by one, across all rows: the new responses take the place of what came from the next row. */
NN_INLINE void nn_svdf_respond(const struct nn_svdf *s, const int8_t *input, int32_t bits, void *state)
{
    const int32_t element = bits / 8, offset = -s->params->input_offset;
    const int8_t *weights = s->feature_weights;
    int32_t filter = 0;
    nn_copy(state, (const char *)state + element, (s->filters * s->memory - 1) * element);
    for (; filter + 2 <= s->filters; filter += 2, weights += 2 * s->inputs) {
        int32_t dots[2];
        nn_two_dots_s8(dots, weights, input, offset, s->inputs);
        nn_svdf_put(s, dots[0], filter, bits, state);
        nn_svdf_put(s, dots[1], filter + 1, bits, state);
    }
    if (filter < s->filters) {
        nn_svdf_put(s, nn_dot_s8(weights, input, offset, s->inputs), filter, bits, state);
    }
}

NN_INLINE int32_t nn_svdf_sum(const struct nn_svdf *s, int32_t filter, int32_t bits, const void *state)
{
    const int32_t row = filter * s->memory;
    if (bits == 16) {
        return nn_dot_s16((const int16_t *)s->time_weights + row, (const int16_t *)state + row, s->memory);
    }
    return nn_dot_s8((const int8_t *)s->time_weights + row, (const int8_t *)state + row, 0, s->memory);
}

NN_INLINE arm_cmsis_nn_status nn_svdf(const struct nn_svdf *s, const int8_t *input, int32_t bits, void *state,
                                      int8_t *output)
{
    const int32_t rank = s->params->rank;
    const cmsis_nn_activation bounds = s->params->output_activation;
    if (rank < 1 || s->filters % rank != 0 || s->memory < 1 || s->batches < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (int32_t batch = 0; batch < s->batches; batch++, input += s->inputs) {
        nn_svdf_respond(s, input, bits, state);
        for (int32_t unit = 0; unit < s->filters / rank; unit++) {
            int32_t sum = s->bias ? s->bias[unit] : 0;
            for (int32_t i = 0; i < rank; i++) {
                sum += nn_svdf_sum(s, unit * rank + i, bits, state);
            }
            const int32_t scaled = nn_requantize(sum, s->output_scale.multiplier, s->output_scale.shift);
            *output++ = (int8_t)nn_clamp(scaled + s->params->output_offset, bounds.min, bounds.max);
        }
        state = (char *)state + s->filters * s->memory * (bits / 8);
    }
    return ARM_CMSIS_NN_SUCCESS;
}

#endif

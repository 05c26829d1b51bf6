/*
 * A layer of the singular value decomposition filter, for states of int8 and int16. Each of F filters keeps its last T
 * responses to the input as a row of the state; `rank` filters make a unit.
 */
#ifndef NN_SVDF_H
#define NN_SVDF_H

#include "arm_nn_types.h"
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

/* One filter: the row of the state moves on by one, the new response goes to its end; the sum over time. */
NN_INLINE int32_t nn_svdf_filter(const struct nn_svdf *s, const int8_t *input, int32_t filter, int32_t bits, void *state)
{
    const cmsis_nn_activation bounds = s->params->input_activation;
    const int32_t last = s->memory - 1;
    const int32_t dot =
        nn_dot_s8(s->feature_weights + filter * s->inputs, input, -s->params->input_offset, s->inputs);
    const int32_t scaled = nn_requantize(dot, s->input_scale.multiplier, s->input_scale.shift);
    const int32_t response = nn_clamp(scaled, bounds.min, bounds.max);
    if (bits == 16) {
        int16_t *const row = (int16_t *)state + filter * s->memory;
        for (int32_t i = 0; i < last; i++) {
            row[i] = row[i + 1];
        }
        row[last] = (int16_t)response;
        return nn_dot_s16((const int16_t *)s->time_weights + filter * s->memory, row, s->memory);
    }
    int8_t *const row = (int8_t *)state + filter * s->memory;
    for (int32_t i = 0; i < last; i++) {
        row[i] = row[i + 1];
    }
    row[last] = (int8_t)response;
    return nn_dot_s8((const int8_t *)s->time_weights + filter * s->memory, row, 0, s->memory);
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
        for (int32_t unit = 0; unit < s->filters / rank; unit++) {
            int32_t sum = s->bias ? s->bias[unit] : 0;
            for (int32_t i = 0; i < rank; i++) {
                sum += nn_svdf_filter(s, input, unit * rank + i, bits, state);
            }
            const int32_t scaled = nn_requantize(sum, s->output_scale.multiplier, s->output_scale.shift);
            *output++ = (int8_t)nn_clamp(scaled + s->params->output_offset, bounds.min, bounds.max);
        }
        state = (char *)state + s->filters * s->memory * (bits / 8);
    }
    return ARM_CMSIS_NN_SUCCESS;
}

#endif

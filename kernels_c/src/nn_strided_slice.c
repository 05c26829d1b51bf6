#include "nn_extra.h"
#include "nn_gather.h"

arm_cmsis_nn_status nn_strided_slice(const void *input, const cmsis_nn_dims *input_dims, const cmsis_nn_dims *begin,
                                     const cmsis_nn_dims *stride, void *output, const cmsis_nn_dims *output_dims,
                                     int32_t size)
{
    const int32_t inputs[4] = {input_dims->n, input_dims->h, input_dims->w, input_dims->c};
    const int32_t begins[4] = {begin->n, begin->h, begin->w, begin->c};
    const int32_t strides[4] = {stride->n, stride->h, stride->w, stride->c};
    const int32_t counts[4] = {output_dims->n, output_dims->h, output_dims->w, output_dims->c};
    int32_t steps[4], first = 0, step = 1;
    for (int32_t i = 3; i >= 0; i--) {
        const int32_t last = begins[i] + (counts[i] - 1) * strides[i];
        if (counts[i] < 1 || begins[i] < 0 || begins[i] >= inputs[i] || last < 0 || last >= inputs[i]) {
            return ARM_CMSIS_NN_ARG_ERROR;
        }
        first += begins[i] * step;
        steps[i] = strides[i] * step;
        step *= inputs[i];
    }
    nn_gather((const int8_t *)input + first * size, counts, steps, size, output);
    return ARM_CMSIS_NN_SUCCESS;
}

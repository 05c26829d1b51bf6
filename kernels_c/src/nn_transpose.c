#include "nn_extra.h"
#include "nn_gather.h"

arm_cmsis_nn_status nn_transpose(const void *input, const cmsis_nn_dims *input_dims, void *output,
                                 const cmsis_nn_dims *output_dims, const cmsis_nn_transpose_params *params, int32_t size)
{
    const int32_t dims = params->num_dims;
    const int32_t inputs[4] = {input_dims->n, input_dims->h, input_dims->w, input_dims->c};
    const int32_t outputs[4] = {output_dims->n, output_dims->h, output_dims->w, output_dims->c};
    if (dims < 1 || dims > 4) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    int32_t strides[4], counts[4] = {1, 1, 1, 1}, steps[4] = {0, 0, 0, 0};
    for (int32_t i = dims - 1, stride = 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= inputs[i];
    }
    for (int32_t i = 0, seen = 0; i < dims; i++) {
        const uint32_t axis = params->permutations[i];
        if (axis >= (uint32_t)dims || (seen >> axis & 1) || outputs[i] != inputs[axis]) {
            return ARM_CMSIS_NN_ARG_ERROR;
        }
        seen |= 1 << axis;
        counts[4 - dims + i] = outputs[i];
        steps[4 - dims + i] = strides[axis];
    }
    nn_gather(input, counts, steps, size, output);
    return ARM_CMSIS_NN_SUCCESS;
}

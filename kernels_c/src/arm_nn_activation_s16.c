#include "arm_nnfunctions.h"
#include "nn_extra.h"

arm_cmsis_nn_status arm_nn_activation_s16(const int16_t *input, int16_t *output, const int32_t size,
                                          const int32_t left_shift, const arm_nn_activation_type type)
{
    if (type != ARM_SIGMOID && type != ARM_TANH) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const int32_t left = left_shift > 0 ? left_shift : 0;
    nn_activation_s16(input, output, size, 3 * (1 << left), left - left_shift, type);
    return ARM_CMSIS_NN_SUCCESS;
}

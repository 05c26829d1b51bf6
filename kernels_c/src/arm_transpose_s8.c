#include "arm_nnfunctions.h"
#include "nn_extra.h"

arm_cmsis_nn_status arm_transpose_s8(const int8_t *input_data, int8_t *const output_data,
                                     const cmsis_nn_dims *const input_dims, const cmsis_nn_dims *const output_dims,
                                     const cmsis_nn_transpose_params *const transpose_params)
{
    return nn_transpose(input_data, input_dims, output_data, output_dims, transpose_params, 1);
}

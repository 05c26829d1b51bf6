#include "arm_nnfunctions.h"
#include "nn_rows.h"

arm_cmsis_nn_status arm_maximum_s8(const cmsis_nn_context *ctx, const int8_t *input_1_data,
                                   const cmsis_nn_dims *input_1_dims, const int8_t *input_2_data,
                                   const cmsis_nn_dims *input_2_dims, int8_t *output_data,
                                   const cmsis_nn_dims *output_dims)
{
    (void)ctx;
    return nn_broadcast(nn_maximum_row_s8, 0, 1, input_1_data, input_1_dims, input_2_data, input_2_dims, output_data,
                        output_dims);
}

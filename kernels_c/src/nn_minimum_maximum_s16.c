#include "nn_rows.h"

arm_cmsis_nn_status nn_minimum_s16(const int16_t *input_1, const cmsis_nn_dims *input_1_dims, const int16_t *input_2,
                                   const cmsis_nn_dims *input_2_dims, int16_t *output, const cmsis_nn_dims *output_dims)
{
    return nn_broadcast(nn_minimum_row_s16, 0, 2, input_1, input_1_dims, input_2, input_2_dims, output, output_dims);
}

arm_cmsis_nn_status nn_maximum_s16(const int16_t *input_1, const cmsis_nn_dims *input_1_dims, const int16_t *input_2,
                                   const cmsis_nn_dims *input_2_dims, int16_t *output, const cmsis_nn_dims *output_dims)
{
    return nn_broadcast(nn_maximum_row_s16, 0, 2, input_1, input_1_dims, input_2, input_2_dims, output, output_dims);
}

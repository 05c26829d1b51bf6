#include "arm_nnfunctions.h"
#include "nn_rows.h"

arm_cmsis_nn_status arm_elementwise_mul_s16(const int16_t *input_1_vect, const int16_t *input_2_vect,
                                           const int32_t input_1_offset, const int32_t input_2_offset, int16_t *output,
                                           const int32_t out_offset, const int32_t out_mult, const int32_t out_shift,
                                           const int32_t out_activation_min, const int32_t out_activation_max,
                                           const int32_t block_size)
{
    const nn_mul_params params = {input_1_offset, input_2_offset, out_offset, out_mult, out_shift,
                                  {out_activation_min, out_activation_max}};
    const struct nn_operands operands = {(const int8_t *)input_1_vect, (const int8_t *)input_2_vect, 1, 1};
    if (block_size < 0) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    nn_mul_row_s16(&params, &operands, (int8_t *)output, block_size);
    return ARM_CMSIS_NN_SUCCESS;
}

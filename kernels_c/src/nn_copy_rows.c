#include "nn_copy.h"
#include "nn_extra.h"

arm_cmsis_nn_status nn_copy_rows(const void *input, int32_t input_step, void *output, int32_t output_step,
                                 int32_t row_bytes, int32_t rows)
{
    if (row_bytes < 0 || rows < 0) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const int8_t *from = input;
    int8_t *to = output;
    if (input_step == row_bytes && output_step == row_bytes) {
        row_bytes *= rows;
        rows = rows > 0;
    }
    for (; rows > 0; rows--, from += input_step, to += output_step) {
        nn_copy(to, from, row_bytes);
    }
    return ARM_CMSIS_NN_SUCCESS;
}

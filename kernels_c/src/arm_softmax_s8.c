#include "arm_nnfunctions.h"
#include "nn_softmax.h"

void arm_softmax_s8(const int8_t *input, const int32_t num_rows, const int32_t row_size, const int32_t mult,
                    const int32_t shift, const int32_t diff_min, int8_t *output)
{
    const struct nn_softmax scale = {mult, shift, diff_min, 0};
    if (row_size > 0) {
        nn_softmax_rows(input, num_rows, row_size, scale, 8, output);
    }
}

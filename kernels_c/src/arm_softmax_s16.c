#include <stddef.h>

#include "arm_nnfunctions.h"
#include "nn_exponential.h"
#include "nn_lookup.h"

static int32_t greatest_of(const int16_t *input, int32_t count)
{
    int32_t greatest = input[0];
    for (int32_t i = 1; i < count; i++) {
        greatest = input[i] > greatest ? input[i] : greatest;
    }
    return greatest;
}

/* The exponentials of a row go to the output; their sum comes back, Q16.15. */
static int32_t exponentials(const int16_t *input, int32_t count, int32_t mult, int32_t shift, const int16_t *table,
                            int16_t *output)
{
    const int32_t greatest = greatest_of(input, count);
    int32_t sum = 0;
    for (int32_t i = 0; i < count; i++) {
        const int32_t difference = nn_requantize(input[i] - greatest, mult, shift) + INT16_MAX;
        output[i] = nn_interpolated(table, nn_clamp(difference, INT16_MIN, INT16_MAX));
        sum += output[i];
    }
    return sum;
}

arm_cmsis_nn_status arm_softmax_s16(const int16_t *input, const int32_t num_rows, const int32_t row_size,
                                    const int32_t mult, const int32_t shift,
                                    const cmsis_nn_softmax_lut_s16 *softmax_params, int16_t *output)
{
    if (softmax_params->exp_lut == NULL || softmax_params->one_by_one_lut == NULL || row_size < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (int32_t row = 0; row < num_rows; row++, input += row_size, output += row_size) {
        const int32_t sum = exponentials(input, row_size, mult, shift, softmax_params->exp_lut, output);
        const int32_t headroom = nn_leading_zeros((uint32_t)sum);
        /* the sum as 1.x in Q16, and x moved from 0..65535 to the range of int16 */
        const int32_t scaled = (int32_t)((((uint32_t)sum << (headroom - 1)) + (1u << 13)) >> 14) - 3 * (1 << 15);
        const int32_t inverse = nn_interpolated(softmax_params->one_by_one_lut, nn_clamp(scaled, INT16_MIN, INT16_MAX));
        const int32_t right = 31 - headroom, half = 1 << (right - 1); /* at most 2^29 for fewer than 32768 elements */
        for (int32_t i = 0; i < row_size; i++) {
            output[i] = (int16_t)nn_clamp((output[i] * inverse + half) >> right, 0, INT16_MAX);
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

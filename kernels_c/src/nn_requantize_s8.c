#include "nn_requantize_row.h"

void nn_requantize_s8(const nn_requantize_params *params, const int8_t *input, int32_t count, int8_t *output)
{
    nn_requantize_row(params, input, 0, output, 0, count);
}

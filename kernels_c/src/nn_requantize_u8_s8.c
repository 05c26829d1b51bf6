#include "nn_requantize_row.h"

void nn_requantize_u8_s8(const nn_requantize_params *params, const uint8_t *input, int32_t count, int8_t *output)
{
    nn_requantize_row(params, input, 0x80, output, 0, count);
}

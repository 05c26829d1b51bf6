#include "nn_requantize_row.h"

void nn_requantize_u8(const nn_requantize_params *params, const uint8_t *input, int32_t count, uint8_t *output)
{
    nn_requantize_row(params, input, 0x80, output, 0x80, count);
}

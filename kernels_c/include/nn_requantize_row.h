/* Rows of 8-bit values to another scale; uint8 is int8 with its highest bit turned over. */
#ifndef NN_REQUANTIZE_ROW_H
#define NN_REQUANTIZE_ROW_H

#include "nn_extra.h"

/* `input_flip`, `output_flip`: 0x80 where that side is uint8, else 0. Offsets and bounds are as those types have them. */
void nn_requantize_row(const nn_requantize_params *params, const void *input, uint8_t input_flip, void *output,
                       uint8_t output_flip, int32_t count);

#endif

/*
 * Stored values to floats. The product of a float and a number of 17 bits, rounded once, is what TensorFlow Lite computes
 * in double precision and rounds to float.
 */
#include "nn_extra.h"

void nn_dequantize_s8_f32(const int8_t *input, float scale, int32_t zero_point, float *output, int32_t count)
{
    for (; count > 0; count--) {
        *output++ = scale * (float)(*input++ - zero_point);
    }
}

void nn_dequantize_u8_f32(const uint8_t *input, float scale, int32_t zero_point, float *output, int32_t count)
{
    for (; count > 0; count--) {
        *output++ = scale * (float)(*input++ - zero_point);
    }
}

void nn_dequantize_s16_f32(const int16_t *input, float scale, int32_t zero_point, float *output, int32_t count)
{
    for (; count > 0; count--) {
        *output++ = scale * (float)(*input++ - zero_point);
    }
}

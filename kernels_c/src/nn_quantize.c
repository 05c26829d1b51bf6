/* Between float32 and stored values. */
#include "nn_extra.h"
#include "nn_requantize.h"

/* value / scale to nearest, halves away from zero, and at the bounds of int32 / 2 what lies beyond. */
static int32_t quantized(float value, float scale)
{
    const float limit = 1073741824.0f, exact = value / scale;
    if (!(exact > -limit && exact < limit)) {
        return exact > 0 ? 1 << 30 : -(1 << 30);
    }
    const int32_t towards_zero = (int32_t)exact;
    const float rest = exact - (float)towards_zero;
    return towards_zero + (rest >= 0.5f) - (rest <= -0.5f);
}

void nn_quantize_f32_s8(const float *input, int32_t count, float scale, int32_t zero_point, int8_t *output)
{
    for (; count > 0; count--) {
        *output++ = (int8_t)nn_clamp(quantized(*input++, scale) + zero_point, -128, 127);
    }
}

void nn_quantize_f32_u8(const float *input, int32_t count, float scale, int32_t zero_point, uint8_t *output)
{
    for (; count > 0; count--) {
        *output++ = (uint8_t)nn_clamp(quantized(*input++, scale) + zero_point, 0, 255);
    }
}

void nn_quantize_f32_s16(const float *input, int32_t count, float scale, int32_t zero_point, int16_t *output)
{
    for (; count > 0; count--) {
        *output++ = (int16_t)nn_clamp(quantized(*input++, scale) + zero_point, -32768, 32767);
    }
}

void nn_dequantize_s8_f32(const int8_t *input, int32_t count, float scale, int32_t zero_point, float *output)
{
    for (; count > 0; count--) {
        *output++ = scale * (float)(*input++ - zero_point);
    }
}

void nn_dequantize_u8_f32(const uint8_t *input, int32_t count, float scale, int32_t zero_point, float *output)
{
    for (; count > 0; count--) {
        *output++ = scale * (float)(*input++ - zero_point);
    }
}

void nn_dequantize_s16_f32(const int16_t *input, int32_t count, float scale, int32_t zero_point, float *output)
{
    for (; count > 0; count--) {
        *output++ = scale * (float)(*input++ - zero_point);
    }
}

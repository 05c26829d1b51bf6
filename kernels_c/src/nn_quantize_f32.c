/* Floats to stored values. Walks upwards and reads an element before it writes the one at its index. */
#include "nn_extra.h"
#include "nn_lanes.h"
#include "nn_requantize.h"

enum { FAR = 1 << 20 }; /* farther from 0 than any stored value from a zero point */

/* The nearest whole number, halves away from zero; beyond +-FAR, that. */
NN_INLINE int32_t nearest(float value)
{
    if (!(value > (float)-FAR)) {
        return value != value ? 0 : -FAR;
    }
    if (value > (float)FAR) {
        return FAR;
    }
    const int32_t whole = (int32_t)value;
    const float rest = value - (float)whole; /* exact */
    return whole + (rest >= 0.5f) - (rest <= -0.5f);
}

void nn_quantize_f32_s8(const float *input, float scale, int32_t zero_point, int8_t *output, int32_t count)
{
    for (; count > 0; count--) {
        *output++ = (int8_t)nn_clamp(nearest(*input++ / scale) + zero_point, INT8_MIN, INT8_MAX);
    }
}

void nn_quantize_f32_u8(const float *input, float scale, int32_t zero_point, uint8_t *output, int32_t count)
{
    for (; count > 0; count--) {
        *output++ = (uint8_t)nn_clamp(nearest(*input++ / scale) + zero_point, 0, UINT8_MAX);
    }
}

void nn_quantize_f32_s16(const float *input, float scale, int32_t zero_point, int16_t *output, int32_t count)
{
    for (; count > 0; count--) {
        *output++ = (int16_t)nn_clamp(nearest(*input++ / scale) + zero_point, INT16_MIN, INT16_MAX);
    }
}

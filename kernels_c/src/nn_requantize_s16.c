/* Stored values of 16 bits to another scale, and from and to 8 bits. */
#include "nn_extra.h"
#include "nn_requantize.h"

/* A copy of the parameters, so that the output cannot overlap them. */
static inline int32_t scaled(nn_requantize_params p, int32_t value)
{
    return nn_requantize(value + p.input_offset, p.mult, p.shift) + p.output_offset;
}

void nn_requantize_s8_s16(const nn_requantize_params *params, const int8_t *input, int16_t *output, int32_t count)
{
    const nn_requantize_params p = *params;
    for (; count > 0; count--) {
        *output++ = (int16_t)nn_clamp(scaled(p, *input++), INT16_MIN, INT16_MAX);
    }
}

void nn_requantize_s16_s8(const nn_requantize_params *params, const int16_t *input, int8_t *output, int32_t count)
{
    const nn_requantize_params p = *params;
    for (; count > 0; count--) {
        *output++ = (int8_t)nn_clamp(scaled(p, *input++), INT8_MIN, INT8_MAX);
    }
}

void nn_requantize_s16_s16(const nn_requantize_params *params, const int16_t *input, int16_t *output, int32_t count)
{
    const nn_requantize_params p = *params;
    for (; count > 0; count--) {
        *output++ = (int16_t)nn_clamp(scaled(p, *input++), INT16_MIN, INT16_MAX);
    }
}

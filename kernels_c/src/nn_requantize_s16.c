/* Between int16 and int8, and int16 of another scale. */
#include "nn_extra.h"
#include "nn_requantize.h"

static int32_t scaled(int32_t value, const nn_requantize_params *p)
{
    const int32_t result = nn_requantize(value + p->input_offset, p->multiplier, p->shift) + p->output_offset;
    return nn_clamp(result, p->activation.min, p->activation.max);
}

void nn_requantize_s16(const nn_requantize_params *params, const int16_t *input, int32_t count, int16_t *output)
{
    const nn_requantize_params p = *params;
    for (; count > 0; count--) {
        *output++ = (int16_t)scaled(*input++, &p);
    }
}

void nn_requantize_s8_s16(const nn_requantize_params *params, const int8_t *input, int32_t count, int16_t *output)
{
    const nn_requantize_params p = *params;
    for (; count > 0; count--) {
        *output++ = (int16_t)scaled(*input++, &p);
    }
}

void nn_requantize_s16_s8(const nn_requantize_params *params, const int16_t *input, int32_t count, int8_t *output)
{
    const nn_requantize_params p = *params;
    for (; count > 0; count--) {
        *output++ = (int8_t)scaled(*input++, &p);
    }
}

#include "nn_extra.h"
#include "nn_requantize.h"

void nn_leaky_relu_s16(const nn_leaky_relu_params *params, const int16_t *input, int32_t count, int16_t *output)
{
    const nn_leaky_relu_params p = *params;
    const int32_t sign = p.alpha_multiplier < 0 ? -1 : 1, alpha = sign * p.alpha_multiplier;
    for (; count > 0; count--) {
        const int32_t value = *input++ + p.input_offset;
        const int32_t result = value >= 0 ? nn_requantize(value, p.identity_multiplier, p.identity_shift)
                                          : sign * nn_requantize(value, alpha, p.alpha_shift);
        *output++ = (int16_t)nn_clamp(result + p.output_offset, INT16_MIN, INT16_MAX);
    }
}

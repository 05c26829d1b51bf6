#include "nn_extra.h"
#include "nn_requantize.h"

void nn_leaky_relu_s8(const nn_leaky_relu_params *params, const int8_t *input, int32_t count, int8_t *output)
{
    const nn_leaky_relu_params p = *params;
    const int32_t alpha = p.alpha_multiplier < 0 ? -p.alpha_multiplier : p.alpha_multiplier;
    for (; count > 0; count--) {
        const int32_t value = *input++ + p.input_offset;
        int32_t result = value >= 0 ? nn_requantize(value, p.identity_multiplier, p.identity_shift)
                                    : nn_requantize(value, alpha, p.alpha_shift);
        if (value < 0 && p.alpha_multiplier < 0) {
            result = -result;
        }
        *output++ = (int8_t)nn_clamp(result + p.output_offset, -128, 127);
    }
}

#include "nn_extra.h"
#include "nn_ratio.h"

static void plain(nn_leaky_relu_params p, const int8_t *input, int32_t count, int8_t *output)
{
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

void nn_leaky_relu_s8(const nn_leaky_relu_params *params, const int8_t *input, int32_t count, int8_t *output)
{
#if NN_DSP || NN_NARROW
    struct nn_ratio above, below; /* no negative alpha: its halves go the other way once the offset is in */
    const int32_t input_offset = params->input_offset;
    if (nn_ratio_of(&above, params->identity_multiplier, params->identity_shift, params->output_offset) &&
        nn_ratio_of(&below, params->alpha_multiplier, params->alpha_shift, params->output_offset)) {
        for (; count > 0; count--) {
            const int32_t value = *input++ + input_offset;
            const int32_t result = value >= 0 ? nn_ratio_scaled(value, &above) : nn_ratio_scaled(value, &below);
            *output++ = (int8_t)nn_clamp(result, -128, 127);
        }
        return;
    }
#endif
    plain(*params, input, count, output);
}

/* Functions of single elements of float32. */
#include "nn_exp.h"
#include "nn_float_order.h"

void nn_clamp_f32(const float *input, int32_t count, float min, float max, float *output)
{
    const nn_activation_f32 bounds = {min, max};
    for (; count > 0; count--) {
        *output++ = nn_float_bounded(*input++, bounds);
    }
}

void nn_leaky_relu_f32(const float *input, int32_t count, float alpha, float *output)
{
    for (; count > 0; count--, input++) {
        *output++ = nn_float_less(0.0f, *input) ? *input : *input * alpha;
    }
}

void nn_hard_swish_f32(const float *input, int32_t count, float *output)
{
    const nn_activation_f32 bounds = {0.0f, 6.0f};
    for (; count > 0; count--, input++) {
        *output++ = *input * nn_float_bounded(*input + 3.0f, bounds) / 6.0f;
    }
}

/* Where 1 is lost in the sum, the exponential itself. */
void nn_logistic_f32(const float *input, int32_t count, float *output)
{
    for (; count > 0; count--, input++) {
        *output++ = nn_float_less(*input, -9.0f) ? nn_exp(*input) : 1.0f / (1.0f + nn_exp(-*input));
    }
}

void nn_silu_f32(const float *input, int32_t count, float *output)
{
    for (; count > 0; count--, input++) {
        *output++ = *input * (1.0f / (1.0f + nn_exp(-*input)));
    }
}

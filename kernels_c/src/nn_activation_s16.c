#include "nn_extra.h"
#include "nn_sigmoid.h"

void nn_activation_s16(const int16_t *input, int16_t *output, int32_t count, int32_t multiplier, int32_t right_shift,
                       arm_nn_activation_type type)
{
    const int32_t half = right_shift > 0 ? 1 << (right_shift - 1) : 0;
    if (type == ARM_SIGMOID) {
        for (; count > 0; count--) {
            *output++ = nn_sigmoid_s16((*input++ * multiplier + half) >> right_shift);
        }
    } else {
        for (; count > 0; count--) {
            *output++ = nn_tanh_s16((*input++ * multiplier + half) >> right_shift);
        }
    }
}

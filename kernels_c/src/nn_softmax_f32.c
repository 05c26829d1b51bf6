#include "nn_exp.h"
#include "nn_float_order.h"

void nn_softmax_f32(const float *input, int32_t rows, int32_t length, float beta, float *output)
{
    for (; rows > 0; rows--, input += length, output += length) {
        float most = input[0], sum = 0.0f;
        for (int32_t i = 1; i < length; i++) {
            most = nn_float_less(most, input[i]) ? input[i] : most;
        }
        for (int32_t i = 0; i < length; i++) {
            output[i] = nn_exp((input[i] - most) * beta);
            sum += output[i];
        }
        for (int32_t i = 0; i < length; i++) {
            output[i] /= sum;
        }
    }
}

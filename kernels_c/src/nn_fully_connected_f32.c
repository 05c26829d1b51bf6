/* Fully connected layer of float32: a convolution whose window is one run. */
#include "nn_float_sums.h"

void nn_fully_connected_f32(const nn_activation_f32 *bounds, int32_t batches, int32_t depth, int32_t outputs,
                            const float *input, const float *filter, const float *bias, float *output)
{
    const struct nn_float_taps taps = {.rows = 1, .runs = 1, .length = depth};
    const struct nn_float_channels channels = {bias, outputs, depth, *bounds};
    for (int32_t batch = 0; batch < batches; batch += 2) {
        const float *second = batch + 1 < batches ? input + depth : 0;
        nn_float_outputs(&taps, &channels, input, second, filter, output, outputs);
        input += 2 * depth;
        output += 2 * outputs;
    }
}

/* Fully connected layer of float32 whose weights are mostly zero: row by row, products one after another. */
#include "nn_float_order.h"

static __attribute__((noinline)) float sum_of(const float *input, const uint8_t *steps, const float *values, int32_t count)
{
    float sum = 0.0f;
#if NN_FPU /* products of four entries, beside which additions wait for one another */
    for (; count >= 4; count -= 4, steps += 4, values += 4) {
        const float *const a = input + steps[0], *const b = a + steps[1], *const c = b + steps[2], *const d = c + steps[3];
        const float product_a = *a * values[0], product_b = *b * values[1], product_c = *c * values[2];
        const float product_d = *d * values[3];
        sum += product_a;
        sum += product_b;
        sum += product_c;
        sum += product_d;
        input = d;
    }
#endif
    for (const float *const end = values + count; values != end;) {
        input += *steps++;
        sum += *input * *values++;
    }
    return sum;
}

void nn_fully_connected_sparse_f32(const nn_activation_f32 *bounds, int32_t batches, int32_t depth, int32_t outputs,
                                   const float *input, const nn_sparse_weights_f32 *weights, const float *bias,
                                   float *output)
{
    for (int32_t batch = 0; batch < batches; batch++, input += depth) {
        const uint8_t *steps = weights->steps;
        const float *values = weights->values;
        for (int32_t row = 0; row < outputs; row++) {
            const int32_t count = weights->counts[row];
            const float sum = sum_of(input, steps, values, count);
            *output++ = nn_float_bounded(bias ? sum + bias[row] : sum, *bounds);
            steps += count;
            values += count;
        }
    }
}

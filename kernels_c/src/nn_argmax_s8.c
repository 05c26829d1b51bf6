#include "nn_extra.h"

void nn_argmax_s8(const int8_t *input, int32_t outer, int32_t count, int32_t inner, int32_t *output)
{
    for (; outer > 0; outer--, input += count * inner) {
        for (int32_t i = 0; i < inner; i++) {
            int32_t best = 0;
            for (int32_t j = 1; j < count; j++) {
                best = input[j * inner + i] > input[best * inner + i] ? j : best;
            }
            *output++ = best;
        }
    }
}

#include "nn_extra.h"
#include "nn_lanes.h"

void nn_lookup_s8(const int8_t *input, const int8_t table[256], int32_t count, int8_t *output)
{
    const uint8_t *const entries = (const uint8_t *)table;
#if NN_DSP
    for (; count >= 4; count -= 4, input += 4, output += 4) {
        const uint32_t word = nn_lanes_load(input);
        const uint32_t a = entries[word & 255], b = entries[word >> 8 & 255];
        const uint32_t c = entries[word >> 16 & 255], d = entries[word >> 24];
        nn_lanes_store(output, a | b << 8 | c << 16 | d << 24);
    }
#endif
    for (; count > 0; count--) {
        *output++ = (int8_t)entries[(uint8_t)*input++];
    }
}

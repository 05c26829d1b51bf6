#include "nn_requantize_row.h"

#include "nn_rescale.h"

static void plain(nn_requantize_params p, const uint8_t *input, uint8_t input_flip, uint8_t *output, uint8_t output_flip,
                  int32_t count)
{
    for (; count > 0; count--) {
        const int32_t value = (int8_t)(*input++ ^ input_flip) + p.input_offset;
        const int32_t scaled = nn_requantize(value, p.multiplier, p.shift) + p.output_offset;
        *output++ = (uint8_t)(nn_clamp(scaled, p.activation.min, p.activation.max) ^ output_flip);
    }
}

#if NN_DSP

/* Four at a time. `divided`: a division by 2^-shift follows the product. */
NN_INLINE int32_t fours(nn_requantize_params p, const uint8_t *input, uint8_t input_flip, uint8_t *output,
                        uint8_t output_flip, int32_t count, int divided)
{
    const struct nn_rescale scale = {p.multiplier, p.shift > 0 ? p.shift : 0, -p.shift,
                                   divided ? (1 << (-p.shift - 1)) + p.output_offset * (1 << -p.shift) : 0};
    const uint32_t input_flips = input_flip * 0x01010101u, output_flips = output_flip * 0x01010101u;
    const uint32_t lows = nn_lanes_all(p.activation.min), highs = nn_lanes_all(p.activation.max);
    for (int32_t rest = count; rest >= 4; rest -= 4, input += 4, output += 4) {
        const uint32_t values = nn_lanes_load(input) ^ input_flips;
        int32_t result[4];
#define LANE(lane)                                                                                                       \
    {                                                                                                                    \
        const int32_t value = nn_lane_plus(values, lane, p.input_offset);                                                \
        result[lane] = nn_saturate_int8(                                                                                 \
            divided ? nn_rescaled(value, scale)                                                                            \
                    : nn_small_high_multiply((int32_t)((uint32_t)value << scale.left), scale.multiplier) + p.output_offset); \
    }
        LANE(0)
        LANE(1)
        LANE(2)
        LANE(3)
#undef LANE
        const uint32_t results = nn_lanes_of(result[0], result[1], result[2], result[3]);
        nn_lanes_store(output, nn_lanes_min(nn_lanes_max(results, lows), highs) ^ output_flips);
    }
    return count & ~3;
}

#endif

void nn_requantize_row(const nn_requantize_params *params, const void *input, uint8_t input_flip, void *output,
                       uint8_t output_flip, int32_t count)
{
    nn_requantize_params p = *params;
    const uint8_t *from = input;
    uint8_t *to = output;
    p.input_offset += input_flip; /* u + offset = (u - 128) + (offset + 128) */
    p.output_offset -= output_flip;
    p.activation.min -= output_flip;
    p.activation.max -= output_flip;
    int32_t done = 0;
#if NN_DSP
    if (p.shift < 0 && p.shift > -22) {
        done = fours(p, from, input_flip, to, output_flip, count, 1);
    } else if (p.shift >= 0 && p.shift < 19) { /* 9 bits of value, 19 of shift: below 2^28 */
        done = fours(p, from, input_flip, to, output_flip, count, 0);
    }
#endif
    plain(p, from + done, input_flip, to + done, output_flip, count - done);
}

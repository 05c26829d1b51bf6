#include "nn_requantize_row.h"

#include "nn_ratio.h"

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

/* Four at a time. */
static int32_t fast(nn_requantize_params p, struct nn_ratio ratio, const uint8_t *input, uint8_t input_flip,
                    uint8_t *output, uint8_t output_flip, int32_t count)
{
    const uint32_t input_flips = input_flip * 0x01010101u, output_flips = output_flip * 0x01010101u;
    const uint32_t lows = nn_lanes_all(p.activation.min), highs = nn_lanes_all(p.activation.max);
    for (int32_t rest = count; rest >= 4; rest -= 4, input += 4, output += 4) {
        const uint32_t values = nn_lanes_load(input) ^ input_flips;
#define LANE(lane) nn_saturate_int8(nn_ratio_scaled(nn_lane_plus(values, lane, p.input_offset), &ratio))
        const uint32_t results = nn_lanes_of(LANE(0), LANE(1), LANE(2), LANE(3));
#undef LANE
        nn_lanes_store(output, nn_lanes_min(nn_lanes_max(results, lows), highs) ^ output_flips);
    }
    return count & ~3;
}

#elif NN_NARROW

static int32_t fast(nn_requantize_params p, struct nn_ratio ratio, const uint8_t *input, uint8_t input_flip,
                    uint8_t *output, uint8_t output_flip, int32_t count)
{
    for (int32_t rest = count; rest > 0; rest--) {
        const int32_t scaled = nn_ratio_scaled((int8_t)(*input++ ^ input_flip) + p.input_offset, &ratio);
        *output++ = (uint8_t)(nn_clamp(scaled, p.activation.min, p.activation.max) ^ output_flip);
    }
    return count;
}

#endif

/* Where only the type or the bounds change: uint8 to int8 of the same scale, ReLU at the scale of its input. */
static void bounded(nn_requantize_params p, const uint8_t *input, uint8_t input_flip, uint8_t *output,
                    uint8_t output_flip, int32_t count)
{
#if NN_DSP
    const uint32_t input_flips = input_flip * 0x01010101u, output_flips = output_flip * 0x01010101u;
    const uint32_t lows = nn_lanes_all(p.activation.min), highs = nn_lanes_all(p.activation.max);
    for (; count >= 4; count -= 4, input += 4, output += 4) {
        const uint32_t values = nn_lanes_load(input) ^ input_flips;
        nn_lanes_store(output, nn_lanes_min(nn_lanes_max(values, lows), highs) ^ output_flips);
    }
#endif
    for (; count > 0; count--) {
        const int32_t value = (int8_t)(*input++ ^ input_flip);
        *output++ = (uint8_t)(nn_clamp(value, p.activation.min, p.activation.max) ^ output_flip);
    }
}

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
    if (p.multiplier == 1 << 30 && p.shift == 1 && p.input_offset + p.output_offset == 0) {
        bounded(p, from, input_flip, to, output_flip, count);
        return;
    }
    int32_t done = 0;
#if NN_DSP || NN_NARROW
    struct nn_ratio ratio;
    if (nn_ratio_of(&ratio, p.multiplier, p.shift, p.output_offset)) {
        done = fast(p, ratio, from, input_flip, to, output_flip, count);
    }
#endif
    plain(p, from + done, input_flip, to + done, output_flip, count - done);
}

/*
 * How the loops with the DSP extension scale a sum, in four instructions:
 *
 *   (high + (sum < 0 ? -1 : 0) + add) >> shift, saturated
 *
 * high is sum * multiplier / 2^32, rounded half up (SMMLAR). The sum is a doubled one, so that this is TensorFlow Lite's
 * doubling high multiply; with add = 2^(shift - 1) + output offset * 2^shift the rest rounds half away from zero. A
 * negative sum whose high is 0 comes out as 0 all the same.
 */
#ifndef NN_SCALE_H
#define NN_SCALE_H

#include <stdint.h>

struct nn_scale {
    int32_t multiplier, add, shift;
};

static inline struct nn_scale nn_scale_of(int32_t multiplier, int32_t shift, int32_t output_offset)
{
    const int32_t right = -shift;
    return (struct nn_scale){multiplier, (int32_t)((1u << right >> 1) + ((uint32_t)output_offset << right)), right};
}

/*
 * Whether that is right for a channel whose sum has `count` products of an input (9 bits) and a weight, and a bias: sums
 * below 2^29, so that doubled ones, and results with what is added to them, stay below 2^31.
 */
static inline int nn_scale_fits(int32_t multiplier, int32_t shift, int32_t bias, int32_t count)
{
    const int32_t limit = (1 << 29) - (count < 16384 ? count : 16384) * 255 * 128;
    return count < 16384 && multiplier >= 0 && shift < 0 && shift >= -21 && bias < limit && bias > -limit;
}

#endif

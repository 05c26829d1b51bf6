/*
 * An int32 sum back to the scale of the output: value * multiplier * 2^(shift - 31), rounded twice as TensorFlow Lite
 * does (tensorflow/lite/kernels/internal/common.h, MultiplyByQuantizedMultiplier without TFLITE_SINGLE_ROUNDING).
 */
#ifndef NN_REQUANTIZE_H
#define NN_REQUANTIZE_H

#include <stdint.h>

/* High word of 2 * value * multiplier, rounded half up. Not for both INT32_MIN. */
#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__) || defined(NN_SHORT_MULTIPLY)
/* Without a long multiply: of four products of halves. None of the sums leaves 32 bits. */
static inline int32_t nn_doubling_high_multiply(int32_t value, int32_t multiplier)
{
    const int32_t value_high = value >> 16, multiplier_high = multiplier >> 16;
    const uint32_t value_low = (uint32_t)value & 0xFFFFu, multiplier_low = (uint32_t)multiplier & 0xFFFFu;
    const uint32_t lowest = value_low * multiplier_low;
    const int32_t middle = value_high * (int32_t)multiplier_low + (int32_t)(lowest >> 16);
    const int32_t other = (int32_t)value_low * multiplier_high + (middle & 0xFFFF);
    const int32_t high = value_high * multiplier_high + (middle >> 16) + (other >> 16);
    const uint32_t two_bits = ((uint32_t)other & 0xFFFFu) >> 14; /* the next below */
    return (int32_t)(2u * (uint32_t)high + ((two_bits + 1u) >> 1));
}
#else
static inline int32_t nn_doubling_high_multiply(int32_t value, int32_t multiplier)
{
    return (int32_t)(((int64_t)value * multiplier + ((int64_t)1 << 30)) >> 31);
}
#endif

/* value / 2^exponent, 0 <= exponent <= 31, rounded half away from zero. */
static inline int32_t nn_divide_by_power_of_two(int32_t value, int32_t exponent)
{
    const int32_t mask = (int32_t)((1u << exponent) - 1u);
    const int32_t remainder = value & mask;
    const int32_t threshold = (mask >> 1) + (value < 0);
    return (value >> exponent) + (remainder > threshold);
}

static inline int32_t nn_requantize(int32_t value, int32_t multiplier, int32_t shift)
{
    const int32_t left = shift > 0 ? shift : 0;
    const int32_t right = shift > 0 ? 0 : -shift;
    const int32_t scaled = (int32_t)((uint32_t)value << left);
    return nn_divide_by_power_of_two(nn_doubling_high_multiply(scaled, multiplier), right);
}

/*
 * The same, rounded once, halves up, and saturated (with room for an offset); shift at most 30. TensorFlow Lite's reference
 * kernel of fully connected layers rounds in double precision, which comes to this
 * (mcusim.network.fixed_point.rounds_as_double tells whether it does for a factor).
 */
static inline int32_t nn_requantize_once(int32_t value, int32_t multiplier, int32_t shift)
{
    if (shift <= -2) { /* half of the last place lies in the high word, and nothing saturates */
        const int32_t high = (int32_t)(((int64_t)value * multiplier) >> 32);
        return (high + (1 << (-shift - 2))) >> (-shift - 1);
    }
    const int32_t power = 31 - shift;
    const int64_t scaled = ((int64_t)value * multiplier + ((int64_t)1 << (power - 1))) >> power;
    return scaled > INT32_MAX - 128 ? INT32_MAX - 128 : scaled < INT32_MIN + 128 ? INT32_MIN + 128 : (int32_t)scaled;
}

static inline int32_t nn_clamp(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

#endif

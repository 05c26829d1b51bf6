/*
 * nn_requantize for values that leave room: without a 64-bit product, and without the case of a shift to the left. What
 * the fast versions of element-wise kernels are made of; plain C uses nn_requantize.
 *
 * NN_NARROW: cores whose multiplication gives 32 bits only (ARMv6-M, ARMv8-M without its main extension).
 */
#ifndef NN_RATIO_H
#define NN_RATIO_H

#include "nn_lanes.h"
#include "nn_requantize.h"

#if (defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__)) && !defined(NN_PLAIN_C) && !defined(NN_NARROW)
#define NN_NARROW 1
#elif !defined(NN_NARROW)
#define NN_NARROW 0
#endif

/* nn_doubling_high_multiply for |value| < 2^29, plus a sum. */
NN_INLINE int32_t nn_small_high_multiply_add(int32_t value, int32_t multiplier, int32_t sum)
{
#if NN_DSP
    return nn_high_multiply_add(2 * value, multiplier, sum);
#elif NN_NARROW
    /* 16-bit halves, the low one of the value signed: every sum below stays in 32 bits. What is lost of the lowest
     * product lies below the bit at which the result is cut. */
    const int32_t low = (int16_t)value, high = (value - low) >> 16;
    const int32_t multiplier_low = multiplier & 0xFFFF, multiplier_high = multiplier >> 16;
    const int32_t middle = high * multiplier_low + low * multiplier_high + ((low * multiplier_low) >> 16) + (1 << 14);
    return 2 * (high * multiplier_high) + (middle >> 15) + sum;
#else
    return nn_doubling_high_multiply(value, multiplier) + sum;
#endif
}

/* (value << left) * multiplier, rounded, divided by 2^exponent with halves away from zero, plus an offset, in steps. */
struct nn_shrink {
    int32_t multiplier;
    int32_t left;
    int32_t exponent; /* 1 at least */
    int32_t half;     /* 2^(exponent - 1), and the offset at that scale */
};

/*
 * 0 where a multiplier and shift, for |value| < 2^bits after `left`, have no such form. An exact half is one more shift
 * to the left, and one back: nothing is lost before the division.
 */
NN_INLINE int nn_shrink_of(struct nn_shrink *shrink, int32_t multiplier, int32_t shift, int32_t offset, int32_t left,
                          int32_t bits)
{
    const int exact = multiplier == 1 << 30 && shift == 0;
    const int32_t exponent = exact ? 1 : -shift;
    if (exponent < 1 || exponent > (offset ? 21 : 30) || bits + exact > 29 || multiplier < 0) {
        return 0;
    }
    shrink->multiplier = multiplier;
    shrink->left = left + exact;
    shrink->exponent = exponent;
    shrink->half = (1 << (exponent - 1)) + offset * (1 << exponent);
    return 1;
}

/*
 * `left` is not applied here: where it is constant it costs nothing. Halves go away from zero by the sign of the value: a
 * negative one whose product rounds to 0 comes out as 0 all the same.
 */
NN_INLINE int32_t nn_shrunk(int32_t value, struct nn_shrink shrink)
{
    return nn_small_high_multiply_add(value, shrink.multiplier, shrink.half + (value >> 31)) >> shrink.exponent;
}

/* The same for any ratio of scales: shifts to the left, and products that no division follows. */
struct nn_ratio {
    struct nn_shrink shrink;
    int32_t signs; /* -1 where a division follows, whose halves go away from zero, else 0 */
};

/* 0 where a multiplier and shift, for |value| < 2^9, have no such form. */
NN_INLINE int nn_ratio_of(struct nn_ratio *ratio, int32_t multiplier, int32_t shift, int32_t offset)
{
    const int32_t left = shift > 0 ? shift : 0, exponent = shift < 0 ? -shift : 0;
    if (left >= 20 || exponent >= 22 || multiplier < 0) {
        return 0;
    }
    const struct nn_shrink shrink = {multiplier, left, exponent, ((1 << exponent) >> 1) + offset * (1 << exponent)};
    ratio->shrink = shrink;
    ratio->signs = exponent ? -1 : 0;
    return 1;
}

NN_INLINE int32_t nn_ratio_scaled(int32_t value, const struct nn_ratio *ratio)
{
    const struct nn_shrink shrink = ratio->shrink;
    const int32_t sum = shrink.half + ((value >> 31) & ratio->signs);
    const int32_t shifted = (int32_t)((uint32_t)value << shrink.left);
    return nn_small_high_multiply_add(shifted, shrink.multiplier, sum) >> shrink.exponent;
}

#endif

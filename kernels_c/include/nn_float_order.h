/* Comparisons of float32: instructions of the FPU, and without one comparisons of integers instead of calls. */
#ifndef NN_FLOAT_ORDER_H
#define NN_FLOAT_ORDER_H

#include "nn_float.h"
#include "nn_lanes.h"

#if defined(__ARM_FP)
#define NN_FPU 1
#else
#define NN_FPU 0
#endif

NN_INLINE uint32_t nn_float_bits(float value)
{
    uint32_t bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* The place of a number among all; -0 comes before 0. */
NN_INLINE int32_t nn_float_place(float value)
{
    const int32_t bits = (int32_t)nn_float_bits(value);
    return bits ^ (int32_t)((uint32_t)(bits >> 31) >> 1);
}

/* Whether it is no number: no comparison with it holds. */
NN_INLINE int nn_float_is_nan(float value)
{
    return nn_float_bits(value) << 1 > 0xff000000u;
}

NN_INLINE int nn_float_less(float left, float right)
{
    if (NN_FPU) {
        return left < right;
    }
    return nn_float_place(left) < nn_float_place(right) && !nn_float_is_nan(left) && !nn_float_is_nan(right);
}

/* What is no number stays so. */
NN_INLINE float nn_float_bounded(float value, nn_activation_f32 bounds)
{
    value = nn_float_less(value, bounds.min) ? bounds.min : value;
    return nn_float_less(bounds.max, value) ? bounds.max : value;
}

#endif

/*
 * e^x and 1/x in fixed point, bit for bit those that TensorFlow Lite's softmax takes from gemmlowp (fixedpoint.h):
 * same polynomials, constants and roundings.
 */
#ifndef NN_EXPONENTIAL_H
#define NN_EXPONENTIAL_H

#include "nn_requantize.h"

/* value * 2^exponent, saturated. */
static inline int32_t nn_multiply_by_power_of_two(int32_t value, int32_t exponent)
{
    const int32_t limit = INT32_MAX >> exponent;
    return value > limit ? INT32_MAX : value < -limit - 1 ? INT32_MIN : (int32_t)((uint32_t)value << exponent);
}

/*
 * e^x for x <= 0 in Q5.26 (32 values before the point); result in Q0.31. The part of x below 1/4 goes through a
 * polynomial around -1/8, each bit of the rest multiplies by a constant.
 */
static inline int32_t nn_exponential(int32_t x)
{
    enum { FRACTION = 26, QUARTER = 1 << (FRACTION - 2), EIGHTH = 1 << 28, THIRD = 715827883, E_EIGHTH = 1895147668 };
    static const int32_t factors[] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
    if (x == 0) {
        return INT32_MAX;
    }
    const int32_t below = (x & (QUARTER - 1)) - QUARTER; /* -1/4 .. 0 */
    const int32_t a = below * (1 << (31 - FRACTION)) + EIGHTH;
    const int32_t square = nn_doubling_high_multiply(a, a);
    const int32_t cube = nn_doubling_high_multiply(square, a);
    const int32_t fourth = nn_divide_by_power_of_two(nn_doubling_high_multiply(square, square), 2);
    const int32_t terms =
        nn_divide_by_power_of_two(nn_doubling_high_multiply(fourth + cube, THIRD) + square, 1); /* a^2/2 + a^3/6 + a^4/24 */
    int32_t result = E_EIGHTH + nn_doubling_high_multiply(E_EIGHTH, a + terms);
    const uint32_t rest = ((uint32_t)below - (uint32_t)x) >> (FRACTION - 2); /* in quarters */
    for (int32_t i = 0; rest >> i; i++) {
        if (rest >> i & 1) {
            result = nn_doubling_high_multiply(result, factors[i]);
        }
    }
    return result;
}

/* 1 / (1 + x) for x in [0, 1) in Q0.31; result in Q0.31. Three steps of Newton's method. */
static inline int32_t nn_one_over_one_plus(int32_t x)
{
    enum { A = 1515870810, B = -1010580540, ONE = 1 << 29 }; /* 48/17, -32/17 and 1 in Q2.29 */
    const int32_t half = (int32_t)(((int64_t)x + INT32_MAX + 1) / 2); /* (1 + x) / 2 */
    int32_t guess = A + nn_doubling_high_multiply(half, B);
    for (int32_t i = 0; i < 3; i++) {
        const int32_t error = ONE - nn_doubling_high_multiply(half, guess);
        guess += nn_multiply_by_power_of_two(nn_doubling_high_multiply(guess, error), 2);
    }
    return nn_multiply_by_power_of_two(guess, 1);
}

/* Bits above the highest one. */
static inline int32_t nn_leading_zeros(uint32_t value)
{
    return value ? __builtin_clz(value) : 32;
}

#endif

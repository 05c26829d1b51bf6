/*
 * Logistic function and hyperbolic tangent of int16 in fixed point, bit for bit those that TensorFlow Lite's LSTM takes from
 * gemmlowp (fixedpoint.h): same polynomials, constants and roundings as nn_exponential.h, in halves of words.
 */
#ifndef NN_FIXED_S16_H
#define NN_FIXED_S16_H

#include "nn_requantize.h"

/* High half of 2 * a * b, rounded half up. */
static inline int32_t nn_multiply_s16(int32_t a, int32_t b)
{
    return (a * b + (1 << 14)) >> 15;
}

static inline int32_t nn_saturate_s16(int32_t value)
{
    return nn_clamp(value, INT16_MIN, INT16_MAX);
}

/* e^x for x < 0 with `fraction` bits behind the point (8 at least); result in Q0.15. */
static inline int32_t nn_exponential_s16(int32_t x, int32_t fraction)
{
    enum { EIGHTH = 1 << 12, THIRD = 10923, E_EIGHTH = 28918 };
    static const int16_t factors[] = {25520, 19875, 12055, 4435, 600, 11, 0, 0, 0, 0}; /* e^-(1/4), e^-(1/2), ... */
    const int32_t quarter = 1 << (fraction - 2), below = (x & (quarter - 1)) - quarter; /* -1/4 .. 0 */
    const int32_t a = below * (1 << (15 - fraction)) + EIGHTH;
    const int32_t square = nn_multiply_s16(a, a), cube = nn_multiply_s16(square, a);
    const int32_t fourth = nn_divide_by_power_of_two(nn_multiply_s16(square, square), 2);
    const int32_t terms = nn_divide_by_power_of_two(nn_multiply_s16(fourth + cube, THIRD) + square, 1);
    int32_t result = E_EIGHTH + nn_multiply_s16(E_EIGHTH, a + terms);
    const int32_t rest = (below - x) >> (fraction - 2); /* in quarters */
    for (int32_t i = 0; rest >> i; i++) {
        if (rest >> i & 1) {
            result = nn_multiply_s16(result, factors[i]);
        }
    }
    return result;
}

/* 2 / (1 + x) for x in [0, 1) in Q0.15; result in Q2.13. Three steps of Newton's method. */
static inline int32_t nn_two_over_one_plus_s16(int32_t x)
{
    enum { A = 23130, B = -15420, ONE = 1 << 13 }; /* 48/17, -32/17 and 1 */
    const int32_t half = (x + INT16_MAX + 1) / 2;
    int32_t guess = A + nn_multiply_s16(half, B);
    for (int32_t i = 0; i < 3; i++) {
        guess += nn_multiply_s16(guess, ONE - nn_multiply_s16(half, guess)) * 4;
    }
    return guess;
}

/* 1 / (1 + e^-x) of x in Q3.12; result in Q0.15. */
static inline int32_t nn_logistic_s16(int32_t x)
{
    if (x == 0) {
        return 1 << 14;
    }
    const int32_t above = nn_saturate_s16(nn_two_over_one_plus_s16(nn_exponential_s16(x < 0 ? x : -x, 12)) * 2);
    return x > 0 ? above : INT16_MAX - above;
}

/* tanh of x with `fraction` bits behind the point (9 at least); result in Q0.15. */
static inline int32_t nn_hyperbolic_tangent_s16(int32_t x, int32_t fraction)
{
    if (x == 0) {
        return 0;
    }
    const int32_t quotient = nn_two_over_one_plus_s16(nn_exponential_s16(x < 0 ? x : -x, fraction - 1)); /* of e^-2|x| */
    const int32_t size = nn_saturate_s16((quotient - (1 << 13)) * 4);
    return x > 0 ? size : -size;
}

#endif

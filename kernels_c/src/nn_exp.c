/*
 * exp(x) = 2^(n / 32) * exp(s) with |s| <= ln 2 / 64: the first factor from a table, the second as the first terms of its
 * series. Fixed point is written Qn: in units of 2^-n.
 */
#include "nn_exp.h"

#include <stdint.h>

#include "nn_float_order.h"

/* 2^(j / 32), Q62. */
static const uint64_t powers[32] = {
    0x4000000000000000, 0x4166c34c5615d0ec, 0x42d561b3e6243d8a, 0x444c0740496d4294,
    0x45cae0f1f545eb73, 0x47521cc5a2e6a9e0, 0x48e1e9b9d588e19b, 0x4a7a77d47f7b84b1,
    0x4c1bf828c6dc54b8, 0x4dc69cdceaa72a9c, 0x4f7a993048d088d7, 0x513821818624b40c,
    0x52ff6b54d8a89c75, 0x54d0ad5a753e077c, 0x56ac1f752150a563, 0x5891fac0e95612c8,
    0x5a827999fcef3242, 0x5c7dd7a3b17dcf75, 0x5e8451cfac061b5f, 0x6096266533384a2b,
    0x62b39508aa836d6f, 0x64dcdec3371793d1, 0x6712460a8fc24072, 0x69540ec8f895722d,
    0x6ba27e656b4eb57a, 0x6dfddbcbed791bab, 0x70666f76154a7089, 0x72dc8373be41a454,
    0x75606373ee921c97, 0x77f25ccdee6d7ae6, 0x7a92be8a92436616, 0x7d41d96db915019d,
};

enum { PER_STEP = 1549082005 }; /* 32 / ln 2, Q25 */
static const int64_t STEP = 0x2c5c85fdf473e; /* ln 2 / 32, Q55 */

/* Q55 of a number between 2^-26 and 128 in size. */
static int64_t fixed(uint32_t bits)
{
    const int32_t shift = (int32_t)(bits >> 23 & 255) - 95;
    const int64_t size = (int64_t)((bits & 0x7fffff) | 0x800000) << shift;
    return bits >> 31 ? -size : size;
}

/* (a * b), Q37 of Q37. */
static int32_t product(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 36)) >> 37);
}

/* exp(s) - 1, Q37. */
static int32_t grown(int32_t s)
{
    const int32_t square = product(s, s);
    return s + (square + product(s, square) / 3 + product(square, square) / 12) / 2;
}

/* value * 2^power as a float32; value: Q62, about 1 to 2. */
static float rounded(uint64_t value, int32_t power)
{
    const int32_t above = value >> 63 ? 1 : value >> 62 ? 0 : -1;
    const int32_t exponent = power + above < -126 ? -126 : power + above; /* of the least normal number at least */
    const int32_t shift = 39 + exponent - power;
    if (shift > 63) {
        return 0.0f;
    }
    uint32_t bits = (uint32_t)((value + ((uint64_t)1 << (shift - 1))) >> shift) + ((uint32_t)(exponent + 126) << 23);
    bits = bits > 0x7f800000u ? 0x7f800000u : bits;
    float result;
    __builtin_memcpy(&result, &bits, sizeof result);
    return result;
}

float nn_exp(float x)
{
    const uint32_t bits = nn_float_bits(x), size = bits & 0x7fffffff;
    if (size < 0x32800000u) { /* less than 2^-26 */
        return 1.0f;
    }
    if (size >= 0x42d00000u) { /* 104 and more, or no number */
        return size > 0x7f800000u ? x : bits >> 31 ? 0.0f : INFINITY;
    }
    const int64_t exact = fixed(bits);
    const int32_t steps = (int32_t)(((exact >> 32) * PER_STEP + ((int64_t)1 << 47)) >> 48);
    const int32_t rest = (int32_t)((exact - steps * STEP + (1 << 17)) >> 18);
    const uint64_t power = powers[steps & 31];
    const int64_t more = ((int64_t)(power >> 31) * grown(rest)) >> 6;
    return rounded(power + (uint64_t)more, steps >> 5);
}

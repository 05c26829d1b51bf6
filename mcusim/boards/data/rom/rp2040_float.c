/* Floating point of our RP2040 boot ROM: what the tables SF and SD of the chip's ROM offer (RP2040 Datasheet 2.8.3.2), as
 * plain integer code written for mcusim. Round to nearest, ties to even; denormals are zero, NaNs are infinities, as there.
 * Sine, cosine, tangent, exponential, logarithm and arc tangent go through double precision and are slower than the chip's. */

#include <stdint.h>

typedef uint32_t u32;
typedef int32_t s32;
typedef uint64_t u64;
typedef int64_t s64;

#define SIGN 0x80000000u
#define INFINITE_FLOAT 0x7F800000u
#define INFINITE_DOUBLE 0x7FF0000000000000ull

/* Made by build.py: RECIPROCALS, and the coefficients of Taylor series and other constants as bits of doubles. */
#include "constants.h"

u32 clz32(u32 word); /* rp2040.S */

static inline u32 leading_zeros(u64 value)
{
    u32 high = (u32)(value >> 32);
    return high ? clz32(high) : 32 + clz32((u32)value);
}

/* 32 x 32 = 64 bits by four 16-bit products. */
static inline u64 product(u32 a, u32 b)
{
    u32 al = a & 0xFFFF, ah = a >> 16, bl = b & 0xFFFF, bh = b >> 16;
    u32 low = al * bl, middle = ah * bl + (low >> 16), cross = al * bh;
    u32 sum = middle + cross;
    u32 high = ah * bh + (sum >> 16) + ((u32)(sum < cross) << 16);
    return (u64)high << 32 | (sum << 16 | (low & 0xFFFF));
}

/* ---- single precision -------------------------------------------------------------------------------------------------- */

static inline u32 exponent_of(u32 x)
{
    return x << 1 >> 24;
}

static inline u32 mantissa_of(u32 x)
{
    return (x & 0x7FFFFF) | 0x800000;
}

/* The float nearest to m * 2^(exponent - 127 - 30), where bit 30 of m is its leading one and bit 0 may be sticky. */
static inline u32 round_float(u32 sign, s32 exponent, u32 m)
{
    if (exponent <= 0) {
        return sign;
    }
    u32 rounded = (m + 0x40) >> 7;
    if ((m & 0x7F) == 0x40) {
        rounded &= ~1u;
    }
    if (exponent >= 255) {
        return sign | INFINITE_FLOAT;
    }
    u32 bits = ((u32)exponent << 23) + (rounded - 0x800000);
    return sign | (bits > INFINITE_FLOAT ? INFINITE_FLOAT : bits);
}

u32 rom_fadd(u32 x, u32 y)
{
    if ((x << 1) < (y << 1)) {
        u32 swap = x;
        x = y;
        y = swap;
    }
    s32 ex = (s32)exponent_of(x), ey = (s32)exponent_of(y);
    if (ex == 255) {
        return (x & SIGN) | INFINITE_FLOAT;
    }
    if (!ey) {
        return ex ? x : x & y & SIGN;
    }
    s32 distance = ex - ey;
    if (distance > 25) {
        return x;
    }
    u32 mx = mantissa_of(x) << 6, my = mantissa_of(y) << 6;
    u32 shifted = my >> distance;
    shifted |= shifted << distance != my;
    if ((s32)(x ^ y) >= 0) {
        u32 sum = mx + shifted;
        if (sum >> 30) {
            return round_float(x & SIGN, ex + 1, sum);
        }
        return round_float(x & SIGN, ex, sum << 1);
    }
    u32 difference = mx - shifted;
    if (!difference) {
        return 0;
    }
    u32 zeros = clz32(difference) - 1;
    return round_float(x & SIGN, ex + 1 - (s32)zeros, difference << zeros);
}

u32 rom_fsub(u32 x, u32 y)
{
    return rom_fadd(x, y ^ SIGN);
}

u32 rom_fmul(u32 x, u32 y)
{
    u32 sign = (x ^ y) & SIGN;
    s32 ex = (s32)exponent_of(x), ey = (s32)exponent_of(y);
    if (ex == 255 || ey == 255) {
        return sign | INFINITE_FLOAT;
    }
    if (!ex || !ey) {
        return sign;
    }
    u32 mx = mantissa_of(x) << 4, my = mantissa_of(y) << 4; /* 28 bits each: the product's top word has 24 or 23 */
    u32 xl = mx & 0xFFFF, xh = mx >> 16, yl = my & 0xFFFF, yh = my >> 16;
    u32 low = xl * yl, cross = xl * yh + xh * yl; /* xh, yh < 2^12: no overflow */
    u32 top = xh * yh, middle = cross + (low >> 16);
    u32 high = (top << 8) + (middle >> 8); /* product >> 24: bit 30 or 31 leads */
    u32 sticky = (middle & 0xFF) | (low & 0xFFFF);
    s32 exponent = ex + ey - 127;
    if (high >> 31) {
        sticky |= high & 1;
        high >>= 1;
        exponent++;
    }
    return round_float(sign, exponent, high | (sticky != 0));
}

u32 rom_fdiv(u32 x, u32 y)
{
    u32 sign = (x ^ y) & SIGN;
    s32 ex = (s32)exponent_of(x), ey = (s32)exponent_of(y);
    if (ex == 255 || !ey) {
        return sign | INFINITE_FLOAT;
    }
    if (!ex || ey == 255) {
        return sign;
    }
    u32 mx = mantissa_of(x), my = mantissa_of(y);
    s32 exponent = ex - ey + 127;
    if (mx < my) {
        mx <<= 1;
        exponent--;
    }
    /* r = 2^38 / my, good to 15 bits: 2^14 .. 2^15 */
    u32 r = reciprocals[my >> 16 & 0x7F];
    u32 error = ((my >> 8) * r) >> 15; /* about 2^15 */
    r = (r * (0x10000 - error)) >> 15;
    /* Digits of mx * 2^30 / my, of 13, 11 and 7 bits; each makes good what the one before was off by. */
    u32 quotient = ((mx >> 9) * r) >> 17;
    s32 rest = (s32)((mx << 12) - quotient * my); /* less than 2^25: wrapping products are harmless */
    s32 digit = ((rest >> 10) * (s32)r) >> 17;
    quotient = (quotient << 11) + (u32)digit;
    rest = (s32)(((u32)rest << 11) - (u32)digit * my);
    digit = ((rest >> 10) * (s32)r) >> 21;
    quotient = (quotient << 7) + (u32)digit;
    rest = (s32)(((u32)rest << 7) - (u32)digit * my);
    while (rest < 0) {
        quotient--;
        rest += (s32)my;
    }
    while (rest >= (s32)my) {
        quotient++;
        rest -= (s32)my;
    }
    return round_float(sign, exponent, quotient | (rest != 0));
}

u32 rom_fsqrt(u32 x)
{
    s32 exponent = (s32)exponent_of(x);
    if (!exponent) {
        return x & SIGN;
    }
    if (x >> 31) {
        return SIGN | INFINITE_FLOAT;
    }
    if (exponent == 255) {
        return x;
    }
    u32 m = mantissa_of(x) << 7; /* 1.30 */
    exponent -= 127;
    if (exponent & 1) {
        exponent--;
        m <<= 1;
    }
    u32 root = 0, rest = 0;
    for (int bit = 0; bit < 26; bit++) { /* two bits of m a turn: bits 31, 30 first */
        rest = rest << 2 | m >> 30;
        m <<= 2;
        root <<= 1;
        if (rest > root << 1) {
            rest -= (root << 1) + 1;
            root++;
        }
    }
    return round_float(0, (exponent >> 1) + 127, root << 5 | (rest != 0));
}

s32 rom_fcmp(u32 x, u32 y)
{
    s32 a = exponent_of(x) ? (s32)x : 0, b = exponent_of(y) ? (s32)y : 0;
    a = a < 0 ? (s32)(SIGN - (u32)a) : a;
    b = b < 0 ? (s32)(SIGN - (u32)b) : b;
    return (a > b) - (a < b);
}

/* ---- conversions ------------------------------------------------------------------------------------------------------- */

static u32 float_of(u32 sign, u64 magnitude, s32 exponent)
{
    if (!magnitude) {
        return 0;
    }
    u32 zeros = leading_zeros(magnitude);
    magnitude <<= zeros;
    u32 m = (u32)(magnitude >> 33);
    m |= (magnitude << 31) != 0;
    return round_float(sign, 127 + 63 - (s32)zeros + exponent, m);
}

static u64 double_of(u32 sign, u64 magnitude, s32 exponent);

u32 rom_int2float(s32 n) { return float_of((u32)n & SIGN, n < 0 ? 0u - (u32)n : (u32)n, 0); }
u32 rom_uint2float(u32 n) { return float_of(0, n, 0); }
u32 rom_fix2float(s32 n, s32 e) { return float_of((u32)n & SIGN, n < 0 ? 0u - (u32)n : (u32)n, -e); }
u32 rom_ufix2float(u32 n, s32 e) { return float_of(0, n, -e); }
u32 rom_int642float(s64 n) { return float_of((u32)(n >> 32) & SIGN, n < 0 ? 0u - (u64)n : (u64)n, 0); }
u32 rom_uint642float(u64 n) { return float_of(0, n, 0); }
u32 rom_fix642float(s64 n, s32 e) { return float_of((u32)(n >> 32) & SIGN, n < 0 ? 0u - (u64)n : (u64)n, -e); }
u32 rom_ufix642float(u64 n, s32 e) { return float_of(0, n, -e); }

/* floor(m * 2^shift) of a signed number, clipped to bits bits (one of them the sign, where signs are wanted). */
static s64 clip(u32 negative, u64 m, s32 shift, u32 bits, u32 wants_sign)
{
    u64 limit = wants_sign ? (u64)1 << (bits - 1) : 0;
    if (negative && !wants_sign) {
        return 0;
    }
    s32 room = 64 - (s32)leading_zeros(m) + shift; /* bits of the result */
    if (room > (s32)bits - (s32)wants_sign) {
        return negative ? -(s64)limit : wants_sign ? (s64)(limit - 1) : (s64)(~(u64)0 >> (64 - bits));
    }
    u64 whole = shift >= 0 ? m << shift : -shift > 63 ? 0 : m >> -shift;
    u32 lost = shift < 0 && (-shift > 63 || whole << -shift != m);
    return negative ? -(s64)(whole + lost) : (s64)whole;
}

static s64 whole_float(u32 x, s32 e, u32 bits, u32 wants_sign)
{
    s32 exponent = (s32)exponent_of(x);
    if (!exponent) {
        return 0;
    }
    return clip(x >> 31, mantissa_of(x), exponent == 255 ? 200 : exponent - 150 + e, bits, wants_sign);
}

s32 rom_float2int(u32 x) { return (s32)whole_float(x, 0, 32, 1); }
s32 rom_float2fix(u32 x, s32 e) { return (s32)whole_float(x, e, 32, 1); }
u32 rom_float2uint(u32 x) { return (u32)whole_float(x, 0, 32, 0); }
u32 rom_float2ufix(u32 x, s32 e) { return (u32)whole_float(x, e, 32, 0); }
s64 rom_float2int64(u32 x) { return whole_float(x, 0, 64, 1); }
s64 rom_float2fix64(u32 x, s32 e) { return whole_float(x, e, 64, 1); }
u64 rom_float2uint64(u32 x) { return (u64)whole_float(x, 0, 64, 0); }
u64 rom_float2ufix64(u32 x, s32 e) { return (u64)whole_float(x, e, 64, 0); }

u64 rom_float2double(u32 x)
{
    u64 sign = (u64)(x & SIGN) << 32;
    u32 exponent = exponent_of(x);
    if (!exponent) {
        return sign;
    }
    if (exponent == 255) {
        return sign | INFINITE_DOUBLE;
    }
    return sign | (u64)(exponent + 896) << 52 | (u64)(x & 0x7FFFFF) << 29;
}

/* ---- double precision -------------------------------------------------------------------------------------------------- */

static inline s32 double_exponent(u64 x)
{
    return (s32)((u32)(x >> 32) << 1 >> 21);
}

static inline u64 double_mantissa(u64 x)
{
    return (x & 0xFFFFFFFFFFFFFull) | 1ull << 52;
}

#define DOUBLE_SIGN (1ull << 63)

/* The double nearest to m * 2^(exponent - 1023 - 62), where bit 62 of m is its leading one and bit 0 may be sticky. */
static u64 round_double(u64 sign, s32 exponent, u64 m)
{
    if (exponent <= 0) {
        return sign;
    }
    if (exponent >= 2047) {
        return sign | INFINITE_DOUBLE;
    }
    u64 rounded = (m + 0x200) >> 10;
    if (((u32)m & 0x3FF) == 0x200) {
        rounded &= ~1ull;
    }
    u64 bits = ((u64)(u32)exponent << 52) + (rounded - (1ull << 52));
    return sign | (bits > INFINITE_DOUBLE ? INFINITE_DOUBLE : bits);
}

u64 rom_dadd(u64 x, u64 y)
{
    if ((x << 1) < (y << 1)) {
        u64 swap = x;
        x = y;
        y = swap;
    }
    s32 ex = double_exponent(x), ey = double_exponent(y);
    if (ex == 2047) {
        return (x & DOUBLE_SIGN) | INFINITE_DOUBLE;
    }
    if (!ey) {
        return ex ? x : x & y & DOUBLE_SIGN;
    }
    s32 distance = ex - ey;
    if (distance > 54) {
        return x;
    }
    u64 mx = double_mantissa(x) << 9, my = double_mantissa(y) << 9;
    u64 shifted = my >> distance;
    shifted |= shifted << distance != my;
    if ((s64)(x ^ y) >= 0) {
        u64 sum = mx + shifted;
        if (sum >> 62) {
            return round_double(x & DOUBLE_SIGN, ex + 1, sum);
        }
        return round_double(x & DOUBLE_SIGN, ex, sum << 1);
    }
    u64 difference = mx - shifted;
    if (!difference) {
        return 0;
    }
    u32 zeros = leading_zeros(difference) - 1;
    return round_double(x & DOUBLE_SIGN, ex + 1 - (s32)zeros, difference << zeros);
}

u64 rom_dsub(u64 x, u64 y)
{
    return rom_dadd(x, y ^ DOUBLE_SIGN);
}

/* High 64 bits of a 64 x 64 product, bit 0 sticky. */
static u64 high_product(u64 a, u64 b)
{
    u32 al = (u32)a, ah = (u32)(a >> 32), bl = (u32)b, bh = (u32)(b >> 32);
    u64 low = product(al, bl), one = product(al, bh), two = product(ah, bl);
    u64 middle = (low >> 32) + (u32)one + (u32)two;
    u64 high = product(ah, bh) + (one >> 32) + (two >> 32) + (middle >> 32);
    return high | (((u32)middle | (u32)low) != 0);
}

u64 rom_dmul(u64 x, u64 y)
{
    u64 sign = (x ^ y) & DOUBLE_SIGN;
    s32 ex = double_exponent(x), ey = double_exponent(y);
    if (ex == 2047 || ey == 2047) {
        return sign | INFINITE_DOUBLE;
    }
    if (!ex || !ey) {
        return sign;
    }
    /* 63 and 63 bits: the high word has its leading one at bit 61 or 60. */
    u64 high = high_product(double_mantissa(x) << 10, double_mantissa(y) << 10);
    s32 exponent = ex + ey - 1023;
    if (high >> 61) {
        return round_double(sign, exponent + 1, high << 1);
    }
    return round_double(sign, exponent, high << 2);
}

u64 rom_ddiv(u64 x, u64 y)
{
    u64 sign = (x ^ y) & DOUBLE_SIGN;
    s32 ex = double_exponent(x), ey = double_exponent(y);
    if (ex == 2047 || !ey) {
        return sign | INFINITE_DOUBLE;
    }
    if (!ex || ey == 2047) {
        return sign;
    }
    u64 mx = double_mantissa(x), my = double_mantissa(y);
    s32 exponent = ex - ey + 1023;
    if (mx < my) {
        mx <<= 1;
        exponent--;
    }
    /* r = 2^62 / top, about 30 bits: two Newton steps from 8 bits. */
    u32 top = (u32)(my >> 21);
    u32 r = (u32)reciprocals[top >> 24 & 0x7F] << 16;
    for (int step = 0; step < 2; step++) {
        u32 error = (u32)(product(top, r) >> 32); /* about 2^30 */
        r = (u32)(product(r, 0x80000000u - error) >> 30);
    }
    /* Digits of mx * 2^62 / my, of 28, 26 and 8 bits; each makes good what the one before was off by. */
    u64 sum = product((u32)(mx >> 22), r) >> 33;
    s64 rest = (s64)((mx << 28) - sum * my); /* less than 2^55: wrapping products are harmless */
    for (s32 bits = 26; bits >= 8; bits -= 18) {
        u32 negative = rest < 0;
        u64 magnitude = negative ? 0u - (u64)rest : (u64)rest;
        u64 digit = product((u32)(magnitude >> 23), r) >> (60 - bits);
        digit = negative ? 0u - digit : digit;
        sum = (sum << bits) + digit;
        rest = (s64)(((u64)rest << bits) - digit * my);
    }
    while (rest < 0) {
        sum--;
        rest += (s64)my;
    }
    while (rest >= (s64)my) {
        sum++;
        rest -= (s64)my;
    }
    return round_double(sign, exponent, sum | (rest != 0));
}

u64 rom_dsqrt(u64 x)
{
    s32 exponent = double_exponent(x);
    if (!exponent) {
        return x & DOUBLE_SIGN;
    }
    if (x >> 63) {
        return DOUBLE_SIGN | INFINITE_DOUBLE;
    }
    if (exponent == 2047) {
        return x;
    }
    u64 m = double_mantissa(x) << 10; /* 1.62 */
    exponent -= 1023;
    if (exponent & 1) {
        exponent--;
        m <<= 1;
    }
    u64 root = 0, rest = 0;
    for (int bit = 0; bit < 55; bit++) {
        rest = rest << 2 | m >> 62;
        m <<= 2;
        root <<= 1;
        if (rest > root << 1) {
            rest -= (root << 1) + 1;
            root++;
        }
    }
    return round_double(0, (exponent >> 1) + 1023, root << 8 | (rest != 0));
}

s32 rom_dcmp(u64 x, u64 y)
{
    s64 a = double_exponent(x) ? (s64)x : 0, b = double_exponent(y) ? (s64)y : 0;
    a = a < 0 ? (s64)(DOUBLE_SIGN - (u64)a) : a;
    b = b < 0 ? (s64)(DOUBLE_SIGN - (u64)b) : b;
    return (a > b) - (a < b);
}

static u64 double_of(u32 sign, u64 magnitude, s32 exponent)
{
    if (!magnitude) {
        return 0;
    }
    u32 zeros = leading_zeros(magnitude);
    magnitude <<= zeros;
    return round_double((u64)sign << 32, 1023 + 63 - (s32)zeros + exponent, magnitude >> 1 | (magnitude & 1));
}

u64 rom_int2double(s32 n) { return double_of((u32)n & SIGN, n < 0 ? 0u - (u32)n : (u32)n, 0); }
u64 rom_uint2double(u32 n) { return double_of(0, n, 0); }
u64 rom_fix2double(s32 n, s32 e) { return double_of((u32)n & SIGN, n < 0 ? 0u - (u32)n : (u32)n, -e); }
u64 rom_ufix2double(u32 n, s32 e) { return double_of(0, n, -e); }
u64 rom_int642double(s64 n) { return double_of((u32)(n >> 32) & SIGN, n < 0 ? 0u - (u64)n : (u64)n, 0); }
u64 rom_uint642double(u64 n) { return double_of(0, n, 0); }
u64 rom_fix642double(s64 n, s32 e) { return double_of((u32)(n >> 32) & SIGN, n < 0 ? 0u - (u64)n : (u64)n, -e); }
u64 rom_ufix642double(u64 n, s32 e) { return double_of(0, n, -e); }

static s64 whole_double(u64 x, s32 e, u32 bits, u32 wants_sign)
{
    s32 exponent = double_exponent(x);
    if (!exponent) {
        return 0;
    }
    return clip((u32)(x >> 63), double_mantissa(x), exponent == 2047 ? 200 : exponent - 1075 + e, bits, wants_sign);
}

s32 rom_double2int(u64 x) { return (s32)whole_double(x, 0, 32, 1); }
s32 rom_double2fix(u64 x, s32 e) { return (s32)whole_double(x, e, 32, 1); }
u32 rom_double2uint(u64 x) { return (u32)whole_double(x, 0, 32, 0); }
u32 rom_double2ufix(u64 x, s32 e) { return (u32)whole_double(x, e, 32, 0); }
s64 rom_double2int64(u64 x) { return whole_double(x, 0, 64, 1); }
s64 rom_double2fix64(u64 x, s32 e) { return whole_double(x, e, 64, 1); }
u64 rom_double2uint64(u64 x) { return (u64)whole_double(x, 0, 64, 0); }
u64 rom_double2ufix64(u64 x, s32 e) { return (u64)whole_double(x, e, 64, 0); }

u32 rom_double2float(u64 x)
{
    u32 sign = (u32)(x >> 32) & SIGN;
    s32 exponent = double_exponent(x);
    if (!exponent) {
        return sign;
    }
    if (exponent == 2047) {
        return sign | INFINITE_FLOAT;
    }
    u64 m = double_mantissa(x);
    return round_float(sign, exponent - 896, (u32)(m >> 22) | ((m & 0x3FFFFF) != 0));
}

/* ---- elementary functions, in double precision ---------------------------------------------------------------------------- */

static u64 polynomial(u64 x, const u64 *coefficients, int count)
{
    u64 sum = coefficients[count - 1];
    for (int index = count - 2; index >= 0; index--) {
        sum = rom_dadd(rom_dmul(sum, x), coefficients[index]);
    }
    return sum;
}

/* x = quadrant * pi / 2 + *rest, |*rest| <= pi / 4 */
static u32 reduce(u64 x, u64 *rest)
{
    s32 quadrant = rom_double2int(rom_dadd(rom_dmul(x, TWO_OVER_PI), ONE_HALF));
    u64 turns = rom_int2double(quadrant);
    u64 r = rom_dsub(x, rom_dmul(turns, HALF_PI_HIGH)); /* exact: 33 bits times the quadrant */
    *rest = rom_dsub(r, rom_dmul(turns, HALF_PI_LOW));
    return (u32)quadrant & 3;
}

static u64 sine_of_rest(u64 r)
{
    u64 square = rom_dmul(r, r);
    return rom_dmul(r, polynomial(square, SINE, SINE_TERMS));
}

static u64 cosine_of_rest(u64 r)
{
    return polynomial(rom_dmul(r, r), COSINE, COSINE_TERMS);
}

static u64 sine_at(u32 quadrant, u64 r)
{
    u64 value = quadrant & 1 ? cosine_of_rest(r) : sine_of_rest(r);
    return quadrant & 2 ? value ^ DOUBLE_SIGN : value;
}

u64 rom_dsin(u64 x)
{
    u64 r;
    u32 quadrant = reduce(x, &r);
    return sine_at(quadrant, r);
}

u64 rom_dcos(u64 x)
{
    u64 r;
    u32 quadrant = reduce(x, &r);
    return sine_at(quadrant + 1, r);
}

u64 rom_dtan(u64 x)
{
    u64 r;
    u32 quadrant = reduce(x, &r);
    return rom_ddiv(sine_at(quadrant, r), sine_at(quadrant + 1, r));
}

static u64 scale(u64 x, s32 exponent)
{
    exponent += double_exponent(x);
    if (exponent <= 0) {
        return x & DOUBLE_SIGN;
    }
    if (exponent >= 2047) {
        return (x & DOUBLE_SIGN) | INFINITE_DOUBLE;
    }
    return (x & ~INFINITE_DOUBLE) | (u64)(u32)exponent << 52;
}

u64 rom_dexp(u64 x)
{
    if (double_exponent(x) >= 1023 + 11) {
        return x >> 63 ? 0 : INFINITE_DOUBLE;
    }
    s32 power = rom_double2int(rom_dadd(rom_dmul(x, ONE_OVER_LN2), ONE_HALF));
    u64 turns = rom_int2double(power);
    u64 r = rom_dsub(rom_dsub(x, rom_dmul(turns, LN2_HIGH)), rom_dmul(turns, LN2_LOW));
    return scale(polynomial(r, EXPONENTIAL, EXPONENTIAL_TERMS), power);
}

u64 rom_dln(u64 x)
{
    s32 exponent = double_exponent(x);
    if (!exponent || x >> 63) {
        return DOUBLE_SIGN | INFINITE_DOUBLE;
    }
    if (exponent == 2047) {
        return x;
    }
    s32 power = exponent - 1023;
    u64 m = (x & 0xFFFFFFFFFFFFFull) | 1023ull << 52;
    if (m > ROOT_OF_TWO) {
        m -= 1ull << 52;
        power++;
    }
    /* ln m = 2 atanh((m - 1) / (m + 1)) */
    u64 z = rom_ddiv(rom_dsub(m, ONE), rom_dadd(m, ONE));
    u64 series = rom_dmul(z, polynomial(rom_dmul(z, z), ARTANH, ARTANH_TERMS));
    u64 turns = rom_int2double(power);
    return rom_dadd(rom_dmul(turns, LN2_HIGH), rom_dadd(series, rom_dmul(turns, LN2_LOW)));
}

/* atan of 0 .. 1 */
static u64 arc_tangent(u64 t)
{
    s32 step = rom_double2int(rom_dadd(rom_dmul(t, EIGHT), ONE_HALF));
    u64 centre = rom_dmul(rom_int2double(step), ONE_EIGHTH);
    u64 z = rom_ddiv(rom_dsub(t, centre), rom_dadd(ONE, rom_dmul(t, centre)));
    return rom_dadd(ARCS[step], rom_dmul(z, polynomial(rom_dmul(z, z), ARCTAN, ARCTAN_TERMS)));
}

u64 rom_datan2(u64 y, u64 x)
{
    u64 ay = y & ~DOUBLE_SIGN, ax = x & ~DOUBLE_SIGN;
    u64 angle;
    if (ay >> 52 == 0 && ax >> 52 == 0) {
        angle = 0;
    } else if (ay <= ax) {
        angle = arc_tangent(ay == ax ? ONE : rom_ddiv(ay, ax));
    } else {
        angle = rom_dsub(HALF_PI, arc_tangent(rom_ddiv(ax, ay)));
    }
    if (x >> 63) {
        angle = rom_dsub(PI, angle);
    }
    return angle | (y & DOUBLE_SIGN);
}

/* rp2040.S puts sine and cosine together. */
u32 rom_fcos(u32 x) { return rom_double2float(rom_dcos(rom_float2double(x))); }
u32 rom_fsine(u32 x) { return rom_double2float(rom_dsin(rom_float2double(x))); }
u32 rom_ftan(u32 x) { return rom_double2float(rom_dtan(rom_float2double(x))); }
u32 rom_fexp(u32 x) { return rom_double2float(rom_dexp(rom_float2double(x))); }
u32 rom_fln(u32 x) { return rom_double2float(rom_dln(rom_float2double(x))); }
u32 rom_fatan2(u32 y, u32 x)
{
    return rom_double2float(rom_datan2(rom_float2double(y), rom_float2double(x)));
}

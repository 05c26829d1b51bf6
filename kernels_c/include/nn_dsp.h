/*
 * Whether the kernels use the DSP extension, and its instructions by name. -DNN_PLAIN_C builds plain C for any core.
 * "Pair": two int16 in a word; a word of int8 0..3 spreads to the pairs {0, 2} and {1, 3}.
 */
#ifndef NN_DSP_H
#define NN_DSP_H

#include <stddef.h>
#include <stdint.h>

#include "nn_scale.h"


#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP == 1 && defined(__thumb__) && !defined(NN_PLAIN_C)
#define NN_DSP 1
#include <arm_acle.h>

/* A function all in assembly. It begins with a line of an instruction cache, so that it takes no more of them than it must. Hot: so does a function in C. */
#define NN_ASSEMBLY __attribute__((naked, noinline, aligned(32)))
#define NN_HOT __attribute__((noinline, aligned(32)))

/* Four int8 at any address. */
static inline uint32_t nn_load_word(const int8_t *from)
{
    uint32_t word;
    __builtin_memcpy(&word, from, sizeof word);
    return word;
}

/* GCC 12 rotates in an instruction of its own unless told. */
static inline uint32_t nn_even_bytes(uint32_t word)
{
    uint32_t pair;
    __asm__("sxtb16 %0, %1" : "=r"(pair) : "r"(word));
    return pair;
}

static inline uint32_t nn_odd_bytes(uint32_t word)
{
    uint32_t pair;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(word));
    return pair;
}

static inline uint32_t nn_even_bytes_plus(uint32_t pair, uint32_t word)
{
    __asm__("sxtab16 %0, %1, %2" : "=r"(pair) : "r"(pair), "r"(word));
    return pair;
}

static inline uint32_t nn_odd_bytes_plus(uint32_t pair, uint32_t word)
{
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(pair) : "r"(pair), "r"(word));
    return pair;
}

static inline uint32_t nn_doubled(uint32_t pair)
{
    return (uint32_t)__sadd16((int16x2_t)pair, (int16x2_t)pair);
}

/* {value value}. */
static inline uint32_t nn_pair_of(int32_t value)
{
    return ((uint32_t)value & 0xFFFFu) | (uint32_t)value << 16;
}

/* {low half of a, low half of b}. */
static inline uint32_t nn_low_halves(uint32_t a, uint32_t b)
{
    uint32_t pair;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(pair) : "r"(a), "r"(b));
    return pair;
}

static inline uint32_t nn_high_halves(uint32_t a, uint32_t b)
{
    uint32_t pair;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(pair) : "r"(b), "r"(a));
    return pair;
}

static inline int32_t nn_multiply_pairs(uint32_t left, uint32_t right, int32_t sum)
{
    return __smlad((int16x2_t)left, (int16x2_t)right, sum);
}

/* High word of a product, rounded half up. */
static inline int32_t nn_high_multiply_rounded(int32_t left, int32_t right)
{
    int32_t high;
    __asm__("smmulr %0, %1, %2" : "=r"(high) : "r"(left), "r"(right));
    return high;
}

/* The output of a doubled sum, as nn_scale.h has it. */
static inline int32_t nn_scaled(int32_t sum, const struct nn_scale *scale)
{
    const int32_t add = scale->add + (sum >> 31);
    __asm__("smmlar %0, %1, %2, %3" : "=r"(sum) : "r"(sum), "r"(scale->multiplier), "r"(add));
    return __ssat(sum >> scale->shift, 8);
}

#else
#define NN_DSP 0
#endif

#endif

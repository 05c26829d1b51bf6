/*
 * Four int8 in a word, and what the DSP extension does with them. A word of int8 0..3 spreads to the pairs {0, 2} and
 * {1, 3} of int16.
 */
#ifndef NN_LANES_H
#define NN_LANES_H

#include "nn_dsp.h"

#define NN_INLINE static inline __attribute__((always_inline))

#if NN_DSP

NN_INLINE uint32_t nn_lanes_load(const void *from)
{
    uint32_t word;
    __builtin_memcpy(&word, from, sizeof word);
    return word;
}

NN_INLINE void nn_lanes_store(void *to, uint32_t word)
{
    __builtin_memcpy(to, &word, sizeof word);
}

/* The greater of each lane. SSUB8 sets the flags that SEL reads, so nothing may come in between. */
NN_INLINE uint32_t nn_lanes_max(uint32_t left, uint32_t right)
{
    uint32_t result;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(result) : "r"(left), "r"(right));
    return result;
}

NN_INLINE uint32_t nn_lanes_min(uint32_t left, uint32_t right)
{
    uint32_t result;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %2, %1" : "=&r"(result) : "r"(left), "r"(right));
    return result;
}

/* Lane i, plus a number. */
#define nn_lane_plus(word, lane, number)                                                                          \
    ({                                                                                                            \
        int32_t sum_;                                                                                             \
        if ((lane) == 0) {                                                                                        \
            __asm__("sxtab %0, %1, %2" : "=r"(sum_) : "r"(number), "r"(word));                                    \
        } else {                                                                                                  \
            __asm__("sxtab %0, %1, %2, ror %3" : "=r"(sum_) : "r"(number), "r"(word), "i"((lane) ? 8 * (lane) : 8)); \
        }                                                                                                         \
        sum_;                                                                                                     \
    })

/* Lanes 0 and 2 added to a pair. */
NN_INLINE uint32_t nn_pair_add_even(uint32_t pair, uint32_t word)
{
    uint32_t sum;
    __asm__("sxtab16 %0, %1, %2" : "=r"(sum) : "r"(pair), "r"(word));
    return sum;
}

/* Lanes 1 and 3 added to a pair. */
NN_INLINE uint32_t nn_pair_add_odd(uint32_t pair, uint32_t word)
{
    uint32_t sum;
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(sum) : "r"(pair), "r"(word));
    return sum;
}

/* `sum` plus the high word of a product, rounded half up. */
NN_INLINE int32_t nn_high_multiply_add(int32_t value, int32_t multiplier, int32_t sum)
{
    int32_t result;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(result) : "r"(value), "r"(multiplier), "r"(sum));
    return result;
}

NN_INLINE int32_t nn_saturate_int8(int32_t value)
{
    int32_t result;
    __asm__("ssat %0, #8, %1" : "=r"(result) : "r"(value) : "cc");
    return result;
}

/* Numbers of -128..127 into lanes 0..3. */
NN_INLINE uint32_t nn_lanes_of(int32_t a, int32_t b, int32_t c, int32_t d)
{
    uint32_t word = (uint32_t)a;
    __asm__("bfi %0, %1, #8, #8\n\tbfi %0, %2, #16, #8\n\tbfi %0, %3, #24, #8"
            : "+&r"(word) : "r"(b), "r"(c), "r"(d));
    return word;
}

#endif

/* The same number in all four lanes. */
NN_INLINE uint32_t nn_lanes_all(int32_t value)
{
    return (uint8_t)value * 0x01010101u;
}

/* Whether a clamp to these bounds changes any int8. */
NN_INLINE int nn_bounds_int8(int32_t low, int32_t high)
{
    return low > -128 || high < 127;
}

#endif

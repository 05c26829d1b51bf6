/* Bytes moved and filled, from and to any address: words where the core can load them unaligned, or where they lie so. */
#ifndef NN_COPY_H
#define NN_COPY_H

#include <stdint.h>

#include "nn_lanes.h"

/* Keeps a loop a loop: compilers make a call of memcpy or memset of it. */
#define NN_STAYS_A_LOOP() __asm__ volatile("" ::: "memory")

NN_INLINE int nn_aligned(const void *first, const void *second)
{
#if defined(__ARM_FEATURE_UNALIGNED)
    (void)first, (void)second;
    return 1;
#else
    return (((uintptr_t)first | (uintptr_t)second) & 3) == 0;
#endif
}

NN_INLINE uint32_t nn_word_at(const void *from)
{
    uint32_t word;
#if defined(__ARM_FEATURE_UNALIGNED)
    __builtin_memcpy(&word, from, 4);
#else
    __builtin_memcpy(&word, __builtin_assume_aligned(from, 4), 4);
#endif
    return word;
}

NN_INLINE void nn_put_word(void *to, uint32_t word)
{
#if defined(__ARM_FEATURE_UNALIGNED)
    __builtin_memcpy(to, &word, 4);
#else
    __builtin_memcpy(__builtin_assume_aligned(to, 4), &word, 4);
#endif
}

/* The two do not overlap, or `to` comes first. */
static inline void nn_copy(void *to, const void *from, int32_t bytes)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    if (nn_aligned(out, in)) {
        for (; bytes >= 16; bytes -= 16, out += 16, in += 16) {
            const uint32_t a = nn_word_at(in), b = nn_word_at(in + 4), c = nn_word_at(in + 8), d = nn_word_at(in + 12);
            nn_put_word(out, a);
            nn_put_word(out + 4, b);
            nn_put_word(out + 8, c);
            nn_put_word(out + 12, d);
            NN_STAYS_A_LOOP();
        }
        for (; bytes >= 4; bytes -= 4, out += 4, in += 4) {
            nn_put_word(out, nn_word_at(in));
            NN_STAYS_A_LOOP();
        }
    }
    for (; bytes > 0; bytes--) {
        *out++ = *in++;
        NN_STAYS_A_LOOP();
    }
}

static inline void nn_fill(void *to, int8_t value, int32_t bytes)
{
    int8_t *out = to;
    const uint32_t word = nn_lanes_all(value);
    for (; bytes > 0 && ((uintptr_t)out & 3); bytes--) {
        *out++ = value;
        NN_STAYS_A_LOOP();
    }
    for (; bytes >= 4; bytes -= 4, out += 4) {
        __builtin_memcpy(__builtin_assume_aligned(out, 4), &word, 4);
        NN_STAYS_A_LOOP();
    }
    for (; bytes > 0; bytes--) {
        *out++ = value;
        NN_STAYS_A_LOOP();
    }
}

#endif

/* Bytes with their top bits flipped, sixteen at a time where both arrays lie at multiples of four. */
#include "nn_extra.h"

#define TOP_BITS 0x80808080u

static const uint8_t *words(const uint8_t *from, uint8_t *to, int32_t count)
{
    for (; count > 0; count -= 16, from += 16, to += 16) {
        uint32_t word[4];
        __builtin_memcpy(word, __builtin_assume_aligned(from, 4), sizeof word);
        for (int i = 0; i < 4; i++) {
            word[i] ^= TOP_BITS;
        }
        __builtin_memcpy(__builtin_assume_aligned(to, 4), word, sizeof word);
    }
    return from;
}

void nn_flip_top_bits(const void *input, int32_t count, void *output)
{
    const uint8_t *from = input;
    uint8_t *to = output;
    if ((((uintptr_t)from | (uintptr_t)to) & 3) == 0) {
        const int32_t whole = count & ~15;
        from = words(from, to, whole);
        to += whole;
        count -= whole;
    }
    for (; count > 0; count--) {
        *to++ = *from++ ^ 0x80;
    }
}

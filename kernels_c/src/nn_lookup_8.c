/* A table of 256 bytes. Four elements at a time are read before any is written, so that their loads follow each other. */
#include "nn_extra.h"

void nn_lookup_8(const void *input, const void *table, void *output, int32_t count)
{
    const uint8_t *from = input, *values = table;
    uint8_t *to = output;
    for (; count >= 4; count -= 4, from += 4, to += 4) {
        const uint32_t a = from[0], b = from[1], c = from[2], d = from[3];
        const uint8_t e = values[a], f = values[b], g = values[c], h = values[d];
        to[0] = e;
        to[1] = f;
        to[2] = g;
        to[3] = h;
    }
    for (; count > 0; count--) {
        *to++ = values[*from++];
    }
}

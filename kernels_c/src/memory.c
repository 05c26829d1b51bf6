/* The four functions that compilers call on their own, and two more, for programs built without a C library. */
#include <stddef.h>
#include <stdint.h>

#if defined(__clang__)
#define PLAIN __attribute__((no_builtin))
#else
#define PLAIN __attribute__((optimize("no-tree-loop-distribute-patterns")))
#endif

PLAIN void *memcpy(void *restrict to, const void *restrict from, size_t count)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    if ((((uintptr_t)out | (uintptr_t)in) & 3) == 0) {
        for (; count >= 16; count -= 16, out += 16, in += 16) {
            uint32_t *words = (uint32_t *)out;
            const uint32_t *source = (const uint32_t *)in;
            const uint32_t a = source[0], b = source[1], c = source[2], d = source[3];
            words[0] = a;
            words[1] = b;
            words[2] = c;
            words[3] = d;
        }
        for (; count >= 4; count -= 4, out += 4, in += 4) {
            *(uint32_t *)out = *(const uint32_t *)in;
        }
    }
    while (count--) {
        *out++ = *in++;
    }
    return to;
}

PLAIN void *memmove(void *to, const void *from, size_t count)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    if (out <= in || out >= in + count) {
        return memcpy(to, from, count);
    }
    while (count--) {
        out[count] = in[count];
    }
    return to;
}

PLAIN void *memset(void *to, int value, size_t count)
{
    uint8_t *out = to;
    while (count && ((uintptr_t)out & 3)) {
        *out++ = (uint8_t)value;
        count--;
    }
    const uint32_t word = (uint8_t)value * 0x01010101u;
    for (; count >= 4; count -= 4, out += 4) {
        *(uint32_t *)out = word;
    }
    while (count--) {
        *out++ = (uint8_t)value;
    }
    return to;
}

PLAIN int memcmp(const void *left, const void *right, size_t count)
{
    const uint8_t *a = left, *b = right;
    for (; count; count--, a++, b++) {
        if (*a != *b) {
            return *a - *b;
        }
    }
    return 0;
}

PLAIN size_t strlen(const char *text)
{
    const char *end = text;
    while (*end) {
        end++;
    }
    return (size_t)(end - text);
}

PLAIN int strcmp(const char *left, const char *right)
{
    while (*left && *left == *right) {
        left++;
        right++;
    }
    return (uint8_t)*left - (uint8_t)*right;
}

/* memcpy and memset over 16 KiB, aligned and not: streams of loads and stores. */
#include <stddef.h>
#include <stdint.h>

#include "uart.h"

void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memset(void *to, int value, size_t count);
int memcmp(const void *left, const void *right, size_t count);

#ifndef ROUNDS
#define ROUNDS 3000
#endif

enum { BYTES = 16384 };

static uint8_t source[BYTES + 8] __attribute__((aligned(8))), target[BYTES + 8] __attribute__((aligned(8)));

int main(void)
{
    int wrong = 0;
    for (uint32_t i = 0; i < sizeof source; i++) {
        source[i] = (uint8_t)(i * 7 + (i >> 8));
    }
    for (int round = 0; round < ROUNDS; round++) {
        memset(target, round, sizeof target);
        memcpy(target, source, BYTES);
        wrong += target[BYTES - 1] != source[BYTES - 1] || target[BYTES] != (uint8_t)round;
        memcpy(target, source, BYTES);
        memcpy(target + 1, source + 3, BYTES / 8); /* byte by byte */
        wrong += target[1] != source[3];
    }
    wrong += memcmp(target + 1, source + 3, BYTES / 8) != 0;
    uart_puts(wrong ? "failed\n" : "passed\n");
    return wrong != 0;
}

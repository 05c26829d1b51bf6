/*
 * newlib's malloc, free and printf with floating point (all cores; needs library="newlib").
 *
 * Expected on silicon: exit code 0 and the lines
 *     pi 3.1416, 1/3 0.333333, big 1.50e+10
 *     peak N           bytes requested at the worst moment, 10 blocks of 100..1000 = 5500; malloc's own words and
 *                      printf's buffers come on top
 *     passed
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { BLOCKS = 10 };

static void *blocks[BLOCKS];

static void check_blocks(void)
{
    uint32_t requested = 0;
    for (uint32_t i = 0; i < BLOCKS; i++) {
        const size_t size = 100 * (i + 1);
        blocks[i] = malloc(size);
        check("malloc gives memory", blocks[i] != NULL);
        check_equal("aligned to 8 bytes", (uint32_t)blocks[i] & 7, 0);
        memset(blocks[i], (int)i, size);
        requested += size;
    }
    for (uint32_t i = 0; i < BLOCKS; i++) {
        const uint8_t *bytes = blocks[i];
        check_equal("first byte kept", bytes[0], i);
        check_equal("last byte kept", bytes[100 * (i + 1) - 1], i);
    }
    for (uint32_t i = 0; i < BLOCKS; i++) {
        free(blocks[i]);
    }
    void *const again = malloc(100);
    check("freed memory is used again", again >= blocks[0] && (char *)again < (char *)blocks[BLOCKS - 1] + 1000);
    free(again);
    check("malloc refuses what does not fit", malloc(0x7FFFFFF0u) == NULL);
    printf("peak %lu\n", (unsigned long)requested);
}

int main(void)
{
    volatile float third = 1.0f / 3.0f;
    volatile double pi = 3.14159265358979, big = 1.5e10;
    printf("pi %.4f, 1/3 %f, big %.2e\n", pi, (double)third, big);
    check_blocks();
    fflush(stdout);
    return failures();
}

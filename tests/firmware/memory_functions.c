/*
 * memcpy, memmove, memset, memcmp, strlen and strcmp of kernels_c/src/memory.c, over lengths and alignments (all cores;
 * ARMv6-M faults where one of them makes an unaligned access).
 *
 * Expected on silicon: exit code 0, "passed".
 */
#include <stddef.h>

#include "check.h"

void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memmove(void *to, const void *from, size_t count);
void *memset(void *to, int value, size_t count);
int memcmp(const void *left, const void *right, size_t count);
size_t strlen(const char *text);
int strcmp(const char *left, const char *right);

enum { SIZE = 96 };

static volatile uint8_t memory[SIZE], wanted[SIZE];

static void fill(void)
{
    for (uint32_t i = 0; i < SIZE; i++) {
        memory[i] = wanted[i] = (uint8_t)(i * 7 + 1);
    }
}

static void compare(const char *what)
{
    for (uint32_t i = 0; i < SIZE; i++) {
        check_equal(what, memory[i], wanted[i]);
    }
}

static void check_move(uint32_t to, uint32_t from, uint32_t count)
{
    static uint8_t kept[SIZE];
    fill();
    for (uint32_t i = 0; i < count; i++) {
        kept[i] = memory[from + i];
    }
    for (uint32_t i = 0; i < count; i++) {
        wanted[to + i] = kept[i];
    }
    const int apart = to >= from + count || from >= to + count;
    void *const target = (void *)(memory + to);
    check("the target comes back", (apart ? memcpy : memmove)(target, (void *)(memory + from), count) == target);
    compare("moved");
}

static void check_set(uint32_t to, uint32_t count)
{
    fill();
    for (uint32_t i = 0; i < count; i++) {
        wanted[to + i] = 0xA5;
    }
    check("the target comes back", memset((void *)(memory + to), 0x1A5, count) == (void *)(memory + to));
    compare("set");
}

int main(void)
{
    for (uint32_t shift = 0; shift < 4; shift++) {
        for (uint32_t count = 0; count < 40; count += 1 + count / 12) {
            check_set(8 + shift, count);
            for (uint32_t other = 0; other < 4; other++) {
                check_move(shift, 48 + other, count);
                check_move(48 + shift, other, count);
            }
            check_move(20 + shift, 20, count);
            check_move(20, 20 + shift, count);
        }
    }
    fill();
    check("equal", memcmp((void *)memory, (void *)wanted, SIZE) == 0);
    memory[SIZE - 1]++;
    check("greater", memcmp((void *)memory, (void *)wanted, SIZE) > 0);
    check("less", memcmp((void *)wanted, (void *)memory, SIZE) < 0);
    check("without the last byte equal", memcmp((void *)wanted, (void *)memory, SIZE - 1) == 0);
    check_equal("length", strlen("four"), 4);
    check_equal("no length", strlen(""), 0);
    check("same text", strcmp("text", "text") == 0);
    check("shorter is less", strcmp("tex", "text") < 0);
    check("bytes are unsigned", strcmp("\x80", "a") > 0);
    return failures();
}

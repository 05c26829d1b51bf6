/*
 * Deep recursion: how low the main stack goes, and by which way (all cores).
 *
 * descend() calls itself DEPTH times; at the bottom, floor() takes exactly 64 bytes more. Each activation is kept apart
 * (no tail call). Expected on silicon: exit code 0; a line "stack N", N = bytes from the top of the stack to the lowest
 * address that was written; "passed". The path to it: Reset_Handler, main, descend x (DEPTH + 1), lowest.
 */
#include "check.h"

#ifndef DEPTH
#define DEPTH 50
#endif

extern char __stack_top[];
uint32_t lowest_sp;

/* Writes 16 words down the stack and notes where it got to. */
uint32_t lowest(uint32_t value);
__asm__(
    ".text\n\t.syntax unified\n\t.thumb\n\t.thumb_func\n\t.global lowest\n\t.type lowest, %function\n"
    "lowest:\n\t"
    "push {r0-r7}\n\t"
    "push {r0-r7}\n\t"
    "mov r1, sp\n\t"
    "ldr r2, =lowest_sp\n\t"
    "str r1, [r2]\n\t"
    "add sp, #64\n\t"
    "bx lr\n\t"
    ".ltorg\n\t.size lowest, . - lowest");

uint32_t __attribute__((noinline, noclone)) descend(uint32_t depth)
{
    volatile uint32_t room[4] = {depth, 1, 2, 3};
    return (depth == 0 ? lowest(depth) : descend(depth - 1)) + room[depth & 3];
}

int main(void)
{
    const uint32_t sum = descend(DEPTH);
    uint32_t wanted = 0;
    for (uint32_t depth = 0; depth <= DEPTH; depth++) {
        wanted += (depth & 3) == 0 ? depth : depth & 3;
    }
    check_equal("the sum on the way up", sum, wanted);
    print_value("stack", (uint32_t)__stack_top - lowest_sp);
    return failures();
}

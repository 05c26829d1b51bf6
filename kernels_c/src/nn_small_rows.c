/* In assembly, because compilers do not keep sums in the high registers: 22 cycles on Cortex-M0+ for 4 multiplications. */
#include "nn_high_registers.h"
#include "nn_small_rows.h"

#if defined(__thumb__)

#pragma GCC diagnostic ignored "-Wunused-parameter"

#define ROW(pointer, sum)               \
    "ldrsb r7, [" pointer ", r5]\n"     \
    "muls r7, r6, r7\n"                 \
    "add " sum ", r7\n"

/* r0: behind the input; r1 to r4: behind the rows; r5: from there, negative; r8 to r11: sums; r12: offset. */
__attribute__((naked, noinline)) void nn_small_rows(const int8_t *input, const int8_t *weights, int32_t depth, int32_t count,
                                                    struct nn_small_rows *rows)
{
    __asm__ volatile(
        ".syntax unified\n"
        "push {r4-r7, lr}\n"
        NN_FROM_HIGH
        "push {r4-r7}\n"
        "ldr r7, [sp, #36]\n"
        "ldr r4, [r7]\n"
        "ldr r5, [r7, #4]\n"
        "ldr r6, [r7, #8]\n"
        "mov r8, r4\n"
        "mov r9, r5\n"
        "mov r10, r6\n"
        "ldr r4, [r7, #12]\n"
        "ldr r5, [r7, #16]\n"
        "mov r11, r4\n"
        "mov r12, r5\n"
        "mov r6, r2\n"
        "adds r0, r0, r3\n"
        "adds r1, r1, r3\n"
        "adds r2, r1, r6\n"
        "rsbs r5, r3, #0\n"
        "adds r3, r2, r6\n"
        "adds r4, r3, r6\n"
        "1:\n"
        "ldrsb r6, [r0, r5]\n"
        "add r6, r12\n"
        ROW("r1", "r8")
        ROW("r2", "r9")
        ROW("r3", "r10")
        ROW("r4", "r11")
        "adds r5, r5, #1\n"
        "bne 1b\n"
        "ldr r7, [sp, #36]\n"
        "mov r4, r8\n"
        "mov r5, r9\n"
        "mov r6, r10\n"
        "str r4, [r7]\n"
        "str r5, [r7, #4]\n"
        "str r6, [r7, #8]\n"
        "mov r4, r11\n"
        "str r4, [r7, #12]\n"
        "pop {r4-r7}\n"
        NN_TO_HIGH
        "pop {r4-r7, pc}\n");
}

#else

void nn_small_rows(const int8_t *input, const int8_t *weights, int32_t depth, int32_t count, struct nn_small_rows *rows)
{
    for (int32_t row = 0; row < 4; row++, weights += depth) {
        for (int32_t i = 0; i < count; i++) {
            rows->sums[row] += (input[i] + rows->offset) * weights[i];
        }
    }
}

#endif

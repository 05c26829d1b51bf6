/*
 * DWT->CYCCNT around blocks of known instructions (m3, m4, m7, m33).
 *
 * Expected on silicon: exit code 0; lines "empty N", "adds N", "loads N", "loop N" and "passed". Every stretch is read
 * with the same two LDRs, so a difference of two stretches is free of the reading itself. Zero wait states,
 * Cortex-M3/M4 (DDI 0439D table 3-1, section 3.3.2): adds - empty = 10; loop - empty is 1 (MOV) + 100 * (1 SUBS + 1 BNE
 * + P) - P, with P = 1..3 the refill of a taken branch. The M7 pairs SUBS and BNE, and so takes a cycle a round at
 * best. The counter counts only while it is enabled, and a written value is where it goes on from.
 */
#include "check.h"

#define STRETCH(name, instructions)                                                         \
    static uint32_t __attribute__((noinline, naked, aligned(16))) name(void)                \
    {                                                                                       \
        __asm__ volatile("ldr r3, =0xe0001004\n\t"                                          \
                         "dsb\n\tisb\n\t"                                                   \
                         "ldr r0, [r3]\n\t"                                                 \
                         "nop\n\tnop\n\t" instructions "nop\n\tnop\n\t"                     \
                         "ldr r1, [r3]\n\t"                                                 \
                         "subs r0, r1, r0\n\t"                                              \
                         "bx lr\n\t"                                                        \
                         ".ltorg");                                                         \
    }

STRETCH(empty, "")
STRETCH(adds, "adds r2, #1\n\tadds r2, #1\n\tadds r2, #1\n\tadds r2, #1\n\tadds r2, #1\n\t"
              "adds r2, #1\n\tadds r2, #1\n\tadds r2, #1\n\tadds r2, #1\n\tadds r2, #1\n\t")
STRETCH(loads, "ldr r2, [sp]\n\tldr r2, [sp]\n\tldr r2, [sp]\n\tldr r2, [sp]\n\t")
STRETCH(loop, "movs r2, #100\n\t.balign 4\n1:\tsubs r2, #1\n\tbne 1b\n\t")

int main(void)
{
    cycle_counter_start();
    print_value("empty", empty());
    print_value("adds", adds());
    print_value("loads", loads());
    print_value("loop", loop());
    check("ten additions cost something", adds() > empty());
    check("a stretch costs the same twice", adds() == adds());
    check("a hundred rounds cost at least a cycle each", loop() - empty() >= 100);

    DWT_CYCCNT = 0xFFFFFFF0u;
    for (int i = 0; i < 100; i++) {
        __asm__ volatile("nop");
    }
    check("the counter wraps", DWT_CYCCNT < 0x10000u);

    DWT_CTRL &= ~DWT_CYCCNTENA;
    const uint32_t stopped = DWT_CYCCNT;
    for (int i = 0; i < 100; i++) {
        __asm__ volatile("nop");
    }
    check_equal("a stopped counter stays", DWT_CYCCNT, stopped);
    return failures();
}

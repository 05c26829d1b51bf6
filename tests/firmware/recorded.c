/* Marks around the loops of recorded.S. What they cost is recorded in tests/calibration/recorded.csv. Short loops have run once
 * before, so that a cache has them and what a compiler makes of this file counts for nothing. */
#include "cortex_m.h"
#include "marks.h"
#include "uart.h"

#define ROUNDS 20000
#define FEW_ROUNDS 16

static uint32_t memory[16] __attribute__((aligned(64)));

#define TIMED(name, before, rounds)                        \
    void name(unsigned, uint32_t *);                       \
    static void __attribute__((noinline)) run_##name(void) \
    {                                                      \
        if (before) {                                      \
            name(before, memory);                          \
        }                                                  \
        MARK_BEGIN(name);                                  \
        name(rounds, memory);                              \
        MARK_END(name);                                    \
    }
#define EACH(name) TIMED(name, 1, ROUNDS)

TIMED(straight, 0, FEW_ROUNDS)
TIMED(constants, 0, FEW_ROUNDS)
EACH(arithmetic)
EACH(loads)
EACH(stores)
EACH(transfers)
EACH(branches)
#if CORE_HAS_CYCLE_COUNTER
EACH(wide)
#endif
#ifdef __ARM_FP
EACH(floats)
#endif

int main(void)
{
    marks_start();
    run_arithmetic();
    run_loads();
    run_stores();
    run_transfers();
    run_branches();
    run_straight();
    run_constants();
#if CORE_HAS_CYCLE_COUNTER
    run_wide();
#endif
#ifdef __ARM_FP
    run_floats();
#endif
    marks_print(uart_putc);
    return 0;
}

/*
 * The DWT's 8-bit profiling counters (m3, m4; what they count on cores that issue in pairs is not documented).
 *
 * Expected on silicon: exit code 0, "passed"; or "no profiling counters" (DWT_CTRL.NOPRFCNT). By DDI 0403 C1.8.4 the
 * instructions of a stretch are CYCCNT - CPICNT - EXCCNT - SLEEPCNT - LSUCNT + FOLDCNT. All counters start and stop
 * with one store each, so what a stretch has more than the empty one is that of its own instructions.
 */
#include "check.h"

#define COUNT_ALL (DWT_CYCCNTENA | 1u << 17 | 1u << 18 | 1u << 19 | 1u << 20 | 1u << 21)
#define NOPRFCNT (1u << 24)

struct counts {
    uint32_t cycles, extra, exceptions, sleep, load_store, folded;
};

static volatile uint32_t word = 5;
static volatile uint32_t pendsv_calls;

void PendSV_Handler(void)
{
    pendsv_calls++;
}

#define STRETCH(name, instructions)                                           \
    static void __attribute__((noinline, naked, aligned(16)))                 \
    name(volatile uint32_t *control, uint32_t on, uint32_t off, volatile uint32_t *data) \
    {                                                                         \
        __asm__ volatile("push {r4, r5}\n\t"                                  \
                         "dsb\n\tisb\n\t"                                     \
                         "str r1, [r0]\n\t"                                   \
                         "nop\n\tnop\n\tnop\n\tnop\n\t" instructions          \
                         "nop\n\tnop\n\tnop\n\tnop\n\t"                       \
                         "str r2, [r0]\n\t"                                   \
                         "dsb\n\tpop {r4, r5}\n\tbx lr");                     \
    }

STRETCH(empty, "")
STRETCH(additions, ".rept 10\n\tadds r4, #1\n\t.endr\n\t")
STRETCH(loads, "ldr r4, [r3]\n\tldr r5, [r3]\n\tldr r4, [r3]\n\tadds r4, #1\n\t")
STRETCH(divisions, "movs r4, #1\n\tsdiv r5, r0, r4\n\tudiv r5, r0, r4\n\t")
STRETCH(branches, "movs r4, #10\n1:\tsubs r4, #1\n\tbne 1b\n\t")
STRETCH(conditional, "movs r4, #0\n\tcmp r4, #0\n\tittee eq\n\t"
                     "addeq r4, #1\n\taddeq r4, #1\n\taddne r4, #1\n\taddne r4, #1\n\t")

typedef void stretch(volatile uint32_t *, uint32_t, uint32_t, volatile uint32_t *);

static struct counts measure(stretch *run)
{
    const uint32_t off = DWT_CTRL & ~COUNT_ALL;
    DWT_CTRL = off;
    DWT_CYCCNT = DWT_CPICNT = DWT_EXCCNT = DWT_SLEEPCNT = DWT_LSUCNT = DWT_FOLDCNT = 0;
    run(&DWT_CTRL, off | COUNT_ALL, off, &word);
    return (struct counts){DWT_CYCCNT, DWT_CPICNT, DWT_EXCCNT, DWT_SLEEPCNT, DWT_LSUCNT, DWT_FOLDCNT};
}

static uint32_t instructions(const struct counts *c)
{
    return c->cycles - c->extra - c->exceptions - c->sleep - c->load_store + c->folded;
}

static void expect(const char *what, stretch *run, uint32_t wanted)
{
    const struct counts none = measure(empty), some = measure(run);
    uart_puts(what);
    uart_puts("\n");
    check_equal("  instructions", (instructions(&some) - instructions(&none)) & 0xFF, wanted);
    check_equal("  EXCCNT", some.exceptions, 0);
    check_equal("  SLEEPCNT", some.sleep, 0);
}

int main(void)
{
    cycle_counter_start();
    if (DWT_CTRL & NOPRFCNT) {
        uart_puts("no profiling counters\n");
        return failures();
    }
    expect("additions", additions, 10);
    const struct counts none = measure(empty), added = measure(additions), loaded = measure(loads);
    const struct counts divided = measure(divisions);
    check_equal("additions need no extra cycle", added.extra, none.extra);
    check_equal("nor any of loads and stores", added.load_store, none.load_store);
    check("loads do", loaded.load_store > none.load_store);
    check("divisions have extra cycles", divided.extra > none.extra);
    expect("loads", loads, 4);
    expect("divisions", divisions, 3);
    expect("branches", branches, 21);
    expect("conditional", conditional, 7);

    DWT_CTRL |= COUNT_ALL;
    const uint32_t before = DWT_EXCCNT;
    SCB_ICSR = ICSR_PENDSVSET;
    barrier_sync();
    check_equal("PendSV ran", pendsv_calls, 1);
    check("an exception shows in EXCCNT", ((DWT_EXCCNT - before) & 0xFF) > 0);
    return failures();
}

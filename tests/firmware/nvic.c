/*
 * NVIC: order, preemption, tail-chaining, late arrival, masking (all cores; the parts that ARMv6-M lacks are left out).
 *
 * Software pends interrupts 0..3; every handler writes a letter when it enters (A, B, C, D; S for SysTick, N for NMI)
 * and the small letter when it leaves. Expected on silicon (DDI 0403 B1.5, DDI 0419 B1.5): exit code 0; names of cases
 * and "passed".
 */
#include "check.h"

static char trace[128];
static volatile uint32_t length;
static void (*volatile inside[4])(void);
static volatile uint32_t seen_vectactive, seen_active;

static void note(char letter)
{
    const uint32_t primask = READ_SPECIAL(primask);
    disable_interrupts();
    if (length < sizeof trace - 1) {
        trace[length++] = letter;
        trace[length] = 0;
    }
    WRITE_SPECIAL(primask, primask);
}

static void handle(uint32_t number)
{
    note((char)('A' + number));
    seen_vectactive = SCB_ICSR & 0x1FF;
#if CORE_HAS_CYCLE_COUNTER /* ARMv6-M has no IABR */
    seen_active = NVIC_IABR(0);
#endif
    if (inside[number]) {
        inside[number]();
    }
    note((char)('a' + number));
}

void IRQ0_Handler(void)
{
    handle(0);
}

void IRQ1_Handler(void)
{
    handle(1);
}

void IRQ2_Handler(void)
{
    handle(2);
}

void IRQ3_Handler(void)
{
    handle(3);
}

void SysTick_Handler(void)
{
    SYSTICK_CTRL = 0; /* once */
    note('S');
    note('s');
}

void NMI_Handler(void)
{
    note('N');
    note('n');
}

static int same(const char *left, const char *right)
{
    while (*left && *left == *right) {
        left++;
        right++;
    }
    return *left == *right;
}

static void expect(const char *what, const char *wanted)
{
    uart_puts(what);
    uart_puts("\n");
    if (!same(trace, wanted)) {
        failed_checks++;
        uart_puts("FAIL   found ");
        uart_puts(trace);
        uart_puts(", expected ");
        uart_puts(wanted);
        uart_puts("\n");
    }
    length = 0;
    trace[0] = 0;
    for (int i = 0; i < 4; i++) {
        inside[i] = 0;
    }
}

static void pend(uint32_t mask)
{
    NVIC_ISPR(0) = mask;
    barrier_sync();
}

/* Two bits a priority, as ARMv6-M has. */
static void priorities(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    NVIC_IPR(0) = a << 6 | b << 14 | c << 22 | d << 30;
}

static void pend_a(void)
{
    pend(1);
}

static void pend_b(void)
{
    pend(2);
}

static void pend_b_and_c(void)
{
    pend(6);
}

static void check_order(void)
{
    priorities(3, 1, 2, 0);
    disable_interrupts();
    pend(15);
    check_equal("pending while masked", NVIC_ISPR(0) & 15, 15);
    expect("nothing runs while PRIMASK is set", "");
    enable_interrupts();
    barrier_sync();
    expect("urgent ones first", "DdBbCcAa");
    check_equal("none pending afterwards", NVIC_ISPR(0) & 15, 0);

    priorities(2, 2, 2, 2);
    disable_interrupts();
    pend(15);
    enable_interrupts();
    barrier_sync();
    expect("equal ones by number", "AaBbCcDd");
}

static void check_preemption(void)
{
    priorities(2, 1, 2, 3);
    inside[0] = pend_b;
    pend(1);
    expect("a more urgent one preempts", "ABba");
#if CORE_HAS_CYCLE_COUNTER
    check_equal("both were active", seen_active & 3, 3);
#endif
    check_equal("VECTACTIVE is the inner one", seen_vectactive, 17);
    inside[1] = pend_a;
    pend(2);
    expect("a less urgent one waits", "BbAa");
#if CORE_HAS_CYCLE_COUNTER
    check_equal("only one was active", seen_active & 15, 1);
#endif
    inside[0] = pend_b_and_c;
    pend(1);
    expect("one preempts, one is chained", "ABbaCc");
    priorities(2, 2, 1, 3);
    inside[0] = pend_b;
    pend(1);
    expect("an equal one is chained", "AaBb");
    inside[0] = pend_a;
    length = 0;
    inside[1] = 0;
    pend(2);
    expect("thread resumes", "Bb");
}

static void pend_a_once_more(void)
{
    inside[0] = 0;
    pend(1);
}

static void check_pending(void)
{
    priorities(1, 1, 1, 1);
    inside[0] = pend_a_once_more;
    pend(1);
    expect("pending again inside its own handler", "AaAa");

    NVIC_ICER(0) = 1;
    pend(1);
    expect("a disabled one waits", "");
    check_equal("and stays pending", NVIC_ISPR(0) & 1, 1);
    NVIC_ISER(0) = 1;
    barrier_sync();
    expect("until it is enabled", "Aa");

    disable_interrupts();
    pend(3);
    NVIC_ICPR(0) = 1;
    enable_interrupts();
    barrier_sync();
    expect("a cleared one is gone", "Bb");
}

static void check_system(void)
{
    disable_interrupts();
    SCB_ICSR = ICSR_NMIPENDSET;
    barrier_sync();
    expect("NMI passes PRIMASK", "Nn");
    enable_interrupts();
}

static void __attribute__((noinline)) wait_a_moment(void)
{
    __asm__ volatile(".rept 120\n\tnop\n\t.endr");
}

/*
 * SysTick, more urgent, comes after k cycles, and interrupt 0 is pended after about 60 to 120. SysTick runs once for
 * every k: before A's handler begins (it came first, or late, during A's entry), or inside it, or after it.
 */
static void check_late_arrival(void)
{
    uint32_t before = 0, within = 0, after = 0;
    SCB_SHPR3 = 0;
    priorities(3, 3, 3, 3);
    for (uint32_t k = 40; k < 300; k++) {
        length = 0;
        trace[0] = 0;
        SYSTICK_LOAD = k;
        SYSTICK_VAL = 0;
        SYSTICK_CTRL = SYSTICK_ENABLE | SYSTICK_TICKINT | SYSTICK_CORE_CLOCK;
        wait_a_moment();
        NVIC_ISPR(0) = 1;
        while (length < 4) {
        }
        const int first = same(trace, "SsAa"), nested = same(trace, "ASsa"), last = same(trace, "AaSs");
        before += (uint32_t)first;
        within += (uint32_t)nested;
        after += (uint32_t)last;
        if (!first && !nested && !last) {
            expect("late arrival", "SsAa, ASsa or AaSs");
        }
    }
    length = 0;
    trace[0] = 0;
    check("early arrivals come first", before > 0);
    check("later ones preempt", within > 0);
    check("the latest come last", after > 0);
    uart_puts("late arrival\n");
}

#if CORE_HAS_CYCLE_COUNTER

static void check_basepri(void)
{
    priorities(3, 1, 2, 0);
    WRITE_SPECIAL(basepri, 0x80);
    pend(15);
    expect("BASEPRI lets the more urgent ones through", "DdBb");
    WRITE_SPECIAL(basepri_max, 0xC0);
    check_equal("BASEPRI_MAX never lowers", READ_SPECIAL(basepri), 0x80);
    WRITE_SPECIAL(basepri_max, 0x40);
    check_equal("BASEPRI_MAX raises", READ_SPECIAL(basepri), 0x40);
    WRITE_SPECIAL(basepri, 0xC0);
    barrier_sync();
    expect("the next one when BASEPRI falls", "Cc");
    WRITE_SPECIAL(basepri, 0);
    barrier_sync();
    expect("the last one at 0", "Aa");
}

static void check_faultmask(void)
{
    __asm__ volatile("cpsid f" ::: "memory");
    pend(8);
    SCB_ICSR = ICSR_NMIPENDSET;
    barrier_sync();
    expect("FAULTMASK lets only NMI through", "Nn");
    __asm__ volatile("cpsie f" ::: "memory");
    barrier_sync();
    expect("the rest afterwards", "Dd");
}

static void check_grouping(void)
{
    /* PRIGROUP 7: all bits are subpriority, which orders pending interrupts but never preempts. */
    SCB_AIRCR = AIRCR_KEY | 7u << 8;
    priorities(2, 1, 1, 0);
    inside[0] = pend_b;
    pend(1);
    expect("subpriority does not preempt", "AaBb");
    disable_interrupts();
    pend(9);
    enable_interrupts();
    barrier_sync();
    expect("but orders", "DdAa");
    SCB_AIRCR = AIRCR_KEY;
}

static void trigger(void)
{
    NVIC_STIR = 1;
    barrier_sync();
}

static void check_trigger(void)
{
    priorities(2, 1, 1, 0);
    inside[0] = trigger;
    pend(1);
    expect("STIR pends", "ABba");
}

#endif

int main(void)
{
    NVIC_ISER(0) = 15;
    check_equal("four are enabled", NVIC_ISER(0) & 15, 15);
    check_order();
    check_preemption();
    check_pending();
    check_system();
    check_late_arrival();
#if CORE_HAS_CYCLE_COUNTER
    check_basepri();
    check_faultmask();
    check_grouping();
    check_trigger();
#endif
    return failures();
}

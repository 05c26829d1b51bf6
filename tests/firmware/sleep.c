/*
 * WFI and WFE (all cores): sleeping until an interrupt or an event, however far away.
 *
 * Expected on silicon: exit code 0; "ticks 20", "passed". The 20 sleeps of 2^24 cycles are 335 544 320 cycles, nearly
 * all of them asleep; a simulator that counts every one of them in a loop takes minutes.
 */
#include "check.h"

static volatile uint32_t ticks;

void SysTick_Handler(void)
{
    ticks++;
}

static void start(uint32_t load)
{
    SYSTICK_CTRL = 0;
    SCB_ICSR = 1u << 25; /* PENDSTCLR */
    SYSTICK_LOAD = load;
    SYSTICK_VAL = 0;
    SYSTICK_CTRL = SYSTICK_ENABLE | SYSTICK_TICKINT | SYSTICK_CORE_CLOCK;
}

static void check_sleeps(void)
{
    start(0xFFFFFF);
    for (uint32_t i = 1; i <= 20; i++) {
        wait_for_interrupt();
        barrier_sync();
        check_equal("one tick a sleep", ticks, i);
    }
    print_value("ticks", ticks);
}

static void check_masked(void)
{
    disable_interrupts();
    const uint32_t before = ticks;
    start(5000);
    wait_for_interrupt();
    check_equal("WFI wakes under PRIMASK without taking the interrupt", ticks, before);
    check("which is pending", SCB_ICSR & ICSR_PENDSTSET);
    wait_for_interrupt(); /* does not sleep: something is pending */
    enable_interrupts();
    barrier_sync();
    check_equal("taken when unmasked", ticks, before + 1);
}

static void check_events(void)
{
    SYSTICK_CTRL = 0;
    __asm__ volatile("sev\n\twfe" ::: "memory"); /* the event is there: no sleep */
    start(5000);
    const uint32_t before = ticks;
    while (ticks == before) {
        __asm__ volatile("wfe" ::: "memory");
    }
    check_equal("an interrupt ends WFE", ticks, before + 1);

    /* SEVONPEND: a pending interrupt that is disabled is an event too. */
    SYSTICK_CTRL = 0;
    SCB_SCR |= 1u << 4;
    __asm__ volatile("sev\n\twfe" ::: "memory");
    NVIC_ICER(0) = 1;
    NVIC_ISPR(0) = 1;
    __asm__ volatile("wfe" ::: "memory");
    NVIC_ICPR(0) = 1;
    SCB_SCR &= ~(1u << 4);
}

/* SLEEPONEXIT: thread mode gets no time until a handler clears the bit. */
static volatile uint32_t sleeping_ticks;

void PendSV_Handler(void)
{
    if (++sleeping_ticks == 3) {
        SCB_SCR &= ~2u;
    }
    if (sleeping_ticks < 3) {
        SCB_ICSR = ICSR_PENDSVSET;
    }
}

static void check_sleep_on_exit(void)
{
    SYSTICK_CTRL = 0;
    SCB_SCR |= 2u;
    SCB_ICSR = ICSR_PENDSVSET;
    barrier_sync();
    check_equal("the thread goes on after three handlers", sleeping_ticks, 3);
}

int main(void)
{
    check_sleeps();
    check_masked();
    check_events();
    check_sleep_on_exit();
    return failures();
}

/*
 * Marks: how often a named stretch of code ran, and for how many cycles.
 *
 *     marks_start();
 *     MARK_BEGIN(conv1);
 *     ...
 *     MARK_END(conv1);          // in the same block as its MARK_BEGIN
 *     marks_print(uart_putc);   // "#mark conv1 1 10532\n", one line a name, in the order of their first use
 *
 * Cycles come from DWT->CYCCNT, and on ARMv6-M, which has none, from SysTick, which marks then own (the SysTick_Handler
 * is defined here). One stretch may take up to 2^32 - 1 cycles. Interrupts inside a stretch count; so does the reading
 * of the counter itself (a few cycles).
 */
#ifndef MARKS_H
#define MARKS_H

#include <stdint.h>

#include "cortex_m.h"

struct mark {
    const char *name;
    struct mark *next;
    uint64_t cycles;
    uint32_t count;
    uint32_t begin;
    uint8_t listed;
};

void marks_start(void);
void marks_print(void (*putc)(char));
void mark_list(struct mark *mark);

#if CORE_HAS_CYCLE_COUNTER
static inline uint32_t marks_now(void)
{
    return DWT_CYCCNT;
}
#else
uint32_t marks_now(void);
#endif

static inline void mark_begin(struct mark *mark)
{
    if (!mark->listed) {
        mark_list(mark);
    }
    __asm__ volatile("" ::: "memory");
    mark->begin = marks_now();
    __asm__ volatile("" ::: "memory");
}

static inline void mark_end(struct mark *mark)
{
    __asm__ volatile("" ::: "memory");
    const uint32_t end = marks_now();
    mark->cycles += end - mark->begin;
    mark->count++;
}

#define MARK_BEGIN(name)                         \
    static struct mark mark_##name = {#name, 0, 0, 0, 0, 0}; \
    mark_begin(&mark_##name)

#define MARK_END(name) mark_end(&mark_##name)

#endif

#include "marks.h"

static struct mark *first;
static struct mark **last = &first;

void mark_list(struct mark *mark)
{
    mark->listed = 1;
    *last = mark;
    last = &mark->next;
}

#if CORE_HAS_CYCLE_COUNTER

void marks_start(void)
{
    cycle_counter_start();
}

#else

#define SYSTICK_TOP 0x00FFFFFFu

static volatile uint32_t wraps;

void SysTick_Handler(void)
{
    wraps++;
}

void marks_start(void)
{
    SYSTICK_LOAD = SYSTICK_TOP;
    SYSTICK_VAL = 0;
    SYSTICK_CTRL = SYSTICK_ENABLE | SYSTICK_TICKINT | SYSTICK_CORE_CLOCK;
}

uint32_t marks_now(void)
{
    uint32_t before, value, pending;
    do {
        before = wraps;
        value = SYSTICK_VAL;
        pending = SCB_ICSR & ICSR_PENDSTSET;
    } while (before != wraps);
    /* A wrap whose interrupt could not be taken yet: the counter has just restarted from the top. */
    const uint32_t missed = pending && value > SYSTICK_TOP / 2;
    return ((before + missed) << 24) + (SYSTICK_TOP - value);
}

#endif

static int same(const char *left, const char *right)
{
    while (*left && *left == *right) {
        left++;
        right++;
    }
    return *left == *right;
}

static int named_before(const struct mark *mark)
{
    const struct mark *other = first;
    while (other != mark && !same(other->name, mark->name)) {
        other = other->next;
    }
    return other != mark;
}

static void put_text(void (*putc)(char), const char *text)
{
    while (*text) {
        putc(*text++);
    }
}

static void put_unsigned(void (*putc)(char), uint64_t value)
{
    char digits[20];
    int count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (count) {
        putc(digits[--count]);
    }
}

static void print_line(void (*putc)(char), const struct mark *mark)
{
    uint64_t cycles = 0;
    uint32_t count = 0;
    for (const struct mark *other = mark; other; other = other->next) {
        if (same(other->name, mark->name)) {
            cycles += other->cycles;
            count += other->count;
        }
    }
    put_text(putc, "#mark ");
    put_text(putc, mark->name);
    putc(' ');
    put_unsigned(putc, count);
    putc(' ');
    put_unsigned(putc, cycles);
    putc('\n');
}

void marks_print(void (*putc)(char))
{
    for (const struct mark *mark = first; mark; mark = mark->next) {
        if (!named_before(mark)) {
            print_line(putc, mark);
        }
    }
}

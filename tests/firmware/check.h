/* What the test firmware shares: each check that fails is printed, and main returns failures(). */
#ifndef CHECK_H
#define CHECK_H

#include "cortex_m.h"
#include "semihosting.h"
#include "uart.h"

static int failed_checks;

static inline void check_equal(const char *what, uint32_t found, uint32_t expected)
{
    if (found != expected) {
        failed_checks++;
        uart_puts("FAIL ");
        uart_puts(what);
        uart_puts(": found ");
        uart_put_hex(found);
        uart_puts(", expected ");
        uart_put_hex(expected);
        uart_puts("\n");
    }
}

static inline void check(const char *what, int holds)
{
    if (!holds) {
        failed_checks++;
        uart_puts("FAIL ");
        uart_puts(what);
        uart_puts("\n");
    }
}

static inline void print_value(const char *name, uint32_t value)
{
    uart_puts(name);
    uart_puts(" ");
    uart_put_unsigned(value);
    uart_puts("\n");
}

static inline int failures(void)
{
    uart_puts(failed_checks ? "failed\n" : "passed\n");
    return failed_checks ? 1 : 0;
}

#endif

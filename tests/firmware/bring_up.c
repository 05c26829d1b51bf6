/* Says over the board's serial port what start-up code has put where, sends a line of known length under a mark, and ends. */
#include "board.h"
#include "marks.h"
#include "placement.h"
#include "uart.h"

#ifndef BANKS /* EACH(dtcm) EACH(itcm): the board's memories besides the main one */
#define BANKS
#endif

volatile uint32_t copied[3] = {17, 25, 42};
volatile uint32_t cleared[3];
LEFT_IN_RAM volatile uint32_t left[3];

#define EACH(name)                                                           \
    IN_MEMORY(name) volatile uint32_t copied_in_##name[3] = {17, 25, 42}; \
    CLEARED_IN(name) volatile uint32_t cleared_in_##name[3];              \
    LEFT_IN(name) volatile uint32_t left_in_##name[3];
BANKS
#undef EACH

static uint32_t places_right;

static void check(const volatile uint32_t *values, const volatile uint32_t *zeros, volatile uint32_t *free)
{
    free[1] = 9;
    places_right += values[0] == 17 && values[1] == 25 && values[2] == 42 && !zeros[0] && !zeros[1] && !zeros[2] && free[1] == 9;
}

static const char sixty_four[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.\n";

int main(void)
{
    marks_start();
    check(copied, cleared, left);
#define EACH(name) check(copied_in_##name, cleared_in_##name, left_in_##name);
    BANKS
    uart_puts("board up, memories right: ");
    uart_put_unsigned(places_right);
    uart_puts("\n");
    uart_finish();
    MARK_BEGIN(line);
    uart_puts(sixty_four);
    uart_finish();
    MARK_END(line);
    marks_print(uart_putc);
    return 7;
}

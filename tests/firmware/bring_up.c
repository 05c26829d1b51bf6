/* Says over the board's serial port what start-up code has put where, sends a line of known length under a mark, and ends. */
#include "board.h"
#include "marks.h"
#include "placement.h"
#include "uart.h"

#if defined(BANK) /* a memory of the board by name */
#define IN(name) IN_MEMORY(name)
#define CLEARED(name) CLEARED_IN(name)
#define LEFT(name) LEFT_IN(name)
IN(BANK) volatile uint32_t copied[3] = {17, 25, 42};
CLEARED(BANK) volatile uint32_t cleared[3];
LEFT(BANK) volatile uint32_t left[3];
#else
volatile uint32_t copied[3] = {17, 25, 42};
volatile uint32_t cleared[3];
LEFT_IN_RAM volatile uint32_t left[3];
#endif

static const char sixty_four[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.\n";

int main(void)
{
    marks_start();
    left[1] = 9;
    uart_puts("board up ");
    uart_put_unsigned(copied[0] + copied[1] + copied[2]);
    uart_puts(" ");
    uart_put_unsigned(cleared[0] + cleared[1] + cleared[2] + left[1]);
    uart_puts("\n");
    uart_finish();
    MARK_BEGIN(line);
    uart_puts(sixty_four);
    uart_finish();
    MARK_END(line);
    marks_print(uart_putc);
    return 7;
}

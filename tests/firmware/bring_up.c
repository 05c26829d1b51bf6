/* Says a line over the board's serial port, with the cycles of a small sum, and ends. */
#include "board.h"
#include "marks.h"
#include "uart.h"

static uint32_t numbers[64] = {3};
static uint32_t cleared[64];

int main(void)
{
    marks_start();
    uint32_t sum = 0;
    MARK_BEGIN(sum);
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < 64; i++) {
            numbers[i] += (uint32_t)(round ^ i);
            sum += numbers[i] + cleared[i];
        }
    }
    MARK_END(sum);
    uart_puts("board up, sum ");
    uart_put_unsigned(sum);
    uart_puts("\r\n");
    marks_print(uart_putc);
    return 0;
}

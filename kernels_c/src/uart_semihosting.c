/* Console of the generic boards, which have no UART: the debugger's. */
#include "board.h"
#include "semihosting.h"
#include "uart.h"

void uart_putc(char character)
{
    semihosting_call(SYS_WRITEC, &character);
}

/* A debugger waits here until somebody types; 0 or less where it has no input. */
int uart_getc(void)
{
    const int32_t character = semihosting_call(SYS_READC, 0);
    return character > 0 ? character : -1;
}

/* Console of the generic boards, which have no UART: the debugger's. */
#include "semihosting.h"
#include "uart.h"

void uart_putc(char character)
{
    semihosting_call(SYS_WRITEC, &character);
}

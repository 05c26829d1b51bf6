/* The console of a board: one character out, chosen by the source file that is linked (src/uart_*.c). */
#ifndef UART_H
#define UART_H

#include <stdint.h>

void uart_putc(char character);

/* Written on uart_putc, the same for every console (src/uart_text.c). */
void uart_puts(const char *text);
void uart_put_unsigned(uint64_t value);
void uart_put_signed(int32_t value);
void uart_put_hex(uint32_t value);

#endif

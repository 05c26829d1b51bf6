#include "uart.h"

void uart_puts(const char *text)
{
    while (*text) {
        uart_putc(*text++);
    }
}

void uart_put_unsigned(uint64_t value)
{
    char digits[20];
    int count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (count) {
        uart_putc(digits[--count]);
    }
}

void uart_put_signed(int32_t value)
{
    if (value < 0) {
        uart_putc('-');
    }
    uart_put_unsigned(value < 0 ? 0u - (uint32_t)value : (uint32_t)value);
}

void uart_put_hex(uint32_t value)
{
    uart_puts("0x");
    for (int shift = 28; shift >= 0; shift -= 4) {
        uart_putc("0123456789abcdef"[(value >> shift) & 15]);
    }
}

/*
 * NXP's LPUART, the same in i.MX RT and MCX: i.MX RT1060 Reference Manual and MCX Nx4x Reference Manual, LPUART. At BOARD_SERIAL,
 * clocked with UART_HERTZ: LPUART_SAMPLES samples a bit, which makes the rate exact to half a percent.
 */
#ifndef LPUART_H
#define LPUART_H

#include "registers.h"
#include "uart.h"

#define BAUD (BOARD_SERIAL + 0x10)
#define STAT (BOARD_SERIAL + 0x14)
#define CTRL (BOARD_SERIAL + 0x18)
#define DATA (BOARD_SERIAL + 0x1C)
#define FIFO (BOARD_SERIAL + 0x28)

#define DIVIDER ((UART_HERTZ + 57600u * LPUART_SAMPLES) / (115200u * LPUART_SAMPLES))
#define RDRF (1u << 21)
#define TC (1u << 22)
#define TDRE (1u << 23)

static inline void start_lpuart(void)
{
    REGISTER(CTRL) = 0;
    REGISTER(BAUD) = (LPUART_SAMPLES - 1u) << 24 | DIVIDER;
    REGISTER(FIFO) = 1u << 3 | 1u << 7;
    REGISTER(CTRL) = 3u << 18; /* TE, RE */
}

void uart_putc(char character)
{
    wait_for_port(STAT, TDRE, TDRE);
    REGISTER(DATA) = (uint8_t)character;
}

void uart_finish(void)
{
    wait_for_port(STAT, TC, TC);
}

int uart_getc(void)
{
    return REGISTER(STAT) & RDRF ? (int)(REGISTER(DATA) & 0xFF) : -1;
}

#endif

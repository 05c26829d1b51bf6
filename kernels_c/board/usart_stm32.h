/*
 * What the USARTs of all STM32 families have in common. The file that includes this says, at BOARD_SERIAL:
 *
 *   STATUS, RECEIVED, TO_SEND, BRR, CR1   registers
 *   UE                                    the bit of CR1 that enables
 *   DIVIDER                               of UART_HERTZ, for 115,200 bits a second
 *
 * and the board: UART_ENABLE, UART_ENABLE_BIT (its clock: register and bit of the RCC), the pins (pins_stm32.h).
 */
#ifndef USART_STM32_H
#define USART_STM32_H

#include "pins_stm32.h"
#include "uart.h"

#define RE (1u << 2)
#define TE (1u << 3)
#define RXNE (1u << 5)
#define TC (1u << 6)
#define TXE (1u << 7)

void uart_start(void)
{
    start_pins();
    set_bits(UART_ENABLE, 1u << UART_ENABLE_BIT);
    (void)REGISTER(UART_ENABLE);
    REGISTER(CR1) = 0;
    REGISTER(BRR) = DIVIDER;
    REGISTER(CR1) = UE | RE | TE;
}

void uart_putc(char character)
{
    wait_for_port(STATUS, TXE, TXE);
    REGISTER(TO_SEND) = (uint8_t)character;
}

void uart_finish(void)
{
    wait_for_port(STATUS, TC, TC);
}

int uart_getc(void)
{
    return REGISTER(STATUS) & RXNE ? (int)(REGISTER(RECEIVED) & 0xFF) : -1;
}

#endif

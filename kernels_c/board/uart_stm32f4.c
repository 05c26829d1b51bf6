/*
 * USART of the STM32F4, which has SR and DR, at BOARD_SERIAL. RM0090, chapters USART and GPIO.
 *
 *   UART_ENABLE, UART_ENABLE_BIT   its clock: register and bit of the RCC
 *   UART_HERTZ                     its clock after board_clock
 *   the pins: see pins_stm32.h
 */
#include "pins_stm32.h"
#include "uart.h"

#define SR (BOARD_SERIAL + 0x00)
#define DR (BOARD_SERIAL + 0x04)
#define BRR (BOARD_SERIAL + 0x08)
#define CR1 (BOARD_SERIAL + 0x0C)

#define DIVIDER ((UART_HERTZ + 57600u) / 115200u)
#define RE (1u << 2)
#define TE (1u << 3)
#define RXNE (1u << 5)
#define TC (1u << 6)
#define TXE (1u << 7)
#define UE (1u << 13)

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
    wait_for_port(SR, TXE, TXE);
    REGISTER(DR) = (uint8_t)character;
}

void uart_finish(void)
{
    wait_for_port(SR, TC, TC);
}

int uart_getc(void)
{
    return REGISTER(SR) & RXNE ? (int)(REGISTER(DR) & 0xFF) : -1;
}

/*
 * USART and LPUART of the STM32 families that have ISR and TDR (F7, G0, H7, L4, U3, U5), at BOARD_SERIAL. Register maps:
 * RM0432, chapters USART, LPUART and GPIO; the same in the other families.
 *
 *   UART_ENABLE, UART_ENABLE_BIT   its clock: register and bit of the RCC
 *   UART_HERTZ                     its clock after board_clock
 *   UART_LOW_POWER                 defined for an LPUART, which divides 256 times as finely
 *   the pins: see pins_stm32.h
 */
#include "pins_stm32.h"
#include "uart.h"

#define CR1 (BOARD_SERIAL + 0x00)
#define BRR (BOARD_SERIAL + 0x0C)
#define ISR (BOARD_SERIAL + 0x1C)
#define RDR (BOARD_SERIAL + 0x24)
#define TDR (BOARD_SERIAL + 0x28)

#define BAUD 115200u
#if defined(UART_LOW_POWER)
#define DIVIDER ((uint32_t)((256ull * UART_HERTZ + BAUD / 2u) / BAUD))
#else
#define DIVIDER ((UART_HERTZ + BAUD / 2u) / BAUD)
#endif

#define UE 1u
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
    wait_for_port(ISR, TXE, TXE);
    REGISTER(TDR) = (uint8_t)character;
}

void uart_finish(void)
{
    wait_for_port(ISR, TC, TC);
}

int uart_getc(void)
{
    return REGISTER(ISR) & RXNE ? (int)(REGISTER(RDR) & 0xFF) : -1;
}

/*
 * USART and LPUART of the STM32 families that have ISR and TDR (F7, G0, H7, L4, U3, U5), at BOARD_SERIAL. Register maps:
 * RM0432, chapters USART, LPUART and GPIO; the same in the other families.
 *
 *   UART_ENABLE, UART_ENABLE_BIT   its clock: register and bit of the RCC
 *   UART_HERTZ                     its clock after board_clock
 *   UART_LOW_POWER                 defined for an LPUART, which divides 256 times as finely
 *   the pins: see pins_stm32.h
 */
#define CR1 (BOARD_SERIAL + 0x00)
#define BRR (BOARD_SERIAL + 0x0C)
#define STATUS (BOARD_SERIAL + 0x1C)   /* ISR */
#define RECEIVED (BOARD_SERIAL + 0x24) /* RDR */
#define TO_SEND (BOARD_SERIAL + 0x28)  /* TDR */
#define UE 1u

#define BAUD 115200u
#if defined(UART_LOW_POWER)
#define DIVIDER ((uint32_t)((256ull * UART_HERTZ + BAUD / 2u) / BAUD))
#else
#define DIVIDER ((UART_HERTZ + BAUD / 2u) / BAUD)
#endif

#include "usart_stm32.h"

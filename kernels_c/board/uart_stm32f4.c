/*
 * USART of the STM32F4, which has SR and DR, at BOARD_SERIAL. RM0090, chapters USART and GPIO.
 *
 *   UART_ENABLE, UART_ENABLE_BIT   its clock: register and bit of the RCC
 *   UART_HERTZ                     its clock after board_clock
 *   the pins: see pins_stm32.h
 */
#define STATUS (BOARD_SERIAL + 0x00)   /* SR */
#define RECEIVED (BOARD_SERIAL + 0x04) /* DR */
#define TO_SEND (BOARD_SERIAL + 0x04)  /* DR */
#define BRR (BOARD_SERIAL + 0x08)
#define CR1 (BOARD_SERIAL + 0x0C)
#define UE (1u << 13)
#define DIVIDER ((UART_HERTZ + 57600u) / 115200u)

#include "usart_stm32.h"

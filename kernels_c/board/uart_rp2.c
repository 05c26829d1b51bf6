/*
 * UART of RP2040 and RP2350, an Arm PL011 (RP2040 Datasheet 4.2, 2.19; RP2350 Datasheet 12.1, 9.11), at BOARD_SERIAL.
 *
 *   RESETS, IO_BANK0, PADS_BANK0    bases
 *   RESET_SERIAL                    bits of RESETS: UART, pins, pads
 *   TX_PIN, RX_PIN                  GPIO numbers
 */
#include "registers.h"
#include "uart.h"

#define DR (BOARD_SERIAL + 0x00)
#define FR (BOARD_SERIAL + 0x18)
#define IBRD (BOARD_SERIAL + 0x24)
#define FBRD (BOARD_SERIAL + 0x28)
#define LCR_H (BOARD_SERIAL + 0x2C)
#define CR (BOARD_SERIAL + 0x30)

#define TO_CLEAR 0x3000
#define BUSY (1u << 3)
#define RXFE (1u << 4)
#define TXFF (1u << 5)
#define FUNCTION_UART 2u
#define PAD_ENABLED 0x5Au /* input on, 4 mA, pulled up, Schmitt trigger; not isolated */

/* The clock over 16 * 115200, in 64ths. */
#define DIVIDER ((uint32_t)((BOARD_HERTZ * 4ull + 57600u) / 115200u))

static void start_pin(uint32_t pin)
{
    REGISTER(IO_BANK0 + 8 * pin + 4) = FUNCTION_UART;
    REGISTER(PADS_BANK0 + 4 * pin + 4) = PAD_ENABLED;
}

void uart_start(void)
{
    REGISTER(RESETS + TO_CLEAR) = RESET_SERIAL;
    wait_for(RESETS + 0x08, RESET_SERIAL, RESET_SERIAL);
    start_pin(TX_PIN);
    start_pin(RX_PIN);
    REGISTER(IBRD) = DIVIDER / 64;
    REGISTER(FBRD) = DIVIDER % 64;
    REGISTER(LCR_H) = 3u << 5 | 1u << 4; /* 8 bits, FIFOs */
    REGISTER(CR) = 1u | 1u << 8 | 1u << 9;
}

void uart_putc(char character)
{
    wait_for_port(FR, TXFF, 0);
    REGISTER(DR) = (uint8_t)character;
}

void uart_finish(void)
{
    wait_for_port(FR, BUSY, 0);
}

int uart_getc(void)
{
    return REGISTER(FR) & RXFE ? -1 : (int)(REGISTER(DR) & 0xFF);
}

/*
 * LPUART of i.MX RT1060 on the 24 MHz crystal. i.MX RT1060 Reference Manual: CCM (CSCDR1), IOMUXC.
 *
 *   UART_GATE, UART_GATE_BIT    register CCGRn and the lower bit of the port's clock gate
 *   TX_MUX, TX_PAD              IOMUXC registers of the pin; RX_MUX, RX_PAD
 *   PIN_FUNCTION                MUX_MODE of both
 *   RX_SELECT, TX_SELECT        daisy chain registers, and their value SELECTED
 */
#define UART_HERTZ 24000000u
#define LPUART_SAMPLES 26u
#include "lpuart.h"

#define CSCDR1 0x400FC024u
#define CCGR4 0x400FC078u
#define PAD_SETTINGS 0x10B0u /* 100 MHz, keeper, drive 6 */

void uart_start(void)
{
    set_bits(CCGR4, 3u << 2); /* IOMUXC */
    set_bits(UART_GATE, 3u << UART_GATE_BIT);
    set_field(CSCDR1, 0x7Fu, 1u << 6);
    REGISTER(TX_MUX) = PIN_FUNCTION;
    REGISTER(TX_PAD) = PAD_SETTINGS;
    REGISTER(RX_MUX) = PIN_FUNCTION;
    REGISTER(RX_PAD) = PAD_SETTINGS;
    REGISTER(TX_SELECT) = SELECTED;
    REGISTER(RX_SELECT) = SELECTED;
    start_lpuart();
}

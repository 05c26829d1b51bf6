/*
 * UARTE of the nRF52 and nRF53, which fetches and stores bytes itself, at BOARD_SERIAL. nRF52840 and nRF5340 Product
 * Specifications: UARTE, GPIO.
 *
 *   GPIO_PORTS        base of P0; P1 is 0x300 behind
 *   TX_PIN, RX_PIN    32 * port + pin
 */
#include "registers.h"
#include "uart.h"

#define TASKS_STARTRX (BOARD_SERIAL + 0x000)
#define TASKS_STARTTX (BOARD_SERIAL + 0x008)
#define EVENTS_ENDRX (BOARD_SERIAL + 0x110)
#define EVENTS_ENDTX (BOARD_SERIAL + 0x120)
#define ENABLE (BOARD_SERIAL + 0x500)
#define PSEL_TXD (BOARD_SERIAL + 0x50C)
#define PSEL_RXD (BOARD_SERIAL + 0x514)
#define BAUDRATE (BOARD_SERIAL + 0x524)
#define RXD_PTR (BOARD_SERIAL + 0x534)
#define RXD_MAXCNT (BOARD_SERIAL + 0x538)
#define TXD_PTR (BOARD_SERIAL + 0x544)
#define TXD_MAXCNT (BOARD_SERIAL + 0x548)

#define BAUD_115200 0x01D60000u
#define UARTE 8u
#define PIN(number) (GPIO_PORTS + 0x300u * ((number) / 32) + 0x700u + 4u * ((number) % 32)) /* PIN_CNF */
#define OUTSET(number) (GPIO_PORTS + 0x300u * ((number) / 32) + 0x508u)
#define OUTPUT 3u       /* input disconnected */
#define INPUT_UP (3u << 2)

static volatile uint8_t out, in;

static void receive(void)
{
    REGISTER(EVENTS_ENDRX) = 0;
    REGISTER(TASKS_STARTRX) = 1;
}

void uart_start(void)
{
    REGISTER(OUTSET(TX_PIN)) = 1u << (TX_PIN % 32);
    REGISTER(PIN(TX_PIN)) = OUTPUT;
    REGISTER(PIN(RX_PIN)) = INPUT_UP;
    REGISTER(PSEL_TXD) = TX_PIN;
    REGISTER(PSEL_RXD) = RX_PIN;
    REGISTER(BAUDRATE) = BAUD_115200;
    REGISTER(ENABLE) = UARTE;
    REGISTER(TXD_PTR) = (uint32_t)(uintptr_t)&out;
    REGISTER(TXD_MAXCNT) = 1;
    REGISTER(RXD_PTR) = (uint32_t)(uintptr_t)&in;
    REGISTER(RXD_MAXCNT) = 1;
    receive();
}

/* Returns when the character is out. */
void uart_putc(char character)
{
    out = (uint8_t)character;
    REGISTER(EVENTS_ENDTX) = 0;
    REGISTER(TASKS_STARTTX) = 1;
    wait_for_port(EVENTS_ENDTX, 1, 1);
}

void uart_finish(void)
{
}

int uart_getc(void)
{
    if (!REGISTER(EVENTS_ENDRX)) {
        return -1;
    }
    const int character = in;
    receive();
    return character;
}

/*
 * Pins of a serial port of an STM32. GPIO register map: RM0432, chapter GPIO; the same in all families here.
 *
 *   GPIO, PIN_ENABLE               base of port A; register of the RCC whose bit 0 clocks it
 *   TX_PORT, TX_PIN                ports are numbered: 0 is A
 *   RX_PORT, RX_PIN
 *   PIN_FUNCTION                   alternate function of both
 */
#ifndef PINS_STM32_H
#define PINS_STM32_H

#include "registers.h"

static inline void start_pin(uint32_t port, uint32_t pin)
{
    const uintptr_t base = GPIO + 0x400u * port;
    set_bits(PIN_ENABLE, 1u << port);
    (void)REGISTER(PIN_ENABLE);
    set_field(base + 0x20 + 4 * (pin / 8), 0xFu << (4 * (pin % 8)), (uint32_t)PIN_FUNCTION << (4 * (pin % 8))); /* AFR */
    set_field(base + 0x0C, 3u << (2 * pin), 1u << (2 * pin));                                                  /* PUPDR: up */
    set_field(base + 0x00, 3u << (2 * pin), 2u << (2 * pin));                                                  /* MODER */
}

static inline void start_pins(void)
{
    start_pin(TX_PORT, TX_PIN);
    start_pin(RX_PORT, RX_PIN);
}

#endif

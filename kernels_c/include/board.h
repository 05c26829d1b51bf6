/*
 * What a board's own sources (kernels_c/board) offer. Their parameters are the defines of the board file's table
 * [firmware.defines], and BOARD_HERTZ, BOARD_CRYSTAL_HERTZ, BOARD_SERIAL (mcusim/deploy/layout.py).
 */
#ifndef BOARD_H
#define BOARD_H

/* Core at BOARD_HERTZ with the voltage and wait states that this needs; caches and prefetch on. Runs before .data is there. */
void board_clock(void);

/* The board's serial port: 115200 baud, 8 data bits, no parity, one stop bit. */
void uart_start(void);

/* Until the last character is out: before the program ends, or the clock changes. */
void uart_finish(void);

/* The character that came in, -1 where none did. */
int uart_getc(void);

#endif

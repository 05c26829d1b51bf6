/* Sums over a window: of one channel, and with the DSP extension of four, in two pairs of int16. */
#ifndef NN_WINDOW_SUM_H
#define NN_WINDOW_SUM_H

#include "nn_window.h"

static inline int32_t nn_window_sum(const struct nn_window *window, const int8_t *input)
{
    int32_t sum = 0;
    for (int32_t row = 0; row < window->rows; row++, input += window->row) {
        const int8_t *from = input;
        for (int32_t left = window->columns; left > 0; left--, from += window->pixel) {
            sum += *from;
        }
    }
    return sum;
}

#if NN_DSP

enum { NN_PAIR_HOLDS = 256 }; /* 256 * -128 is the least int16 */

struct nn_pair_sums {
    uint32_t even;
    uint32_t odd;
};

/* `count` elements, `step` apart, of four channels. */
static inline struct nn_pair_sums nn_sum_row(struct nn_pair_sums sums, const int8_t *from, int32_t count, int32_t step)
{
    for (; count >= 4; count -= 4, from += 4 * step) {
        const uint32_t a = nn_lanes_load(from), b = nn_lanes_load(from + step);
        const uint32_t c = nn_lanes_load(from + 2 * step), d = nn_lanes_load(from + 3 * step);
        sums.even = nn_pair_add_even(nn_pair_add_even(sums.even, a), b);
        sums.odd = nn_pair_add_odd(nn_pair_add_odd(sums.odd, a), b);
        sums.even = nn_pair_add_even(nn_pair_add_even(sums.even, c), d);
        sums.odd = nn_pair_add_odd(nn_pair_add_odd(sums.odd, c), d);
    }
    for (; count > 0; count--, from += step) {
        const uint32_t a = nn_lanes_load(from);
        sums.even = nn_pair_add_even(sums.even, a);
        sums.odd = nn_pair_add_odd(sums.odd, a);
    }
    return sums;
}

static inline void nn_add_pairs(int32_t total[4], struct nn_pair_sums sums)
{
    total[0] += (int16_t)sums.even;
    total[1] += (int16_t)sums.odd;
    total[2] += (int32_t)sums.even >> 16;
    total[3] += (int32_t)sums.odd >> 16;
}

static inline void nn_sum_large(int32_t total[4], const struct nn_window *window, const int8_t *input)
{
    for (int32_t row = 0; row < window->rows; row++, input += window->row) {
        const int8_t *from = input;
        for (int32_t left = window->columns; left > 0; left -= NN_PAIR_HOLDS, from += NN_PAIR_HOLDS * window->pixel) {
            const struct nn_pair_sums none = {0, 0};
            nn_add_pairs(total, nn_sum_row(none, from, nn_at_most(left, NN_PAIR_HOLDS), window->pixel));
        }
    }
}

static inline void nn_window_sum_four(int32_t total[4], const struct nn_window *window, const int8_t *input)
{
    total[0] = total[1] = total[2] = total[3] = 0;
    if (window->rows * window->columns > NN_PAIR_HOLDS) {
        nn_sum_large(total, window, input);
        return;
    }
    struct nn_pair_sums sums = {0, 0};
    for (int32_t row = 0; row < window->rows; row++, input += window->row) {
        sums = nn_sum_row(sums, input, window->columns, window->pixel);
    }
    nn_add_pairs(total, sums);
}

#endif

#endif

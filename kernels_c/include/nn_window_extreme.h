/* The greatest or the least of a window, by channel: one at a time, or four and eight with the DSP extension. */
#ifndef NN_WINDOW_EXTREME_H
#define NN_WINDOW_EXTREME_H

#include "nn_requantize.h"
#include "nn_window.h"

NN_INLINE int32_t nn_window_extreme(const struct nn_window *window, const int8_t *input, int greater)
{
    int32_t extreme = *input;
    for (int32_t row = 0; row < window->rows; row++, input += window->row) {
        const int8_t *from = input;
        for (int32_t left = window->columns; left > 0; left--, from += window->pixel) {
            const int32_t value = *from;
            extreme = (greater ? value > extreme : value < extreme) ? value : extreme;
        }
    }
    return extreme;
}

#if NN_DSP

NN_INLINE uint32_t nn_lanes_extreme(uint32_t left, uint32_t right, int greater)
{
    return greater ? nn_lanes_max(left, right) : nn_lanes_min(left, right);
}

NN_INLINE uint32_t nn_window_extreme_four(const struct nn_window *window, const int8_t *input, int greater)
{
    const int32_t step = window->pixel;
    uint32_t extreme = nn_lanes_load(input);
    for (int32_t row = 0; row < window->rows; row++, input += window->row) {
        const int8_t *from = input;
        int32_t left = window->columns;
        for (; left >= 2; left -= 2, from += 2 * step) {
            const uint32_t a = nn_lanes_load(from), b = nn_lanes_load(from + step);
            extreme = nn_lanes_extreme(nn_lanes_extreme(extreme, a, greater), b, greater);
        }
        if (left > 0) {
            extreme = nn_lanes_extreme(extreme, nn_lanes_load(from), greater);
        }
    }
    return extreme;
}

struct nn_eight {
    uint32_t first;
    uint32_t second;
};

NN_INLINE struct nn_eight nn_window_extreme_eight(const struct nn_window *window, const int8_t *input, int greater)
{
    struct nn_eight extreme = {nn_lanes_load(input), nn_lanes_load(input + 4)};
    for (int32_t row = 0; row < window->rows; row++, input += window->row) {
        const int8_t *from = input;
        for (int32_t left = window->columns; left > 0; left--, from += window->pixel) {
            const uint32_t a = nn_lanes_load(from), b = nn_lanes_load(from + 4);
            extreme.first = nn_lanes_extreme(extreme.first, a, greater);
            extreme.second = nn_lanes_extreme(extreme.second, b, greater);
        }
    }
    return extreme;
}

#endif

NN_INLINE void nn_extreme_pixel(const struct nn_window *window, const void *input_data, int32_t channels,
                                const cmsis_nn_activation *activation, void *output_data, int greater)
{
    const int8_t *input = input_data;
    int8_t *output = output_data;
    const int32_t low = activation->min, high = activation->max;
#if NN_DSP
    const uint32_t lows = nn_lanes_all(low), highs = nn_lanes_all(high);
    for (; channels >= 8; channels -= 8, input += 8, output += 8) {
        const struct nn_eight extreme = nn_window_extreme_eight(window, input, greater);
        nn_lanes_store(output, nn_lanes_min(nn_lanes_max(extreme.first, lows), highs));
        nn_lanes_store(output + 4, nn_lanes_min(nn_lanes_max(extreme.second, lows), highs));
    }
    for (; channels >= 4; channels -= 4, input += 4, output += 4) {
        nn_lanes_store(output, nn_lanes_min(nn_lanes_max(nn_window_extreme_four(window, input, greater), lows), highs));
    }
#endif
    for (; channels > 0; channels--, input++) {
        *output++ = (int8_t)nn_clamp(nn_window_extreme(window, input, greater), low, high);
    }
}

#endif

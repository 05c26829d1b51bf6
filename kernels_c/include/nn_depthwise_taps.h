/*
 * Depthwise convolution of any taps for four channels of an output pixel at a time, with the DSP extension.
 *
 * `panel`: for each tap the weights of the channels, doubled, as pairs {0 2} {1 3}. Inputs are words of int8 at any address.
 */
#ifndef NN_DEPTHWISE_TAPS_H
#define NN_DEPTHWISE_TAPS_H

#include <stdint.h>

#include "nn_scale.h"

/* Sums begin at `start`. */
struct nn_taps_channels {
    int32_t start[4];
    struct nn_scale scale[4];
};

/* Steps are in bytes; taps and rows at least 1. */
struct nn_taps_walk {
    int32_t taps; /* of a row */
    int32_t rows;
    int32_t input_skip; /* from behind a row to the next */
    int32_t panel_skip; /* the same in the panel */
    int32_t input_next; /* from behind the last row to the next output's first */
    int32_t output_step;
    int32_t panel_step;    /* 0, or to the next four channels' */
    int32_t channels_step; /* the same */
    int32_t count;         /* of outputs, at least 1: pixels beside each other, or fours of channels of a pixel */
    int32_t tap_step;
    uint32_t offset;    /* of the input, as a pair */
};

void nn_depthwise_taps(const int8_t *input, const uint32_t *panel, const struct nn_taps_walk *walk,
                       const struct nn_taps_channels *channels, int8_t *output);

#endif

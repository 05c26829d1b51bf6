/*
 * Depthwise convolution of 3 x 3 taps for one channel, in tiles of outputs, with the DSP extension.
 *
 * The channel's inputs, the offset added, lie as pairs of int16: strip s holds columns 2s and 2s + 1, a word a row, and
 * words of a strip are 16 bytes apart (four channels share it). Stride 1: a tile is 2 x 2 outputs, of four rows of strips s
 * and s + 1. Stride 2: two outputs below each other, of five rows. Where the last tile of a strip would pass the end, it
 * begins a row of outputs earlier.
 */
#ifndef NN_DEPTHWISE_TILES_H
#define NN_DEPTHWISE_TILES_H

#include <stdint.h>

#include "nn_scale.h"

#define NN_STRIP_ROW_BYTES 16

/* A channel. Weights are doubled. */
struct nn_tile_channel {
    uint32_t weights[6]; /* of each row: {w0 w1} {w1 w2} */
    int32_t start;
    struct nn_scale scale;
};

struct nn_tile_walk {
    int32_t strip_bytes;
    int32_t column_step; /* in output bytes */
    int32_t row_step;
    int32_t strip_step;  /* from the first output of a strip to that of the next */
    int32_t whole_tiles; /* in a strip, at least 1 */
    int32_t odd;         /* 1: a last tile that begins a row earlier */
    int32_t strips;
};

typedef void nn_tiles(const uint32_t *strip, const struct nn_tile_walk *walk, const struct nn_tile_channel *channel,
                      void *output);

nn_tiles nn_depthwise_tiles_1, nn_depthwise_tiles_half, nn_depthwise_tiles_2;

/* Of int16: neither weights nor sums are doubled, and the scale is a multiplier alone, for SMMULR. */
nn_tiles nn_depthwise_tiles_1_s16, nn_depthwise_tiles_half_s16, nn_depthwise_tiles_2_s16;

#endif

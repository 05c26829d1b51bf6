/*
 * The inner loop of the convolutions with the DSP extension: quads of two pixels and two output channels.
 *
 * The weights of a pair of channels a, b are spread to a panel once and used for all pixels: for each four of them the
 * words {a0 a2} {b0 b2} {a1 a3} {b1 b3}, doubled so that SMMULR yields TensorFlow Lite's doubling high multiply.
 * Activations are int8 as they lie in memory, at any address, in `rows` stretches of `row_bytes` (a multiple of 4).
 */
#ifndef NN_QUADS_H
#define NN_QUADS_H

#include <stdint.h>

#include "nn_scale.h"

/* A pair of channels. Sums begin at `start`. */
struct nn_pair {
    struct nn_scale scale_a, scale_b;
    int32_t offset_b; /* bytes from the output of a to that of b */
    const uint32_t *panel;
    int32_t start_a, start_b;
    int32_t channel; /* a's; the loop does not look at it */
};

/* How `count` quads follow each other. All steps are in bytes. */
struct nn_walk {
    int32_t row_bytes;
    int32_t rows;
    int32_t input_skip;  /* from the end of a row to the next */
    int32_t panel_skip;  /* the same in the panel */
    int32_t input_next;  /* from the end of the last row to the next quad's first */
    int8_t *output;      /* of pixel 0, channel a */
    int32_t output_delta; /* from pixel 0 to pixel 1 */
    int32_t output_step;
    int32_t count; /* at least 1 */
    int32_t pair_step;
};

void nn_quads(const int8_t *pixel_0, const int8_t *pixel_1, const struct nn_walk *walk, const struct nn_pair *pair);

#endif

/*
 * The inner loop of convolutions with few weights for each output, with the DSP extension: octets of two pixels and four
 * output channels.
 *
 * The weights of four channels are spread to a panel, doubled so that SMMLAR yields TensorFlow Lite's doubling high multiply;
 * the inputs of two pixels, offset added, to `inputs`. A step is two weights of each channel: the words a b c d of the panel
 * and 0 1 of the inputs, all pairs of int16.
 */
#ifndef NN_OCTETS_H
#define NN_OCTETS_H

#include <stdint.h>

#include "nn_scale.h"

/* Four channels. Sums begin at `start`. */
struct nn_octet_channels {
    int32_t start[4];
    struct nn_scale scale[4];
};

struct nn_octet_walk {
    int32_t steps;
    int32_t count;    /* of octets, at least 1; their panels, channels and outputs follow each other */
    int8_t *output_0; /* of pixel 0 */
    int8_t *output_1;
};

/*
 * Spreads `count` inputs (a multiple of 4, not 0) of two pixels at any address, adding `offset`, a pair, to each. Returns
 * where the next go.
 */
uint32_t *nn_spread_inputs(uint32_t *to, const int8_t *pixel_0, const int8_t *pixel_1, int32_t count, uint32_t offset);

void nn_octets(const uint32_t *inputs, const uint32_t *panel, const struct nn_octet_channels *channels,
               const struct nn_octet_walk *walk);

#endif

/*
 * The inner loop of convolutions without the DSP extension: one pixel and four output channels, two products for each
 * multiplication.
 *
 * `panel`: for each tap the words b * 65536 + a and d * 65536 + c, weights of the channels; those of taps 2i and 2i + 1 are
 * not both -128. `inputs`: int8 as int32. `count`, a multiple of 4 and not 0, of them take part. Adds to `sums`.
 */
#ifndef NN_FOURS_H
#define NN_FOURS_H

#include <stdint.h>

void nn_fours(const int32_t *inputs, const uint32_t *panel, int32_t count, int32_t *sums);

#endif

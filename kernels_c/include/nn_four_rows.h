/*
 * The inner loop of fully connected layers with the DSP extension: four rows of weights and one vector.
 *
 * `inputs`: for each four of them the pairs {0 2} {1 3} of int16; `count`, a multiple of 4 and not 0, of `depth` weights a row
 * take part. Adds to `sums`.
 */
#ifndef NN_FOUR_ROWS_H
#define NN_FOUR_ROWS_H

#include <stdint.h>

void nn_four_rows(const uint32_t *inputs, const int8_t *weights, int32_t depth, int32_t count, int32_t *sums);

#endif

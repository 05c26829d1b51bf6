/*
 * The inner loop of fully connected layers without the DSP extension: a vector of int8, an offset added, and four rows of
 * weights, `depth` apart. `count` of them, not 0, take part. Adds to `sums`.
 */
#ifndef NN_SMALL_ROWS_H
#define NN_SMALL_ROWS_H

#include <stdint.h>

struct nn_small_rows {
    int32_t sums[4];
    int32_t offset;
};

void nn_small_rows(const int8_t *input, const int8_t *weights, int32_t depth, int32_t count, struct nn_small_rows *rows);

#endif

/* Products of an int8 vector with the rows of an int8 matrix: fully connected layers and matrix products; not for users. */
#ifndef NN_DENSE_H
#define NN_DENSE_H

#include "arm_nn_types.h"

/*
 * A matrix of `rows` rows of `depth` weights each, and how a row's sum becomes an output. Multipliers and shifts are one
 * for all rows, or one for each (`per_row` 1).
 */
struct nn_dense {
    const int8_t *weights;
    int32_t rows, depth;
    const int32_t *bias; /* or NULL */
    const int32_t *multiplier, *shift;
    int32_t per_row;
    int32_t input_offset, filter_offset, output_offset;
    cmsis_nn_activation activation;
    int32_t rounds_once; /* nn_requantize_once, as fully connected layers do, or nn_requantize */
};

/* One vector; `scratch` as nn_dense_scratch says, not used by plain C. */
void nn_dense_vector(const struct nn_dense *layer, const int8_t *input, int8_t *output, void *scratch);
int32_t nn_dense_scratch(int32_t depth);

#endif

/*
 * The inner loop of fully connected layers with the DSP extension: a vector and four rows of weights at a time.
 *
 * `inputs`: for each four of them the pairs {0 2} {1 3} of int16, doubled, zeros behind the last. A step is four inputs. Where
 * rows are no multiple of four, up to three bytes behind them are read and multiplied by zero.
 */
#ifndef NN_FOUR_ROWS_H
#define NN_FOUR_ROWS_H

#include <stdint.h>

#include "nn_scale.h"

struct nn_rows_walk {
    int32_t depth, steps; /* bytes from row to row; at least 1 */
    int32_t count;        /* of fours, at least 1 */
    const int32_t *bias;  /* of the next four rows */
    int32_t bias_step;    /* from there to those of the four after, bytes */
    struct nn_scale scale;
    int8_t *output;
    int32_t rounds_once; /* sums are scaled as nn_requantize_once does, not as nn_requantize */
};

/*
 * Two rows and a vector of int8 as it lies, `offset`, a pair, added: `count`, a multiple of 8 and not 0, of the products.
 * Adds to `sums`.
 */
void nn_two_rows(const int8_t *input, const int8_t *row_a, const int8_t *row_b, int32_t count, uint32_t offset,
                 int32_t *sums);

void nn_four_rows(const uint32_t *inputs, const int8_t *weights, const struct nn_rows_walk *walk);

#endif
